"""A folder as one file, the same wherever and whenever; its sums; who vouches for it."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from bundling import BuildFailed
from bundling.archive import packed, sums_beside, sums_of, unpacked, write_sums
from bundling.signing import signed
from bundling.source import Source, source_at
from drops import Newsroom

MADE = 1_795_219_200


def folder(at: Path, *, umask: int = 0o022, backwards: bool = False, time: int = MADE) -> Path:
    """Make a small folder with a link, as somebody else's machine would."""
    before = os.umask(umask)
    made = at / "tapedrop-1.0"
    files = {"b.txt": b"b", "a/c.txt": b"c", "a/run": b"#!/bin/sh\n", "README": b"r" * 5000}
    for name in sorted(files, reverse=backwards):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
        path.chmod(0o755 if name == "a/run" else 0o644)
        os.utime(path, (time, time))
    (made / "python3").symlink_to("/usr/bin/python3")
    for path in (made, made / "a"):
        path.chmod(0o755)
    os.umask(before)
    return made


class TestAnArchive:
    def test_two_folders_with_the_same_files_make_the_same_bytes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = tmp_path / "one", tmp_path / "of another name"
        first = packed(folder(one), one, MADE).read_bytes()
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")

        twin = folder(other, umask=0o077, backwards=True, time=MADE + 100_000)

        assert packed(twin, other, MADE).read_bytes() == first

    def test_it_says_nothing_of_who_made_it_and_when(self, tmp_path: Path) -> None:
        archive = packed(folder(tmp_path, time=MADE + 9), tmp_path, MADE)

        with tarfile.open(archive) as tar:
            members = tar.getmembers()
        assert {(each.uid, each.gid, each.uname, each.mtime) for each in members} == {
            (0, 0, "root", MADE)
        }
        # RFC 1952: no flags, so no name; no time.
        assert archive.read_bytes()[:8] == b"\x1f\x8b\x08\0\0\0\0\0"

    def test_unpacked_by_tar_its_files_are_what_its_sums_say(self, tmp_path: Path) -> None:
        made = folder(tmp_path)
        write_sums(made, [path for path in made.rglob("*") if path.is_file()])
        archive = packed(made, tmp_path, MADE)

        there = unpacked(archive, tmp_path / "elsewhere")

        check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
        assert subprocess.run(check, cwd=there, capture_output=True).stdout == b""
        (there / "a/c.txt").write_bytes(b"d")
        assert b"a/c.txt: FAILED" in subprocess.run(check, cwd=there, capture_output=True).stdout


class TestTheSumsBesideArchives:
    def test_name_every_archive_that_is_there(self, tmp_path: Path) -> None:
        for name in ("server.tar.gz", "desk.tar.gz"):
            (tmp_path / name).write_text(name)
            sums_beside(tmp_path, [tmp_path / name])
        (tmp_path / "server.tar.gz").unlink()
        (tmp_path / "deb").write_text("deb")

        listed = sums_beside(tmp_path, [tmp_path / "deb"]).read_text().splitlines()

        assert [line[66:] for line in listed] == ["deb", "desk.tar.gz"]
        check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
        assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 0


class TestTheListBesideAnArchive:
    def test_is_the_one_that_its_folder_holds(self, tmp_path: Path) -> None:
        made = folder(tmp_path)
        write_sums(made, [path for path in made.rglob("*") if path.is_file()])

        beside = sums_of(packed(made, tmp_path, MADE))

        assert beside.name == "tapedrop-1.0.SHA256SUMS"
        assert beside.read_bytes() == (made / "SHA256SUMS").read_bytes()


class TestASignature:
    def test_is_checked_by_gpg_alone(
        self, tmp_path: Path, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GNUPGHOME", str(newsroom.home))
        (tmp_path / "desk.tar.gz").write_bytes(b"archive")

        signature = signed(tmp_path / "desk.tar.gz", newsroom.fingerprint)

        check = ["gpg", "--batch", "--verify", str(signature), str(tmp_path / "desk.tar.gz")]
        assert b"Good signature" in subprocess.run(check, capture_output=True).stderr
        (tmp_path / "desk.tar.gz").write_bytes(b"archivf")
        assert b"BAD signature" in subprocess.run(check, capture_output=True).stderr

    def test_with_a_key_that_isn_t_there_is_an_error(
        self, tmp_path: Path, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GNUPGHOME", str(newsroom.home))
        (tmp_path / "desk.tar.gz").write_bytes(b"archive")

        with pytest.raises(BuildFailed, match="gpg can't sign"):
            signed(tmp_path / "desk.tar.gz", "0" * 40)


class TestTheSource:
    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        """A small project with one commit."""
        (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.0"\n')
        (tmp_path / "crypto").mkdir()
        (tmp_path / "crypto/__init__.py").write_text("")
        git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        dated = os.environ | {"GIT_COMMITTER_DATE": f"{MADE} +0900"}
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "begin"]):
            subprocess.run([*git, *words], check=True, env=dated)
        return tmp_path

    def test_is_of_its_commit_s_day_wherever_it_is_built(self, checkout: Path) -> None:
        source = source_at(checkout)

        assert (source.version, source.made, source.changed) == ("1.0", MADE, ())

    def test_leaves_out_what_git_doesn_t_know(self, checkout: Path) -> None:
        (checkout / "crypto/notes.py").write_text("")
        (checkout / "crypto/__pycache__").mkdir()

        assert source_at(checkout).below("crypto") == ("crypto/__init__.py",)

    def test_says_what_is_not_as_the_commit_has_it(self, checkout: Path) -> None:
        (checkout / "crypto/__init__.py").write_text("changed\n")

        assert source_at(checkout).changed == ("crypto/__init__.py",)

    def test_a_file_that_git_doesn_t_know_is_refused(self, checkout: Path) -> None:
        (checkout / "crypto/notes.py").write_text("")
        source: Source = source_at(checkout)

        with pytest.raises(BuildFailed) as refused:
            source.read("crypto/notes.py")
        assert refused.value.hint == "git add crypto/notes.py"
