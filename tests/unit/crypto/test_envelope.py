"""An envelope keeps a recording for the newsroom alone, and gives back exactly that or nothing."""

import io
import itertools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyrings import Keyring
from steady import examples
from tars import CONTENT, HOSTILE, MANIFEST, RECORDING, later_version, manifest_of, whole

from crypto.envelope import Opened, open_sealed, seal
from crypto.errors import (
    CryptoError,
    GpgFailed,
    NewerVersion,
    NoKeyOpens,
    NotAnEnvelope,
    NoUsableKey,
    Tampered,
)
from crypto.manifest import Manifest
from crypto.newsroom import Newsroom, read_newsroom
from crypto.packets import sealed_keys
from crypto.padding import padme

DAY = date(2026, 11, 20)
BLOCK = 512


class Recording(io.BytesIO):
    """Where an opened recording goes."""

    def write(self, recording: memoryview, /) -> int:  # type: ignore[override]
        return super().write(recording)


def sealed_by(
    server: Keyring, content: bytes, manifest: Manifest | None = None, *, step: int = 2**18
) -> bytes:
    """Return an envelope, made as the server makes it."""
    envelope = bytearray()
    now = datetime.now(UTC)
    seal(
        (content[start : start + step] for start in range(0, len(content), step)),
        manifest or manifest_of(content),
        newsroom=read_newsroom(server.gpg, now=now),
        gpg=server.gpg,
        day=now.date(),
        sink=envelope.extend,
        limit_seconds=60,
    )
    return bytes(envelope)


def opened_by(reader: Keyring, envelope: bytes, *, step: int = 2**18) -> tuple[Opened, bytes]:
    """Return what a desk sees, and the recording."""
    recording = Recording()
    blocks = (envelope[start : start + step] for start in range(0, len(envelope), step))
    opened = open_sealed(
        blocks, gpg=reader.gpg, into=lambda: recording, largest_bytes=len(envelope)
    )
    return opened, recording.getvalue()


@pytest.fixture(scope="session")
def envelope(newsroom: Keyring) -> bytes:
    return sealed_by(newsroom, CONTENT)


