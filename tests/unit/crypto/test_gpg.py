"""gpg is believed only when it says everything it should, and it can be stopped at any moment."""

import itertools
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from keyrings import Keyring, keyring

from crypto.errors import GpgFailed, NoKeyOpens, Tampered
from crypto.gpg import Gpg
from crypto.newsroom import add_keys, read_newsroom

DAY = date(2026, 11, 20)
BLOCK = bytes(range(256)) * 1024


class Interrupted(BaseException):
    """What Ctrl-C is: no Exception, and to be let through all the same."""


@pytest.fixture(scope="session")
def subkeys(newsroom: Keyring) -> tuple[str, ...]:
    return read_newsroom(newsroom.gpg, now=datetime.now(UTC)).recipients()


@pytest.fixture(scope="session")
def sealed(newsroom: Keyring, subkeys: tuple[str, ...]) -> bytes:
    """Five mebibytes: more than all the pipes hold."""
    envelope = bytearray()
    newsroom.gpg.encrypt([BLOCK] * 20, envelope.extend, to=subkeys, day=today(), limit_seconds=60)
    return bytes(envelope)


def today() -> date:
    return datetime.now(UTC).date()


def blocks_of(sealed: bytes) -> Iterator[bytes]:
    for start in range(0, len(sealed), len(BLOCK)):
        yield sealed[start : start + len(BLOCK)]


def children_named_gpg() -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            said = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
        except OSError:
            continue  # it has ended meanwhile
        if said["Name"] == "gpg" and int(said["PPid"]) == os.getpid():
            found.append(int(status.parent.name))
    return found


def kill_gpg(_block: bytes) -> None:
    for process in children_named_gpg():
        os.kill(process, signal.SIGKILL)


def raising(error: BaseException) -> Callable[[bytes], None]:
    def sink(_block: bytes) -> None:
        raise error

    return sink


def nothing(_block: bytes) -> None:
    pass


class Work:
    """Either direction, so that each sentence below is said of both."""

    def __init__(self, gpg: Gpg, subkeys: tuple[str, ...], sealed: bytes) -> None:
        self._gpg, self._subkeys, self.sealed = gpg, subkeys, sealed

    def encrypt(
        self,
        sink: Callable[[bytes], None],
        blocks: Iterator[bytes] | None = None,
        limit_seconds: float = 60,
    ) -> None:
        blocks = iter([BLOCK] * 20) if blocks is None else blocks
        self._gpg.encrypt(blocks, sink, to=self._subkeys, day=today(), limit_seconds=limit_seconds)

    def decrypt(
        self,
        sink: Callable[[bytes], None],
        blocks: Iterator[bytes] | None = None,
        limit_seconds: float = 60,
    ) -> None:
        blocks = blocks_of(self.sealed) if blocks is None else blocks
        self._gpg.decrypt(blocks, sink, limit_seconds=limit_seconds)


@pytest.fixture(params=["encrypt", "decrypt"])
def work(
    request: pytest.FixtureRequest, reporter: Keyring, newsroom: Keyring, subkeys, sealed
) -> Callable[..., None]:
    home = newsroom if request.param == "encrypt" else reporter
    method = getattr(Work(home.gpg, subkeys, sealed), request.param)
    assert callable(method)
    return method


