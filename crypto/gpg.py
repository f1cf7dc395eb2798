"""The one door to GnuPG: arguments, status lines, and how a run is ended.

python-gnupg starts gpg and moves the bytes; what gpg says is read here, from its status lines
(doc/DETAILS in GnuPG's sources), and believed only when every line that must be there is there,
once. Nothing passes through a temporary file, and nothing is kept whole in memory.
"""

import copy
import fcntl
import logging
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Timer
from types import MappingProxyType
from typing import Any, Final

import gnupg

from crypto.errors import GpgFailed, NoKeyOpens, Tampered

# It logs what it moves. What went wrong is told by our errors instead.
logging.getLogger("gnupg").disabled = True

BLOCK_SIZE: Final = 256 * 1024
_PIPE_SIZE: Final = 1024 * 1024
_QUIET: Final = ["--no-options", "--no-auto-check-trustdb", "--no-random-seed-file"]
_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
_ANONYMOUS: Final = "0000000000000000"

Sink = Callable[[bytes], None]
"""Takes the next bytes of gpg's output; what it raises ends the run and comes back out of it."""


@dataclass(frozen=True, slots=True)
class Decrypted:
    """What gpg said of a message that decrypted and was whole."""

    recipients: int
    """How many keys the message was encrypted to."""
    hidden: bool
    """Whether none of their key ids can be seen."""


class _Statuses:
    """Every status line of one run, in order."""

    def __init__(self, _gpg: gnupg.GPG) -> None:
        self.lines: list[tuple[str, str]] = []
        self.returncode: int | None = None
        self.data = b""
        self.stderr = ""

    def handle_status(self, keyword: str, rest: str) -> None:
        self.lines.append((keyword, rest))

    def keywords(self) -> list[str]:
        return [keyword for keyword, _ in self.lines]

    def in_order_once(self, *keywords: str) -> bool:
        wanted = [keyword for keyword in self.keywords() if keyword in keywords]
        return wanted == list(keywords)