class TestSealing:
    @pytest.mark.parametrize("content", [b"", b"x", CONTENT, CONTENT * 300], ids=len)
    def test_an_envelope_opens_with_nothing_but_gpg_and_tar(
        self, newsroom: Keyring, reporter: Keyring, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "x.gpg").write_bytes(sealed_by(newsroom, content))
        command = f"gpg --homedir {reporter.home} --batch -q -d x.gpg | tar x"
        subprocess.run(["bash", "-ec", f"set -o pipefail; {command}"], cwd=tmp_path, check=False)
        found = sorted(path.name for path in tmp_path.iterdir())
        assert found == ["manifest.json", "padding", "recording.wav", "x.gpg"]
        assert (tmp_path / "recording.wav").read_bytes() == content
        assert not any((tmp_path / "padding").read_bytes())
        manifest = json.loads((tmp_path / "manifest.json").read_bytes())
        assert manifest["sha256"] == sha256(content).hexdigest()

    def test_the_manifest_says_to_whom_and_on_what_day_it_was_sealed(
        self, newsroom: Keyring, reporter: Keyring, envelope: bytes
    ) -> None:
        opened, _ = opened_by(reporter, envelope)
        ours = read_newsroom(newsroom.gpg, now=datetime.now(UTC))
        assert opened.recipients == opened.manifest.recipients == 2
        assert opened.manifest.newsroom_digest == ours.digest.hex()
        assert opened.manifest.day == datetime.now(UTC).date().isoformat()

    def test_the_tar_is_the_one_that_is_documented(
        self, newsroom: Keyring, reporter: Keyring
    ) -> None:
        tar = reporter.run("-d", given=sealed_by(newsroom, CONTENT))
        names = subprocess.run(["tar", "tv"], input=tar, capture_output=True, check=True).stdout
        for line, name in zip(
            names.decode().splitlines(), ["recording.wav", "manifest.json", "padding"], strict=True
        ):
            assert line.startswith("-rw------- 0/0 ")
            assert line.endswith(f" 1970-01-01 00:00 {name}")
        assert len(tar) == padme(len(tar))

    @pytest.mark.parametrize(("size", "other"), [(0, 50_000), (1_000_000, 1_005_000)])
    def test_recordings_of_about_one_size_make_envelopes_of_one_length(
        self, newsroom: Keyring, size: int, other: int
    ) -> None:
        assert same_length(sealed_by(newsroom, bytes(size)), sealed_by(newsroom, b"x" * other))

    def test_a_message_is_as_long_as_a_short_recording(self, newsroom: Keyring) -> None:
        message = manifest_of(b"hello", "message.txt")
        assert same_length(sealed_by(newsroom, b"hello", message), sealed_by(newsroom, CONTENT))

    @pytest.mark.parametrize("change", [-1, 1])
    def test_a_recording_of_another_size_than_announced_is_not_sealed(
        self, newsroom: Keyring, change: int
    ) -> None:
        announced = replace(manifest_of(CONTENT), size=len(CONTENT) + change)
        with pytest.raises(ValueError):
            sealed_by(newsroom, CONTENT, announced)

    def test_without_a_usable_key_nothing_is_asked_of_the_recording(
        self, newsroom: Keyring
    ) -> None:
        def content() -> Iterator[bytes]:
            pytest.fail("the recording was read")
            yield b""

        with pytest.raises(NoUsableKey):
            seal(
                content(),
                manifest_of(CONTENT),
                newsroom=Newsroom(()),
                gpg=newsroom.gpg,
                day=DAY,
                sink=bytearray().extend,
                limit_seconds=60,
            )

    def test_sealing_that_takes_too_long_is_ended(self, newsroom: Keyring) -> None:
        with pytest.raises(GpgFailed):
            seal(
                itertools.repeat(bytes(2**18)),
                replace(manifest_of(CONTENT), size=2**60),
                newsroom=read_newsroom(newsroom.gpg, now=datetime.now(UTC)),
                gpg=newsroom.gpg,
                day=datetime.now(UTC).date(),
                sink=len,  # type: ignore[arg-type]
                limit_seconds=0.2,
            )


def same_length(one: bytes, other: bytes) -> bool:
    """Say whether they differ by no more than what chance takes off the front of RSA numbers."""
    return abs(len(one) - len(other)) <= 4


