"""The one door to GnuPG: arguments, status lines, and how a run is ended.

What gpg says is read here, from its status lines (doc/DETAILS in GnuPG's sources), and believed
only when every line that must be there is there, once. Nothing passes through a temporary file.
How one run goes is in `gpg_run.py`.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from threading import Timer
from types import MappingProxyType
from typing import Final

from crypto.errors import GpgFailed, NoKeyOpens, PinRefused, Tampered
from crypto.gpg_run import Run, Sink, Source, Statuses, finished
from crypto.listing import ListedKey, read_listing
from crypto.secret_keys import (
    SecretKey,
    agent_failed,
    asks_for_pin,
    card_is_out,
    read_secret_keys,
)

WHERE_IT_ASKS: Final = (
    "GPG_TTY",
    "TERM",
    "DISPLAY",
    "XAUTHORITY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
)
"""The variables by which gpg-agent finds where somebody sits, to ask for a PIN."""

BLOCK_SIZE: Final = 256 * 1024
SESSION_KEY: Final = re.compile(r"[1-9][0-9]?:(?:[0-9A-F]{2}){16,32}")
"""A session key as gpg says it: the cipher's number, a colon, and the key in hex."""
# gpg notes in a keyring which signatures it has found to be good, and would believe that note: who
# can write the file could bind a subkey of their own to anybody's key. So it looks at each anew.
_QUIET: Final = [
    *("--no-options", "--no-auto-check-trustdb", "--no-random-seed-file", "--no-sig-cache"),
]
# Locks are files that come and go, so the home's own time would tell when it was last sealed to.
# gpg puts a changed keyring in place by renaming it: who reads without a lock reads old or new.
_READING: Final = [*_QUIET, "--lock-never"]
_CHECKED: Final = ["--with-sig-check", "--with-subkey-fingerprint"]
_MINIMAL: Final = "export-minimal,no-export-attributes"
_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
_ANONYMOUS: Final = "0000000000000000"
_SPOILT: Final = frozenset(
    {"BADMDC", "DECRYPTION_FAILED", "UNEXPECTED", "NODATA", "ERROR", "FAILURE"}
)
_LISTING_SECONDS: Final = 60.0
"""For what takes a few milliseconds; a gpg that hangs must not hold whoever asked for ever."""


@dataclass(frozen=True, slots=True)
class Decrypted:
    """What gpg said of a message that decrypted and was whole."""

    recipients: int
    """How many keys the message was encrypted to."""
    hidden: bool
    """Whether none of their key ids can be seen."""
    session_key: str | None = field(default=None, repr=False)
    """What opens it again without any other key, where it was asked for: `algorithm:hex`."""
    subkey: str | None = None
    """The fingerprint of the secret key that opened it; None where a session key did."""


def holds_secret_keys(home: Path) -> bool:
    """Say whether any secret key lies in a GNUPGHOME, in either of gpg's layouts."""
    new_layout = any((home / "private-keys-v1.d").glob("*.key"))
    old = home / "secring.gpg"
    return new_layout or (old.exists() and old.stat().st_size > 0)