class TestBothWays:
    def test_it_works(self, work: Callable[..., None]) -> None:
        got = bytearray()
        work(got.extend)
        assert len(got) >= 5 * 2**20

    @pytest.mark.parametrize("error", [OSError("the disk is full"), KeyError(), Interrupted()])
    def test_what_the_sink_raises_comes_out_as_it_is(
        self, work: Callable[..., None], error: BaseException
    ) -> None:
        with pytest.raises(type(error)) as raised:
            work(raising(error))
        assert raised.value is error

    def test_a_sink_that_raised_gets_nothing_more(self, work: Callable[..., None]) -> None:
        calls = []

        def sink(block: bytes) -> None:
            calls.append(len(block))
            raise OSError

        with pytest.raises(OSError):
            work(sink)
        assert len(calls) == 1

    @pytest.mark.parametrize("error", [OSError("gone"), ValueError(), Interrupted()])
    def test_what_the_source_raises_comes_out_as_it_is(
        self, work: Callable[..., None], error: BaseException
    ) -> None:
        def blocks() -> Iterator[bytes]:
            yield BLOCK
            raise error

        with pytest.raises(type(error)) as raised:
            work(nothing, blocks())
        assert raised.value is error

    def test_the_source_is_not_read_after_the_run_is_over(
        self, work: Callable[..., None], sealed: bytes
    ) -> None:
        asked, others = itertools.count(), threading.enumerate()

        def blocks() -> Iterator[bytes]:
            for block in itertools.chain(blocks_of(sealed), itertools.repeat(BLOCK)):
                next(asked)
                yield block

        with pytest.raises(OSError):
            work(raising(OSError()), blocks())
        first = next(asked)
        for thread in threading.enumerate():
            if thread not in others and thread.daemon:
                thread.join(10)
        assert next(asked) == first + 1

    def test_empty_blocks_do_not_end_it(self, work: Callable[..., None]) -> None:
        def blocks() -> Iterator[bytes]:
            yield b""
            yield b"not a message, but something to read"

        with pytest.raises(Tampered) if work.__name__ == "decrypt" else nullcontext():
            work(nothing, blocks())

    def test_gpg_killed_midway_is_told_as_such(self, work: Callable[..., None]) -> None:
        with pytest.raises(GpgFailed):
            work(kill_gpg)

    def test_a_run_that_may_take_no_time_at_all_is_killed(
        self, work: Callable[..., None], sealed: bytes
    ) -> None:
        endless = itertools.chain(blocks_of(sealed), itertools.repeat(BLOCK))
        with pytest.raises(GpgFailed):
            work(nothing, endless, limit_seconds=0.0)

    def test_no_gpg_is_left_running(self, work: Callable[..., None]) -> None:
        with pytest.raises(OSError):
            work(raising(OSError()))
        assert children_named_gpg() == []

    def test_narrow_pipes_are_good_enough(
        self, work: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_arguments: object) -> None:
            raise PermissionError

        monkeypatch.setattr("crypto.gpg_run.fcntl.fcntl", refuse)
        work(nothing)