class TestOpening:
    def test_any_one_of_the_newsroom_keys_opens_it(
        self, reporter: Keyring, colleague: Keyring, envelope: bytes
    ) -> None:
        for reader in (reporter, colleague):
            opened, recording = opened_by(reader, envelope)
            assert recording == CONTENT
            assert opened.manifest.name == "recording.wav"

    def test_no_other_key_opens_it(self, stranger: Keyring, envelope: bytes) -> None:
        with pytest.raises(NoKeyOpens):
            opened_by(stranger, envelope)

    @examples(15)
    @given(
        st.integers(0, 200_000) | st.sampled_from([0, 1, 511, 512, 513, 60_416, 65_536, 2**18]),
        st.sampled_from([511, 4096, 2**18]),
    )
    def test_a_recording_of_any_size_comes_back_the_same(
        self, newsroom: Keyring, reporter: Keyring, size: int, step: int
    ) -> None:
        content = bytes(index % 251 for index in range(size))
        opened, recording = opened_by(reporter, sealed_by(newsroom, content, step=step), step=step)
        assert recording == content
        assert opened.manifest.size == size

    @examples(25)
    @given(st.floats(0, 1, exclude_max=True), st.integers(0, 7))
    def test_a_single_flipped_bit_of_what_is_sealed_is_noticed(
        self, reporter: Keyring, envelope: bytes, where: float, bit: int
    ) -> None:
        altered = bytearray(envelope)
        # The session keys before it are for other readers as well: of theirs gpg can't judge.
        key = sealed_keys(envelope)[-1].body
        data = envelope.index(key) + len(key)
        altered[data + int(where * (len(envelope) - data))] ^= 1 << bit
        with pytest.raises((Tampered, NoKeyOpens, NotAnEnvelope)):
            opened_by(reporter, bytes(altered))

    @examples(25)
    @given(st.floats(0, 1, exclude_max=True))
    def test_an_envelope_cut_short_anywhere_is_refused(
        self, reporter: Keyring, envelope: bytes, where: float
    ) -> None:
        with pytest.raises((Tampered, NoKeyOpens)):
            opened_by(reporter, envelope[: int(where * len(envelope))])

    def test_a_bit_flipped_in_what_lies_inside_is_tampering_and_nothing_else(
        self, reporter: Keyring, envelope: bytes
    ) -> None:
        # Were the tar judged first, whoever flips bits would learn what he hit.
        for place in range(len(envelope) - 60_000, len(envelope), 12_000):
            altered = bytearray(envelope)
            altered[place] ^= 1
            with pytest.raises(Tampered):
                opened_by(reporter, bytes(altered))

    def test_what_the_desk_can_not_write_comes_out_as_it_is(
        self, reporter: Keyring, envelope: bytes
    ) -> None:
        class Full(Recording):
            def write(self, recording: memoryview, /) -> int:  # type: ignore[override]
                raise OSError("no space left")

        with pytest.raises(OSError, match="no space left"):
            open_sealed([envelope], gpg=reporter.gpg, into=Full, largest_bytes=len(envelope))

    def test_a_later_version_is_named(self, newsroom: Keyring, reporter: Keyring) -> None:
        later = to_all(newsroom, reporter, later_version())
        with pytest.raises(NewerVersion) as raised:
            opened_by(reporter, later)
        assert raised.value.found == "tapedrop envelope 3"


def to_all(newsroom: Keyring, reader: Keyring, tar: bytes, *options: str) -> bytes:
    """Encrypt to the newsroom as somebody might who wrote the tar by hand."""
    recipients = [part for key in newsroom.fingerprints("reporter")[:1] for part in ("-R", key)]
    return newsroom.encrypt(tar, *(options or recipients))


@pytest.fixture(scope="session")
def reporters_key(reporter: Keyring) -> str:
    return reporter.fingerprints("reporter")[0]


class TestHostileTar:
    def test_the_one_that_these_are_made_from_opens(
        self, reporter: Keyring, reporters_key: str
    ) -> None:
        _, recording = opened_by(reporter, reporter.encrypt(whole(), "-R", reporters_key))
        assert recording == CONTENT

    @pytest.mark.parametrize("fault", HOSTILE)
    def test_a_tar_with_a_fault_is_no_envelope(
        self, reporter: Keyring, reporters_key: str, fault: str
    ) -> None:
        hostile = reporter.encrypt(HOSTILE[fault](), "-R", reporters_key)
        with pytest.raises(NotAnEnvelope):
            opened_by(reporter, hostile)

    @examples(30)
    @given(
        st.integers(0, len(RECORDING) + BLOCK - 1)
        | st.integers(len(RECORDING + MANIFEST), len(whole()) - 1),
        st.integers(0, 7),
    )
    def test_no_bit_around_the_manifest_can_be_another(
        self, reporter: Keyring, reporters_key: str, place: int, bit: int
    ) -> None:
        tar = bytearray(whole())
        tar[place] ^= 1 << bit
        with pytest.raises(NotAnEnvelope):
            opened_by(reporter, reporter.encrypt(bytes(tar), "-R", reporters_key))


