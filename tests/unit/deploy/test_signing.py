"""Who vouches for a release, checked as a newcomer does: with gpg and nothing else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundling import BuildFailed
from bundling.signing import KEY, key_beside, signed
from drops import Newsroom


@pytest.fixture
def maintainer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    """A key of those who release."""
    made = Newsroom("Tapedrop releases <release@tapedrop.invalid>")
    monkeypatch.setenv("GNUPGHOME", str(made.home))
    yield made
    made.close()


@pytest.fixture
def newcomer(tmp_path: Path) -> Path:
    """The GNUPGHOME of somebody who has never seen that key."""
    home = tmp_path / "newcomer"
    home.mkdir(mode=0o700)
    return home


def gpg(home: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run what the guide says to type."""
    command = ["gpg", "--homedir", home, "--no-autostart", *words]
    return subprocess.run([*map(str, command)], capture_output=True, text=True)


class TestARelease:
    def test_is_checked_with_its_key_and_gpg_alone(
        self, maintainer: Newsroom, newcomer: Path, tmp_path: Path
    ) -> None:
        archive = tmp_path / "tapedrop-server-0.2.0.tar.gz"
        archive.write_bytes(b"programs")
        signature = signed(archive, maintainer.fingerprint)
        key = key_beside(tmp_path, maintainer.fingerprint)

        shown = gpg(newcomer, "--show-keys", key)
        gpg(newcomer, "--import", key)
        told = gpg(newcomer, "--verify", signature, archive)

        assert key.name == KEY
        assert maintainer.fingerprint in shown.stdout
        assert told.returncode == 0
        assert "Good signature" in told.stderr
        assert maintainer.fingerprint in told.stderr.replace(" ", "")

    def test_that_was_altered_is_told_as_bad(
        self, maintainer: Newsroom, newcomer: Path, tmp_path: Path
    ) -> None:
        archive = tmp_path / "tapedrop-server-0.2.0.tar.gz"
        archive.write_bytes(b"programs")
        signature = signed(archive, maintainer.fingerprint)
        archive.write_bytes(b"Programs")

        gpg(newcomer, "--import", key_beside(tmp_path, maintainer.fingerprint))
        told = gpg(newcomer, "--verify", signature, archive)

        assert told.returncode == 1
        assert "BAD signature" in told.stderr

    def test_hands_out_no_secret(self, maintainer: Newsroom, tmp_path: Path) -> None:
        assert b"PRIVATE" not in key_beside(tmp_path, maintainer.fingerprint).read_bytes()

    def test_is_not_made_with_a_key_that_isn_t_there(
        self, maintainer: Newsroom, tmp_path: Path
    ) -> None:
        (tmp_path / "archive").write_bytes(b"programs")

        with pytest.raises(BuildFailed):
            signed(tmp_path / "archive", "F" * 40)
        with pytest.raises(BuildFailed):
            key_beside(tmp_path, "F" * 40)
