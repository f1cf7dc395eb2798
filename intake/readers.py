"""Whom drops are sealed to, as this desk keeps it: its list, and the signature over it.

The list is in desk.toml, the keys themselves in keys/. A change holds here at once, and at the
server once it has taken the signed list (`crypto/keylist.py`). Drops that say an earlier list raise
no alarm, unless a key has left it since, and they are of a day after that.
"""

import tempfile
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.errors import BadKeyList, GpgFailed, WrongSignature
from crypto.gpg import Gpg
from crypto.keylist import KeyList, signed, verified
from crypto.newsroom import NewsroomKey, look_at
from intake.durable import PRIVATE_FOLDER, rewrite
from intake.errors import CantChangeKeys, NotASigner
from intake.layout import Layout
from intake.pairing import DeskPairing, ServerPairing, desk_pairing, read_desk_pairing
from intake.settings import Earlier, Server, Settings, written

_CLOCKS_APART: Final = timedelta(days=2)


def own_key(layout: Layout) -> str:
    """Return this desk's signing key, its public half in hex. Raises BadSettings."""
    return read_desk_pairing(layout.pairing, layout.pairing.read_bytes())[0].signing_key


def signers(settings: Settings, own: str) -> dict[str, str]:
    """Return the desks that may sign the next list: signing key, and name."""
    return settings.server.signers or {own: settings.desk.name}


def with_key(settings: Settings, key: NewsroomKey, *, today: date) -> Settings:
    """Return the settings with one reader more, or as they were where it reads already."""
    return _of(settings, {*settings.server.newsroom, key.fingerprint}, today=today)


def without_key(settings: Settings, fingerprint: str, *, today: date) -> Settings:
    """Return the settings with one reader less. Raises CantChangeKeys: unknown, or the last."""
    if fingerprint not in settings.server.newsroom:
        raise CantChangeKeys(f"{fingerprint} is none of them")
    left = set(settings.server.newsroom) - {fingerprint}
    if not left:
        raise CantChangeKeys("it is the last one; add another first")
    return _of(settings, left, today=today)


def reintroduced(settings: Settings, server: ServerPairing) -> Settings:
    """Return the settings with what the server says anew: its canary, and who signs.

    That only where this desk doesn't know it yet: else those who run the server could name a desk
    of their own, and this one would sign for it. Raises CantChangeKeys when it is another server.
    """
    if server.export_key != settings.server.export_key:
        raise CantChangeKeys("this is the file of another server; it needs a desk of its own")
    return _changed(
        settings,
        signers=settings.server.signers or server.desks,
        canary=server.canary or settings.server.canary,
    )


def with_signer(settings: Settings, desk: DeskPairing, own: str) -> Settings:
    """Return the settings with one desk more that may sign."""
    return _changed(settings, signers=signers(settings, own) | {desk.signing_key: desk.desk})


def without_signer(settings: Settings, name: str, own: str) -> Settings:
    """Return the settings with one desk less that may sign. Raises CantChangeKeys."""
    known = signers(settings, own)
    left = {key: each for key, each in known.items() if each != name}
    if left == known:
        raise CantChangeKeys(f"no desk called {name} signs them")
    if not left:
        raise CantChangeKeys(f"{name} is the only desk that signs them")
    return _changed(settings, signers=left)


def sign(
    layout: Layout, settings: Settings, signing_key: Ed25519PrivateKey, *, now: datetime
) -> tuple[bytes, Settings]:
    """Return the signed list, and the settings that remember when it was signed.

    Raises NotASigner, BadKeyList.
    """
    own = signing_key.public_key().public_bytes_raw().hex()
    known = signers(settings, own)
    if own not in known:
        raise NotASigner(known.values())
    signed_at = int(now.timestamp())
    if settings.server.signed_at <= (now + _CLOCKS_APART).timestamp():
        # A clock that was set back a little must not make a list that looks older than the last.
        # One from far ahead was taken by no server: the clock was wrong then.
        signed_at = max(signed_at, settings.server.signed_at + 1)
    keys = KeyList(
        drop=settings.server.export_key,
        signed_at=signed_at,
        readers={
            fingerprint: block_of(layout, fingerprint) for fingerprint in settings.server.newsroom
        },
        desks=known,
    )
    return signed(keys, signing_key), _changed(settings, signed_at=signed_at, signers=known)