class TestHostileMessage:
    def refused(self, reader: Keyring, message: bytes, error: type[CryptoError]) -> None:
        assert message
        with pytest.raises(error):
            opened_by(reader, message)

    def test_a_compressed_bomb_is_stopped_before_it_has_unfolded(
        self, reporter: Keyring, reporters_key: str
    ) -> None:
        bomb = reporter.encrypt(bytes(30_000_000), "-z", "9", "-R", reporters_key)
        taken = 0

        class Counting(Recording):
            def write(self, recording: memoryview, /) -> int:  # type: ignore[override]
                nonlocal taken
                taken += len(recording)
                return len(recording)

        with pytest.raises(NotAnEnvelope):
            open_sealed([bomb], gpg=reporter.gpg, into=Counting, largest_bytes=len(bomb))
        assert taken <= len(bomb)

    def test_a_bomb_with_a_true_tar_header_is_stopped_too(
        self, reporter: Keyring, reporters_key: str
    ) -> None:
        bomb = reporter.encrypt(whole(bytes(20_000_000)), "-z", "9", "-R", reporters_key)
        self.refused(reporter, bomb, NotAnEnvelope)

    def test_two_messages_in_a_row_are_refused(self, reporter: Keyring, envelope: bytes) -> None:
        self.refused(reporter, envelope * 2, Tampered)

    def test_visible_recipients_are_refused(self, reporter: Keyring, reporters_key: str) -> None:
        self.refused(reporter, reporter.encrypt(whole(), "-r", reporters_key), NotAnEnvelope)

    def test_one_visible_recipient_among_hidden_ones_is_refused(
        self, newsroom: Keyring, reporter: Keyring
    ) -> None:
        mixed = newsroom.encrypt(whole(), "-R", "reporter", "-r", "colleague")
        self.refused(reporter, mixed, NotAnEnvelope)

    def test_a_reader_with_a_passphrase_does_not_go_unseen(
        self, reporter: Keyring, reporters_key: str
    ) -> None:
        passphrase = ["--pinentry-mode", "loopback", "--passphrase", "x", "--symmetric"]
        beside = reporter.encrypt(whole(), *passphrase, "-R", reporters_key)
        self.refused(reporter, beside, NotAnEnvelope)

    def test_one_recipient_more_is_counted(self, newsroom: Keyring, reporter: Keyring) -> None:
        twice = newsroom.encrypt(whole(), "-R", "reporter", "-R", "colleague")
        opened, _ = opened_by(reporter, twice)
        assert opened.recipients == 2

    @pytest.mark.parametrize("packet", [b"\xca\x03PGP", b"\xfc\x05hello"])
    def test_packets_that_gpg_would_pass_over_are_refused(
        self, reporter: Keyring, envelope: bytes, packet: bytes
    ) -> None:
        with pytest.raises((Tampered, NotAnEnvelope)):
            opened_by(reporter, envelope + packet)
        of_known_length = reporter.encrypt(whole(), "-R", "reporter", "--set-filesize", "65536")
        with pytest.raises((Tampered, NotAnEnvelope)):
            opened_by(reporter, of_known_length + packet)

    def test_bytes_behind_the_message_are_refused(self, reporter: Keyring, envelope: bytes) -> None:
        self.refused(reporter, envelope + bytes(100), Tampered)

    def test_a_message_that_is_only_signed_is_refused(self, reporter: Keyring) -> None:
        self.refused(reporter, reporter.run("-z", "0", "--sign", given=whole()), Tampered)

    def test_a_message_that_is_not_encrypted_at_all_is_refused(self, reporter: Keyring) -> None:
        self.refused(reporter, reporter.run("-z", "0", "--store", given=whole()), Tampered)

    def test_armour_is_refused(self, reporter: Keyring, reporters_key: str) -> None:
        armoured = reporter.encrypt(whole(), "--armor", "-R", reporters_key)
        self.refused(reporter, armoured, NotAnEnvelope)

    def test_a_file_name_in_the_message_is_never_used(
        self,
        reporter: Keyring,
        reporters_key: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        named = reporter.encrypt(whole(), "--set-filename", "planted", "-R", reporters_key)
        monkeypatch.chdir(tmp_path)
        _, recording = opened_by(reporter, named)
        assert recording == CONTENT
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("junk", [b"", b"junk" * 500_000, bytes(500_000)], ids=len)
    def test_junk_is_refused(self, reporter: Keyring, junk: bytes) -> None:
        with pytest.raises(Tampered):
            opened_by(reporter, junk)
