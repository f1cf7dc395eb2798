"""Read `desk.toml` once, into one small frozen part per concern.

Nothing in it is secret. It is written by `init` and pins what the desk believes from then on.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.manifest import Source
from crypto.newsroom import list_digest
from intake.errors import BadSettings

Fingerprint = Annotated[str, msgspec.Meta(pattern=r"\A([0-9A-F]{40}|[0-9A-F]{64})\Z")]
Ed25519Hex = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
MailboxHex = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Pseudonym = Annotated[str, msgspec.Meta(pattern=r"\A[a-z]+ [a-z]+\Z", max_length=40)]
DeskName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,39}\Z")]
SignerName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 _-]{0,39}\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
MOST_INITIALS: Final = 4
INITIALS: Final = re.compile(rf"\w{{0,{MOST_INITIALS}}}")
Initials = Annotated[str, msgspec.Meta(pattern=rf"\A{INITIALS.pattern}\Z")]
Day = Annotated[str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\d\Z")]
Newsroom = Annotated[tuple[Fingerprint, ...], msgspec.Meta(min_length=1)]


class Desk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the server calls this desk."""

    name: DeskName


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The server's own test source, as the manifests of what it sends name it."""

    pseudonym: Pseudonym
    mailbox_id: MailboxHex

    def sent(self, source: Source) -> bool:
        """Say whether a manifest's `source` is the canary. Both words and mailbox must be."""
        return (source.pseudonym, source.mailbox_id) == (self.pseudonym, self.mailbox_id)


class Earlier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key list that the newsroom had before: what drops from then say of themselves."""

    digest: Digest
    keys: int
    """How many it had."""
    until: Day | None = None
    """The last day a drop may say it; None where all of its keys are the newsroom's still."""


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The paired server."""

    export_key: Ed25519Hex
    newsroom: Newsroom
    """Primary fingerprints of every key that drops are sealed to."""
    signed_at: int = 0
    """When that list was signed, in seconds since 1970; 0 for the one from pairing."""
    signers: dict[Ed25519Hex, SignerName] = {}
    """The desks that may sign the next one: signing key, and name. Empty: this desk."""
    earlier: tuple[Earlier, ...] = ()
    canary: Canary | None = None
    """None where the server named none at pairing: then nothing is taken for one."""

    @property
    def signer(self) -> Ed25519PublicKey:
        """The key that bags of drops are signed by."""
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.export_key))

    @property
    def newsroom_digest(self) -> str:
        """What a manifest must say of the newsroom, 64 hex digits."""
        return list_digest(self.newsroom).hex()

    def earlier_list(self, digest: str) -> Earlier | None:
        """Return the earlier list that a manifest's digest means, if it means one."""
        return next((each for each in self.earlier if each.digest == digest), None)


class Reporter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose desk this is."""

    key: Fingerprint
    gnupg_home: str
    initials: Initials = ""
    """How notes and the custody log name the reporter; without any, they name the desk."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of `desk.toml`."""

    desk: Desk
    server: Server
    reporter: Reporter


_PARTS: Final[dict[str, type[msgspec.Struct]]] = {
    "desk": Desk,
    "server": Server,
    "reporter": Reporter,
}

_CANARY: Final = """\
# The server's own test source. What it sends is named in the receipt and kept out of the catalogue.
canary = {{ pseudonym = {pseudonym}, mailbox_id = {mailbox_id} }}
"""
_TEXT: Final = """\
# A Tapedrop desk. Written by `tapedrop-intake init`, read by every command.

[desk]
# What the server calls this desk.
name = {name}

[server]
# The key that signs the server's bags. A bag that is signed by another is refused.
export_key = {export_key}
# Whom the server seals to. A drop that says anything else raises an alarm. `keys` changes it, and
# signs it, for the server to believe.
newsroom = [
{newsroom}]
signed_at = {signed_at}
# The desks that may sign the next list: signing key, and name. None: this desk.
signers = {{{signers}}}
# Earlier lists: their digest, how many keys, and until which day a drop may be sealed to them.
earlier = [
{earlier}]
{canary}
[reporter]
# The OpenPGP key that opens this desk's vault, and where gpg finds it.
key = {key}
gnupg_home = {gnupg_home}
# How notes and the custody log name the reporter, up to four letters; else they name the desk.
initials = {initials}
"""


def read_settings(path: Path) -> Settings:
    """Return what `path` says. Raises BadSettings, which lists the known keys if one is unknown."""
    try:
        said = tomllib.loads(path.read_text("utf-8"))
        _refuse_unknown(path, said, _PARTS, "")
        for name, part in _PARTS.items():
            if isinstance(said.get(name), dict):
                _refuse_unknown(path, said[name], part.__struct_fields__, f"{name}.")
        return msgspec.convert(said, Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadSettings(path, str(error)) from None


def written(settings: Settings) -> bytes:
    """Return the text of `desk.toml`, with its comments."""
    newsroom = "".join(f"    {_quoted(each)},\n" for each in settings.server.newsroom)
    canary = settings.server.canary
    signers = [f"{key} = {_quoted(name)}" for key, name in settings.server.signers.items()]
    return _TEXT.format(
        name=_quoted(settings.desk.name),
        export_key=_quoted(settings.server.export_key),
        newsroom=newsroom,
        signed_at=settings.server.signed_at,
        signers=", ".join(signers),
        earlier="".join(map(_written_earlier, settings.server.earlier)),
        canary=_written_canary(canary) if canary else "",
        key=_quoted(settings.reporter.key),
        gnupg_home=_quoted(settings.reporter.gnupg_home),
        initials=_quoted(settings.reporter.initials),
    ).encode()


def _written_earlier(earlier: Earlier) -> str:
    until = f", until = {_quoted(earlier.until)}" if earlier.until else ""
    return f"    {{ digest = {_quoted(earlier.digest)}, keys = {earlier.keys}{until} }},\n"


def _written_canary(canary: Canary) -> str:
    return _CANARY.format(
        pseudonym=_quoted(canary.pseudonym), mailbox_id=_quoted(canary.mailbox_id)
    )


def _refuse_unknown(path: Path, said: dict[str, Any], known: Any, within: str) -> None:
    for key in said:
        if key not in known:
            listed = ", ".join(f"{within}{name}" for name in known)
            raise BadSettings(path, f"unknown key {within}{key} (known: {listed})")


def _quoted(text: str) -> str:
    # TOML's basic strings escape as JSON's do.
    return json.dumps(text)