class Gpg:
    """One GNUPGHOME. Safe to use from several threads at once.

    `asks_at` are the variables by which gpg-agent finds where to ask for a PIN (GPG_TTY, DISPLAY
    and their like); without them it asks nobody. Raises GpgFailed when there is no gpg to run.
    """

    def __init__(self, home: Path, *, asks_at: Mapping[str, str] = MappingProxyType({})) -> None:
        self.home = home
        environment = {**asks_at, **_ENVIRONMENT}
        try:
            self._idle = Run(gnupghome=str(home), options=_READING, env=environment)
        except (OSError, ValueError) as error:
            raise GpgFailed(f"gpg can't be started: {error}") from None
        self._idle.buffer_size = BLOCK_SIZE
        self._running: set[Run] = set()
        self._ended = False
        self._choose_keyring()

    @property
    def version(self) -> tuple[int, ...]:
        """The version of gpg, as in (2, 2, 40); empty when it doesn't say."""
        return tuple(self._idle.version or ())

    def encrypt(
        self,
        plaintext: Iterable[bytes],
        sink: Sink,
        *,
        to: Sequence[str],
        day: date,
        limit_seconds: float,
        hidden: bool = True,
        armoured: bool = False,
    ) -> None:
        """Encrypt to the subkeys `to` (fingerprints), uncompressed; binary, or else `armoured`.

        They are `hidden` recipients, unless it may be seen who can read it: then whoever has
        several keys is asked for the one that it takes.
        The message's own date is the last second of `day`: the exact one says when a source was
        here, and the first one would be before a key that was made today. When `limit_seconds`
        are over, gpg is killed; a block of `plaintext` that is being waited for is waited for
        still. What `plaintext` or `sink` raises comes out as it is; raises GpgFailed otherwise.
        """
        run = self._new_run(sink)
        source = Source(plaintext, run)
        extra = ["--compress-algo", "none", "--no-autostart"]
        extra += ["--faked-system-time", f"{day:%Y%m%d}T235959!"]
        exactly = [f"{fingerprint}!" for fingerprint in to]  # "!" holds gpg to this subkey
        with self._limited(run, limit_seconds):
            result = finished(
                run,
                source,
                lambda: run.encrypt_file(
                    source,
                    None if hidden else exactly,
                    hidden_recipients=exactly if hidden else None,
                    armor=armoured,
                    always_trust=True,
                    extra_args=extra,
                ),
            )
        whole = result.in_order_once("BEGIN_ENCRYPTION", "END_ENCRYPTION")
        if result.returncode != 0 or not whole or not source.ended:
            raise GpgFailed(f"gpg did not finish encrypting (exit {result.returncode})")

    def decrypt(
        self,
        sealed: Iterable[bytes],
        sink: Sink,
        *,
        limit_seconds: float | None = None,
        session_key: str | None = None,
        ask_session_key: bool = False,
    ) -> Decrypted:
        """Decrypt one whole message into `sink`.

        gpg gives out plaintext before it knows that the message was altered: nothing that `sink`
        got may be believed, or kept, until this returns. With a `session_key` from before no
        secret key is touched; without, a hidden recipient is tried with every secret key there is
        (`own_keys.py` asks for less). Raises NoKeyOpens, PinRefused, Tampered, GpgFailed.
        """
        run, extra = self._new_run(sink), []
        if session_key is not None:
            if not SESSION_KEY.fullmatch(session_key):
                raise Tampered("what was kept as the session key is none")
            # gpg reads one line, byte by byte, and then the message from where it stopped.
            extra = ["--no-autostart", "--override-session-key-fd", "0"]
            sealed = chain([f"{session_key}\n".encode()], sealed)
        elif ask_session_key:
            extra.append("--show-session-key")
        source = Source(sealed, run)
        with self._limited(run, limit_seconds):
            result = finished(run, source, lambda: run.decrypt_file(source, extra_args=extra))
        recipients = [rest.split()[0] for keyword, rest in result.lines if keyword == "ENC_TO"]
        _require_vouched(result, len(recipients), source_ended=source.ended)
        return Decrypted(
            len(recipients),
            all(key_id == _ANONYMOUS for key_id in recipients),
            session_key or result.only("SESSION_KEY"),
            result.only("DECRYPTION_KEY"),
        )

    def session_key(self, message: bytes, *, subkey: str) -> str | None:
        """Return the session key of a message, found with `subkey` (its fingerprint) alone.

        `message` is a session key that names that subkey, and some encrypted data, which need not
        be whole: nobody vouches for the key until something opens with it. None where the subkey
        doesn't fit. Whoever sits at the screen may be asked for a PIN, and is waited for. Raises
        PinRefused (which doesn't know of tries left), GpgFailed.
        """
        run = self._new_run()
        with self._limited(run, None):
            said = run.ask(["--show-session-key", "--decrypt"], message)
        found, by = said.only("SESSION_KEY"), said.only("DECRYPTION_KEY")
        if found is not None and by == subkey and SESSION_KEY.fullmatch(found):
            return found
        if said.returncode is None or said.returncode < 0 or not said.lines:
            raise GpgFailed(f"gpg did not finish decrypting (exit {said.returncode})")
        failure = said.failure("pkdecrypt_failed")
        if failure is not None and asks_for_pin(failure):
            raise PinRefused
        if failure is not None and agent_failed(failure):
            raise GpgFailed("gpg-agent did not try the key")
        return None

    def secret_keys(self) -> tuple[SecretKey, ...]:
        """Return every key for decryption whose secret half lies here, or on a card known here."""
        run = self._new_run()
        if not (self.home / "trustdb.gpg").exists():
            run.options = [*_READING, "--trust-model", "always"]
        with self._limited(run, _LISTING_SECONDS):
            listed = run.ask(["--list-secret-keys", "--with-subkey-fingerprint"])
        if listed.returncode != 0:
            starved = listed.returncode is None or listed.returncode < 0
            raise GpgFailed(f"gpg can't list keys (exit {listed.returncode})", starved=starved)
        return read_secret_keys(listed.data)

    def public_keys(self) -> tuple[ListedKey, ...]:
        """Return gpg's account of every public key here, judged by the real clock."""
        run = self._new_run()
        if not (self.home / "trustdb.gpg").exists():
            # gpg would make one, and root's is none that whoever has the keyring can read. It says
            # which keys are disabled: none yet.
            run.options = [*_READING, "--trust-model", "always"]
        with self._limited(run, _LISTING_SECONDS):
            listed = run.ask(["--list-keys", *_CHECKED])
        if listed.returncode != 0:
            starved = listed.returncode is None or listed.returncode < 0
            raise GpgFailed(f"gpg can't list keys (exit {listed.returncode})", starved=starved)
        return read_listing(listed.data)

    def look_at_keys(self, exported: bytes) -> tuple[ListedKey, ...]:
        """Return the same account of keys in a file, importing nothing.

        There is none where gpg can't read all of it, but for secret keys: these it always tells.
        """
        run = self._new_run()
        run.options = [*_READING, "--no-autostart"]  # a secret key would wake an agent
        with self._limited(run, _LISTING_SECONDS):
            looked = run.ask(["--import-options", "show-only", "--import", *_CHECKED], exported)
        if looked.returncode is None or looked.returncode < 0:
            raise GpgFailed(f"gpg did not finish looking at keys (exit {looked.returncode})")
        keys = read_listing(looked.data)
        return keys if looked.returncode == 0 else tuple(key for key in keys if key.secret)

    def export_keys(self, fingerprints: Sequence[str]) -> str:
        """Return these public keys as one armoured block, with names but without photos.

        Of the signatures, only each key's own are in it: the others' would say who knows whom.
        Raises GpgFailed unless every one of them is here.
        """
        run = self._new_run()
        run.options = [*_READING, "--no-autostart", "--export-options", _MINIMAL]
        with self._limited(run, _LISTING_SECONDS):
            exported = str(run.export_keys([f"0x{fingerprint}" for fingerprint in fingerprints]))
        found = {key.primary.fingerprint for key in self.look_at_keys(exported.encode())}
        if found != set(fingerprints):
            raise GpgFailed("gpg did not export the keys")
        return exported

    def add_keys(self, exported: bytes) -> None:
        """Import public keys. Raises GpgFailed."""
        run = self._new_run()
        run.options = _QUIET
        with self._limited(run, _LISTING_SECONDS):
            result = run.import_keys(exported, extra_args=["--no-autostart"])
        if not result.fingerprints or result.returncode != 0:
            raise GpgFailed("gpg did not import the key")

    def delete_key(self, fingerprint: str) -> None:
        """Delete a public key, by its whole fingerprint. Raises GpgFailed."""
        run = self._new_run()
        run.options = _QUIET
        with self._limited(run, _LISTING_SECONDS):
            done = run.ask(["--yes", "--no-autostart", "--delete-keys", f"0x{fingerprint}"])
        if done.returncode != 0:
            raise GpgFailed(f"gpg did not delete the key (exit {done.returncode})")

    def delete_secret_subkey(self, fingerprint: str) -> None:
        """Delete the secret half of one subkey; primary key and other subkeys stay.

        gpg-agent deletes a file; what the disk keeps of it is the disk's. Raises GpgFailed unless
        it is gone, and nothing else.
        """
        before = {key.fingerprint for key in self.secret_keys()}
        run = self._new_run()
        run.options = _QUIET
        with self._limited(run, _LISTING_SECONDS):
            done = run.ask(["--yes", "--delete-secret-keys", f"{fingerprint}!"])
        left = {key.fingerprint for key in self.secret_keys()}
        if done.returncode != 0 or left != before - {fingerprint}:
            raise GpgFailed(f"gpg did not delete the subkey alone (exit {done.returncode})")

    def holds_secret_keys(self) -> bool:
        """Say whether any secret key lies in this home."""
        return holds_secret_keys(self.home)

    def end(self) -> None:
        """Kill every run there is, and each that is begun from now on: the program ends."""
        self._ended = True
        for run in list(self._running):
            run.kill()

    @contextmanager
    def _limited(self, run: Run, limit_seconds: float | None) -> Iterator[None]:
        """Kill the run when it takes longer than it may, or when everything ends."""
        self._running.add(run)
        timer = Timer(limit_seconds or 0, run.kill)
        timer.daemon = True
        if limit_seconds is not None:
            timer.start()
        try:
            if self._ended:  # since it was begun; a gpg killed as it starts may have done its work
                raise GpgFailed("gpg is not started any more", starved=True)
            yield
        finally:
            timer.cancel()
            self._running.discard(run)

    def _choose_keyring(self) -> None:
        # gpg tidies a keybox now and then while it only reads it, and the folder's time then tells
        # when. It never does so to a plain keyring, so a home that has neither gets one.
        if not (self.home / "pubring.kbx").exists():
            with suppress(OSError):
                (self.home / "pubring.gpg").touch(mode=0o600, exist_ok=False)

    def _new_run(self, sink: Sink | None = None) -> Run:
        run = copy.copy(self._idle)
        if sink is not None:
            run.give_to(sink)
        return run