def taken(
    untrusted: bytes, layout: Layout, settings: Settings, *, gpg: Gpg, now: datetime
) -> tuple[Settings, Mapping[str, str]]:
    """Return the settings that follow from another desk's list, and the keys in it, armoured.

    Raises BadKeyList, NewerVersion, KeyRefused.
    """
    try:
        keys = verified(untrusted, signers(settings, own_key(layout)))
    except WrongSignature:
        raise BadKeyList("it is not signed by a desk that this one knows to sign them") from None
    if keys.drop != settings.server.export_key:
        raise BadKeyList("it is for another drop")
    if keys.signed_at <= settings.server.signed_at:
        raise BadKeyList("it was signed before the list that this desk knows")
    if keys.signed_at > (now + _CLOCKS_APART).timestamp():
        raise BadKeyList(
            "it was signed on a day to come: this clock, or the other desk's, is wrong"
        )
    blocks = {fingerprint: block for fingerprint, block in keys.readers.items() if block}
    for fingerprint, block in blocks.items():
        if [key.fingerprint for key in look_at(gpg, block.encode(), now=now)] != [fingerprint]:
            raise BadKeyList(f"what it gives as {fingerprint} is another key")
    known = _of(settings, keys.fingerprints, today=now.date())
    return _changed(known, signed_at=keys.signed_at, signers=dict(keys.desks)), blocks


def keep(layout: Layout, settings: Settings, blocks: Mapping[str, str]) -> None:
    """Keep settings and keys; each file is the old one or the new one whenever it breaks off.

    Raises BadSettings when pairing.json can't be read.
    """
    layout.keys.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    for fingerprint, block in blocks.items():
        rewrite(_file(layout, fingerprint), block.encode())
    own = own_key(layout)
    rewrite(layout.settings, written(settings))
    block = block_of(layout, settings.reporter.key)
    rewrite(layout.pairing, desk_pairing(settings, own, block))


def block_of(layout: Layout, fingerprint: str) -> str:
    """Return a public key, armoured, or nothing where this desk doesn't have it."""
    try:
        return _file(layout, fingerprint).read_text("ascii")
    except FileNotFoundError:
        return ""


def armoured(exported: bytes, fingerprint: str) -> str:
    """Return a public key that somebody exported, armoured, with nobody else's signatures in it.

    Raises GpgFailed.
    """
    with tempfile.TemporaryDirectory(prefix="td-") as home:
        gpg = Gpg(Path(home))
        gpg.add_keys(exported)
        return gpg.export_keys([fingerprint])


def blocks_from(gpg: Gpg, fingerprints: Iterable[str]) -> dict[str, str]:
    """Return those of the keys that gpg has, armoured."""
    found = {}
    for fingerprint in fingerprints:
        try:
            found[fingerprint] = gpg.export_keys([fingerprint])
        except GpgFailed:
            continue  # the server has it, or will say that it hasn't
    return found


def _of(settings: Settings, newsroom: Iterable[str], *, today: date) -> Settings:
    """Return the settings with another list, the one that held until now among the earlier ones."""
    server, after = settings.server, tuple(sorted(newsroom))
    if after == server.newsroom:
        return settings
    until = None if set(server.newsroom) <= set(after) else today.isoformat()
    before = Earlier(server.newsroom_digest, len(server.newsroom), until)
    earlier = {each.digest: each for each in (*server.earlier, before)}
    if until is not None:
        # Which keys the lists before that had isn't known any more; the one that left may be there.
        earlier = {
            digest: msgspec.structs.replace(each, until=each.until or until)
            for digest, each in earlier.items()
        }
    return _changed(settings, newsroom=after, earlier=tuple(earlier.values()))


def _changed(settings: Settings, **said: object) -> Settings:
    server: Server = msgspec.structs.replace(settings.server, **said)
    return msgspec.structs.replace(settings, server=server)


def _file(layout: Layout, fingerprint: str) -> Path:
    return layout.keys / f"{fingerprint}.asc"