class TestEnding:
    def test_a_run_that_hangs_ends_with_everything_else(
        self, newsroom: Keyring, subkeys: tuple[str, ...]
    ) -> None:
        gpg = Gpg(newsroom.gpg.home)

        def hang(_block: bytes) -> None:
            for process in children_named_gpg():
                os.kill(process, signal.SIGSTOP)
            threading.Thread(target=gpg.end).start()

        with pytest.raises(GpgFailed):
            gpg.encrypt([BLOCK] * 20, hang, to=subkeys, day=today(), limit_seconds=3600)

        assert children_named_gpg() == []

    def test_what_is_begun_afterwards_ends_at_once(self, newsroom: Keyring) -> None:
        gpg = Gpg(newsroom.gpg.home)
        gpg.end()

        with pytest.raises(GpgFailed):
            gpg.public_keys()

    def test_looking_at_keys_does_not_wait_for_ever(
        self, newsroom: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hanging = tmp_path / "gpg"
        hanging.write_text(
            '#!/bin/sh\ncase "$*" in *--list-keys*) exec sleep 600 ;; esac\n'
            'exec /usr/bin/gpg "$@"\n'
        )
        hanging.chmod(0o755)
        monkeypatch.setattr("crypto.gpg._ENVIRONMENT", {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
        monkeypatch.setattr("crypto.gpg._LISTING_SECONDS", 0.01)

        with pytest.raises(GpgFailed):
            Gpg(newsroom.gpg.home).public_keys()


class TestEncrypting:
    def test_what_was_encrypted_comes_back(
        self, sealed: bytes, reporter: Keyring, colleague: Keyring
    ) -> None:
        for reader in (reporter, colleague):
            plaintext = bytearray()
            decrypted = reader.gpg.decrypt(blocks_of(sealed), plaintext.extend)
            assert bytes(plaintext) == BLOCK * 20
            assert decrypted.recipients == 2
            assert decrypted.hidden

    def test_the_message_is_dated_with_the_last_second_of_its_day(
        self, newsroom: Keyring, reporter: Keyring, subkeys: tuple[str, ...]
    ) -> None:
        envelope = bytearray()
        newsroom.gpg.encrypt(
            [b"x"], envelope.extend, to=subkeys, day=date(2027, 2, 28), limit_seconds=60
        )
        last_second = int(datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC).timestamp())
        assert f"created {last_second}, name=" in reporter.packets(bytes(envelope))

    def test_it_has_no_name_no_key_ids_and_no_compression(
        self, sealed: bytes, reporter: Keyring
    ) -> None:
        packets = reporter.packets(sealed)
        assert 'name="",' in packets
        assert packets.count("keyid 0000000000000000") == 2
        assert packets.count("keyid") == 2
        assert "compressed packet" not in packets

    def test_it_is_binary(self, sealed: bytes) -> None:
        assert sealed[0] & 0x80

    def test_a_recipient_that_is_not_there_costs_the_message(
        self, newsroom: Keyring, subkeys: tuple[str, ...]
    ) -> None:
        with pytest.raises(GpgFailed):
            newsroom.gpg.encrypt(
                [b"x"], nothing, to=[*subkeys, "A" * 40], day=today(), limit_seconds=60
            )

    def test_nobody_to_encrypt_to_is_refused(self, gpg: Gpg) -> None:
        with pytest.raises(GpgFailed):
            gpg.encrypt([b"x"], nothing, to=[], day=today(), limit_seconds=60)

    def test_several_threads_can_encrypt_at_once(
        self, reporter: Keyring, gpg: Gpg, subkeys: tuple[str, ...]
    ) -> None:
        def one(number: int) -> bytes:
            envelope, text = bytearray(), b"%d" % number
            gpg.encrypt([text], envelope.extend, to=subkeys, day=today(), limit_seconds=60)
            plaintext = bytearray()
            reporter.gpg.decrypt([bytes(envelope)], plaintext.extend)
            return bytes(plaintext)

        with ThreadPoolExecutor(3) as threads:
            assert list(threads.map(one, range(6))) == [b"%d" % number for number in range(6)]

    def test_nothing_is_written_in_the_home(self, reporter: Keyring, tmp_path: Path) -> None:
        add_keys(Gpg(tmp_path), reporter.export(), now=datetime.now(UTC))
        before = everything_in(tmp_path)
        gpg = Gpg(tmp_path)
        newsroom = read_newsroom(gpg, now=datetime.now(UTC))
        for _ in range(2):
            gpg.encrypt([BLOCK], nothing, to=newsroom.recipients(), day=today(), limit_seconds=60)
        assert everything_in(tmp_path) == before
        assert "random_seed" not in before


class TestDecrypting:
    def test_a_flipped_bit_is_tampering_although_gpg_gives_out_all_of_it(
        self, reporter: Keyring, sealed: bytes
    ) -> None:
        altered = bytearray(sealed)
        altered[-1000] ^= 1
        got = bytearray()
        with pytest.raises(Tampered):
            reporter.gpg.decrypt(blocks_of(bytes(altered)), got.extend)
        assert len(got) == 20 * len(BLOCK)

    @pytest.mark.parametrize("left_bytes", [0, 1, 700, 2**20, -1])
    def test_a_message_cut_short_is_never_whole(
        self, reporter: Keyring, sealed: bytes, left_bytes: int
    ) -> None:
        with pytest.raises((Tampered, NoKeyOpens)):
            reporter.gpg.decrypt(blocks_of(sealed[:left_bytes]), nothing)

    def test_junk_that_gpg_leaves_off_reading_is_tampering_however_long_it_is(
        self, reporter: Keyring
    ) -> None:
        with pytest.raises(Tampered):
            reporter.gpg.decrypt([b"junk" * 65_536] * 40, nothing)

    def test_a_stranger_is_told_that_no_key_opens_it(
        self, stranger: Keyring, newsroom: Keyring, sealed: bytes
    ) -> None:
        for without in (stranger, newsroom):
            with pytest.raises(NoKeyOpens) as raised:
                without.gpg.decrypt(blocks_of(sealed), nothing)
            assert raised.value.recipients == 2

    def test_a_locked_key_is_no_tampering(self) -> None:
        with keyring() as locked:
            fingerprint = locked.new_key("locked", passphrase="something")
            message = locked.encrypt(b"x", "-R", fingerprint)
            # The agent forgets the passphrase, and has nobody to ask for it.
            (locked.home / "gpg-agent.conf").write_text("pinentry-program /bin/false\n")
            subprocess.run(["gpgconf", "--homedir", locked.home, "--kill", "gpg-agent"], check=True)
            with pytest.raises(NoKeyOpens):
                locked.gpg.decrypt([message], nothing)

    def test_a_gpg_that_can_not_do_its_work_says_nothing_against_the_message(
        self, sealed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "gpg"
        program.write_text(
            '#!/bin/sh\ncase "$*" in *--list-config*) echo cfg:version:2.2.40;; *) exit 2;; esac\n'
        )
        program.chmod(0o700)
        monkeypatch.setattr("crypto.gpg._ENVIRONMENT", {"PATH": f"{tmp_path}:/bin"})
        with pytest.raises(GpgFailed):
            Gpg(tmp_path).decrypt(blocks_of(sealed), nothing)


class TestMissing:
    def test_a_machine_without_gpg_is_told_so(
        self, newsroom: Keyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("crypto.gpg._ENVIRONMENT", {"PATH": str(tmp_path)})
        with pytest.raises(GpgFailed):
            Gpg(newsroom.home)

    def test_a_gpg_that_is_taken_away_later_is_told_too(
        self, newsroom: Keyring, subkeys: tuple[str, ...]
    ) -> None:
        gpg = newsroom.gpg
        gpg._idle.gpgbinary = "gpg-that-is-gone"
        with pytest.raises(GpgFailed):
            gpg.encrypt([b"x"], nothing, to=subkeys, day=today(), limit_seconds=60)
        with pytest.raises(GpgFailed):
            gpg.decrypt([b"x"], nothing)
        with pytest.raises(GpgFailed):
            gpg.public_keys()

    def test_a_home_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(GpgFailed):
            Gpg(tmp_path / "none")
        assert list(tmp_path.iterdir()) == []


class TestExporting:
    def test_a_key_comes_without_what_others_have_signed(
        self, reporter: Keyring, stranger: Keyring
    ) -> None:
        (fingerprint, *_) = reporter.fingerprints("reporter")
        with keyring(reporter.export(), stranger.export()) as met:
            met.run("--import", given=stranger.export_secret("stranger"))
            unasked = ["--pinentry-mode", "loopback", "--passphrase", "", "--yes"]
            met.run(*unasked, "--trust-model", "always", "--quick-sign-key", fingerprint)
            (signed, exported) = met.export(fingerprint), met.gpg.export_keys([fingerprint])

        (stranger_key, *_) = stranger.fingerprints("stranger")
        assert stranger_key[-16:] in reporter.packets(signed)
        assert stranger_key[-16:] not in reporter.packets(exported.encode())
        assert exported.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")

    def test_a_key_that_is_not_here_is_an_error_and_not_an_empty_block(
        self, gpg: Gpg, stranger: Keyring
    ) -> None:
        with pytest.raises(GpgFailed):
            gpg.export_keys(stranger.fingerprints("stranger")[:1])


class TestSecretKeys:
    def test_a_keyring_of_public_keys_holds_none(self, gpg: Gpg) -> None:
        assert not gpg.holds_secret_keys()

    def test_a_secret_key_is_seen(self, reporter: Keyring) -> None:
        assert reporter.gpg.holds_secret_keys()

    def test_one_in_the_layout_of_old_is_seen_too(self, tmp_path: Path) -> None:
        (tmp_path / "secring.gpg").write_bytes(b"")
        assert not Gpg(tmp_path).holds_secret_keys()
        (tmp_path / "secring.gpg").write_bytes(b"\x95")
        assert Gpg(tmp_path).holds_secret_keys()


def everything_in(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return inode, size and time of all that lies there, and of the folder itself."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        about = path.lstat()
        found[str(path.relative_to(folder))] = (about.st_ino, about.st_size, about.st_mtime_ns)
    return found