def _require_vouched(said: Statuses, recipients: int, *, source_ended: bool) -> None:
    """Raise NoKeyOpens, PinRefused, Tampered or GpgFailed, unless gpg vouches for the message."""
    # A run that was killed, or never got to the message, says nothing against the message.
    killed = said.returncode is None or said.returncode < 0
    if killed or not said.lines:
        why = f"gpg did not finish decrypting (exit {said.returncode})"
        raise GpgFailed(why, wordless=not killed)
    keywords = said.keywords()
    if not {"DECRYPTION_OKAY", "BADMDC"} & set(keywords):
        # Neither does one that had no key to go on with.
        failure = said.failure("pkdecrypt_failed")
        if failure is not None and asks_for_pin(failure):
            raise PinRefused
        if "NO_SECKEY" in keywords or (failure is not None and card_is_out(failure)):
            raise NoKeyOpens(recipients)
    whole = said.in_order_once(
        "BEGIN_DECRYPTION", "PLAINTEXT", "DECRYPTION_OKAY", "GOODMDC", "END_DECRYPTION"
    )
    if not whole or _SPOILT & set(keywords) or keywords.count("SESSION_KEY") > 1:
        raise Tampered("gpg does not vouch for the message")
    # Trying a key on another hidden recipient's packet makes gpg exit with 2 although all is
    # well ("ecdh failed … Checksum error"), so the status lines above decide.
    if said.returncode not in (0, 2) or not source_ended:
        raise GpgFailed(f"gpg did not finish decrypting (exit {said.returncode})")