class _Source:
    """What python-gnupg reads from; remembers whether it was read to its end."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks: Iterator[bytes] = iter(blocks)
        self.failure: BaseException | None = None
        self.ended = False

    def read(self, _size: int) -> bytes:
        try:
            for block in self._blocks:
                if block:
                    return block
        except BaseException as failure:
            self.failure = failure
            raise
        self.ended = True
        return b""

    def close(self) -> None:
        """python-gnupg closes what it was given; the blocks are not its to close."""


class _Run(gnupg.GPG):  # type: ignore[misc]
    """One run of gpg that can be killed, and whose output goes to a sink as it comes."""

    result_map = gnupg.GPG.result_map | {"crypt": _Statuses}
    process: subprocess.Popen[bytes] | None = None
    failure: BaseException | None = None

    def _open_subprocess(self, args: list[str], passphrase: bool = False) -> Any:
        process = super()._open_subprocess(args, passphrase)
        for pipe in (process.stdin, process.stdout):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        self.process = process
        return process

    def give_to(self, sink: Sink) -> None:
        def on_data(block: bytes) -> bool:
            if block and self.failure is None:
                try:
                    sink(block)
                except BaseException as failure:
                    self.failure = failure
                    self.kill()
                    raise
            return False  # python-gnupg would keep the whole output otherwise

        self.on_data = on_data

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()


class Gpg:
    """One GNUPGHOME. Safe to use from several threads at once.

    `asks_at` are the variables by which gpg-agent finds where to ask for a PIN (GPG_TTY, DISPLAY
    and their like); without them it asks nobody. Raises GpgFailed when there is no gpg to run.
    """

    def __init__(self, home: Path, *, asks_at: Mapping[str, str] = MappingProxyType({})) -> None:
        self.home = home
        environment = {**asks_at, **_ENVIRONMENT}
        try:
            self._idle = _Run(gnupghome=str(home), options=_QUIET, env=environment)
        except (OSError, ValueError) as error:
            raise GpgFailed(f"gpg can't be started: {error}") from None
        self._idle.buffer_size = BLOCK_SIZE

    def encrypt(
        self,
        plaintext: Iterable[bytes],
        sink: Sink,
        *,
        to: Sequence[str],
        day: date,
        limit_seconds: float,
    ) -> None:
        """Encrypt to the subkeys `to` (fingerprints) as hidden recipients, uncompressed, binary.

        The message's own date is the last second of `day`: the exact one says when a source was
        here, and the first one would be before a key that was made today. What `plaintext` or
        `sink` raises comes out as it is; raises GpgFailed otherwise.
        """
        run = self._new_run(sink)
        source = _Source(plaintext)
        extra = ["--compress-algo", "none", "--no-autostart"]
        extra += ["--faked-system-time", f"{day:%Y%m%d}T235959!"]
        with _Deadline(run, limit_seconds):
            result = _finished(
                run,
                source,
                lambda: run.encrypt_file(
                    source,
                    None,
                    # The "!" holds gpg to exactly this subkey.
                    hidden_recipients=[f"{fingerprint}!" for fingerprint in to],
                    armor=False,
                    always_trust=True,
                    extra_args=extra,
                ),
            )
        whole = result.in_order_once("BEGIN_ENCRYPTION", "END_ENCRYPTION")
        if result.returncode != 0 or not whole or not source.ended:
            raise GpgFailed(f"gpg did not finish encrypting (exit {result.returncode})")

    def decrypt(
        self, sealed: Iterable[bytes], sink: Sink, *, limit_seconds: float | None = None
    ) -> Decrypted:
        """Decrypt one whole message into `sink`.

        gpg gives out plaintext before it knows that the message was altered: nothing that `sink`
        got may be believed, or kept, until this returns. Raises NoKeyOpens, Tampered, GpgFailed.
        """
        run = self._new_run(sink)
        source = _Source(sealed)
        with _Deadline(run, limit_seconds):
            result = _finished(run, source, lambda: run.decrypt_file(source))
        recipients = [rest.split()[0] for keyword, rest in result.lines if keyword == "ENC_TO"]
        said = set(result.keywords())
        if "DECRYPTION_OKAY" not in said and "NO_SECKEY" in said and "BADMDC" not in said:
            raise NoKeyOpens(len(recipients))
        whole = result.in_order_once(
            "BEGIN_DECRYPTION", "PLAINTEXT", "DECRYPTION_OKAY", "GOODMDC", "END_DECRYPTION"
        )
        spoilt = said & {"BADMDC", "DECRYPTION_FAILED", "UNEXPECTED", "NODATA", "ERROR", "FAILURE"}
        if not whole or spoilt:
            raise Tampered("gpg does not vouch for the message")
        # Trying a key on another hidden recipient's packet makes gpg exit with 2 although all is
        # well ("ecdh failed … Checksum error"), so the status lines above decide.
        if result.returncode not in (0, 2) or not source.ended:
            raise GpgFailed(f"gpg did not finish decrypting (exit {result.returncode})")
        return Decrypted(len(recipients), all(key_id == _ANONYMOUS for key_id in recipients))

    def public_keys(self) -> list[dict[str, Any]]:
        """Return python-gnupg's account of every public key here, judged by the real clock."""
        return list(self._checked(self._new_run().list_keys()))

    def look_at_keys(self, exported: bytes) -> list[dict[str, Any]]:
        """Return the same account of keys in a file, importing nothing."""
        return list(self._new_run().scan_keys_mem(exported))

    def add_keys(self, exported: bytes) -> None:
        """Import public keys. Raises GpgFailed."""
        result = self._new_run().import_keys(exported, extra_args=["--no-autostart"])
        if not result.fingerprints or result.returncode != 0:
            raise GpgFailed("gpg did not import the key")

    def holds_secret_keys(self) -> bool:
        """Say whether any secret key lies in this home, in either of gpg's layouts."""
        new_layout = any((self.home / "private-keys-v1.d").glob("*.key"))
        old = self.home / "secring.gpg"
        return new_layout or (old.exists() and old.stat().st_size > 0)

    def _new_run(self, sink: Sink | None = None) -> _Run:
        run = copy.copy(self._idle)
        if sink is not None:
            run.give_to(sink)
        return run

    def _checked(self, result: Any) -> Any:
        if result.returncode != 0:
            raise GpgFailed(f"gpg can't list keys (exit {result.returncode})")
        return result


class _Deadline:
    """Kill the run when it takes longer than it may."""

    def __init__(self, run: _Run, limit_seconds: float | None) -> None:
        self._timer = Timer(limit_seconds, run.kill) if limit_seconds is not None else None

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_exception: object) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _finished(run: _Run, source: _Source, work: Callable[[], Any]) -> _Statuses:
    """Do the work; let out what the source or the sink raised, as it was raised."""
    failure: BaseException | None = None
    result: Any = None
    try:
        result = work()
    except (OSError, ValueError) as error:
        failure = GpgFailed(f"gpg stopped reading: {type(error).__name__}")
    except BaseException as error:  # noqa: BLE001  what the source raised, by way of a thread
        failure = error
    finally:
        run.kill()
    failure = run.failure or source.failure or failure
    if failure is not None:
        raise failure
    assert isinstance(result, _Statuses)
    return result
