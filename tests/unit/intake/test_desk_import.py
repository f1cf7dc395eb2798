"""Importing: what a stick may hold, and what becomes of it."""

import fcntl
import os
import shutil
import socket
import stat
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desks import CANARY, DeskAt, Person, Server, flipped, listing, snapshot

from crypto.bag import Bag, Kind, tag_files

NO_ENVELOPE = b"imported without a look inside, since importing needs no key" * 100


@pytest.fixture
def bag(server: Server, stick: Path) -> Path:
    """A bag of three drops, of which importing needs to know nothing but the bytes."""
    for number in range(3):
        server.hold(NO_ENVELOPE + bytes([number]))
    return server.export(stick)


class TestABagThatIsWhole:
    def test_its_envelopes_are_kept_byte_for_byte(
        self, desk: DeskAt, bag: Path, server: Server
    ) -> None:
        imported = desk("import", bag)
        assert (imported.code, imported.err) == (0, "tapedrop-intake: 3 stored\n")
        kept = {path.name: path.read_bytes() for path in desk.files("evidence")}
        expected = {f"{sha256(held).hexdigest()}.gpg": held for held in server.sealed.values()}
        assert kept == expected

    def test_importing_needs_no_key(self, desk: DeskAt, bag: Path) -> None:
        (desk.folder / "vault.key.gpg").unlink()
        assert desk("import", bag).code == 0

    def test_a_second_import_changes_nothing(self, desk: DeskAt, bag: Path) -> None:
        desk("import", bag)
        before = snapshot(desk.folder)
        again = desk("import", bag)
        assert (again.code, again.err) == (0, "tapedrop-intake: 3 already here\n")
        assert snapshot(desk.folder) == before

    def test_a_bag_under_another_name_is_the_same_bag(self, desk: DeskAt, bag: Path) -> None:
        desk("import", bag)
        before = snapshot(desk.folder)
        assert desk("import", bag.rename(bag.with_name("copy"))).code == 0
        assert snapshot(desk.folder) == before

    def test_its_signed_lists_are_kept(self, desk: DeskAt, bag: Path) -> None:
        desk("import", bag)
        (kept,) = desk.files("bags")
        for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt.ed25519", "bag-info.txt"):
            assert (kept / name).read_bytes() == (bag / name).read_bytes()

    @pytest.mark.parametrize("named", ["stick", "folder", "bag"])
    def test_the_stick_its_folder_or_the_bag_may_be_named(
        self, desk: DeskAt, bag: Path, named: str
    ) -> None:
        path = {"stick": bag.parent.parent, "folder": bag.parent, "bag": bag}[named]
        assert desk("import", path).code == 0
        assert len(desk.files("evidence")) == 3

    def test_the_result_is_there_for_another_program(self, desk: DeskAt, bag: Path) -> None:
        (said,) = desk("import", bag, "--json").json["bags"]
        assert (said["bag"], said["refused"]) == (bag.name, None)
        assert [each["outcome"] for each in said["envelopes"]] == ["stored"] * 3
        assert said["envelopes"][0]["name"] == f"{0:032x}.gpg"

    def test_a_damaged_piece_of_evidence_is_replaced_by_a_whole_one(
        self, desk: DeskAt, bag: Path
    ) -> None:
        desk("import", bag)
        damaged = desk.files("evidence")[0]
        whole = damaged.read_bytes()
        damaged.write_bytes(flipped(whole, 7))
        assert desk("import", bag).err == "tapedrop-intake: 2 already here, 1 stored\n"
        assert damaged.read_bytes() == whole


class TestAnEnvelopeThatIsDamaged:
    def test_one_flipped_byte_sets_it_aside_and_costs_the_others_nothing(
        self, desk: DeskAt, bag: Path
    ) -> None:
        spoilt = bag / "data" / f"{1:032x}.gpg"
        spoilt.write_bytes(flipped(spoilt.read_bytes(), 1000))
        imported = desk("import", bag)
        assert imported.code == 1
        assert "1 set aside: not the bytes that were signed for, 2 stored" in imported.err
        assert len(desk.files("evidence")) == 2

    def test_a_stick_that_puts_a_pipe_there_meanwhile_sets_it_aside_too(
        self, desk: DeskAt, bag: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write, last = os.pwrite, bag / "data" / f"{2:032x}.gpg"

        def writes(fd: int, block: memoryview, place: int) -> int:
            last.unlink(missing_ok=True)
            os.mkfifo(last)
            monkeypatch.undo()
            return write(fd, block, place)

        monkeypatch.setattr(os, "pwrite", writes)
        imported = desk("import", bag)
        assert imported.code == 1
        assert "1 set aside: the stick can't be read there, 2 stored" in imported.err

    def test_among_many_it_is_the_one_that_is_shown(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        for number in range(25):
            server.hold(b"one of many" + bytes([number]))
        bag = server.export(stick)
        spoilt = bag / "data" / f"{7:032x}.gpg"
        spoilt.write_bytes(b"something else")
        imported = desk("import", bag)
        assert [line.split()[0] for line in imported.out.splitlines()] == ["envelope", spoilt.name]
        assert "24 stored" in imported.err
        assert len(desk("import", bag, "--json").json["bags"][0]["envelopes"]) == 25

    def test_it_is_listed_until_a_whole_copy_comes(self, desk: DeskAt, bag: Path) -> None:
        spoilt = bag / "data" / f"{1:032x}.gpg"
        whole = spoilt.read_bytes()
        spoilt.write_bytes(whole[:-1])
        desk("import", bag)
        rows = desk("list", "--json").json
        (missing,) = [row for row in rows if row["status"] == "set aside"]
        assert missing["sha256"] == sha256(whole).hexdigest()
        assert missing["set_aside"] == "did not arrive whole"
        spoilt.write_bytes(whole)
        assert desk("import", bag).code == 0
        again = desk("list", "--json").json
        assert [row["status"] for row in again] == ["stored"] * 3
        assert [row["id"] for row in again] == [row["id"] for row in rows]

    def test_a_stick_that_fails_there_sets_it_aside_too(
        self, desk: DeskAt, bag: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, sizes = os.readv, iter([True, False, True])

        def failing(fd: int, buffers: list[memoryview]) -> int:
            if next(sizes, True):
                return read(fd, buffers)
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "readv", failing)
        imported = desk("import", bag)
        assert imported.code == 1
        assert "2 stored" in imported.err
        assert "the stick can't be read there" in imported.out


class TestABagThatIsRefused:
    def refused(self, desk: DeskAt, bag: Path, sentence: str, code: int = 3) -> None:
        answer = desk("import", bag)
        assert answer.code == code
        assert sentence in answer.err
        assert desk.files("evidence") == []
        assert desk.files("bags") == []

    def test_a_signature_by_another_key(self, desk: DeskAt, server: Server, stick: Path) -> None:
        server.hold(NO_ENVELOPE)
        bag = server.export(stick, key=Ed25519PrivateKey.generate())
        self.refused(desk, bag, "is not signed by the server that this desk is paired with")

    def test_no_signature(self, desk: DeskAt, bag: Path) -> None:
        (bag / "tagmanifest-sha256.txt.ed25519").unlink()
        self.refused(desk, bag, "tagmanifest-sha256.txt.ed25519: missing")

    def test_a_signature_that_is_no_signature(self, desk: DeskAt, bag: Path) -> None:
        (bag / "tagmanifest-sha256.txt.ed25519").write_bytes(b"\xff\xfe\x00")
        self.refused(desk, bag, "is not signed by the server")

    def test_a_list_that_was_replaced(self, desk: DeskAt, bag: Path) -> None:
        listed = bag / "manifest-sha256.txt"
        listed.write_bytes(listed.read_bytes().replace(b"0", b"1"))
        self.refused(desk, bag, "manifest-sha256.txt: is not the file that was signed")

    def test_a_list_beyond_all_measure(self, desk: DeskAt, bag: Path) -> None:
        with (bag / "manifest-sha256.txt").open("r+b") as huge:
            huge.truncate(1 << 40)
        self.refused(desk, bag, "manifest-sha256.txt is larger than it can be")

    def test_a_missing_file(self, desk: DeskAt, bag: Path) -> None:
        (bag / "data" / f"{2:032x}.gpg").unlink()
        self.refused(desk, bag, f"data/{2:032x}.gpg is missing")

    def test_missing_data(self, desk: DeskAt, bag: Path) -> None:
        shutil.rmtree(bag / "data")
        self.refused(desk, bag, "data is missing")

    @pytest.mark.parametrize("name", ["data/extra.gpg", "data/.hidden", "autorun.inf", "fetch.txt"])
    def test_an_extra_file(self, desk: DeskAt, bag: Path, name: str) -> None:
        (bag / name).write_bytes(b"?")
        self.refused(desk, bag, f"{name} is not in the signed list")

    def test_an_extra_folder(self, desk: DeskAt, bag: Path) -> None:
        (bag / "data" / "more").mkdir()
        self.refused(desk, bag, "data/more is not in the signed list")

    def test_a_name_that_would_steer_the_terminal_is_made_plain(
        self, desk: DeskAt, bag: Path
    ) -> None:
        (bag / "data" / "\x1b[2Jgone\u202e").write_bytes(b"?")
        self.refused(desk, bag, "data/\ufffd[2Jgone\ufffd is not in the signed list")

    def test_a_symbolic_link_in_place_of_an_envelope(
        self, desk: DeskAt, bag: Path, tmp_path: Path
    ) -> None:
        envelope = bag / "data" / f"{0:032x}.gpg"
        elsewhere = envelope.rename(tmp_path / "elsewhere")
        envelope.symlink_to(elsewhere)
        self.refused(desk, bag, f"{0:032x}.gpg is not a plain file")

    def test_a_symbolic_link_in_place_of_a_list(
        self, desk: DeskAt, bag: Path, tmp_path: Path
    ) -> None:
        listed = bag / "bag-info.txt"
        elsewhere = listed.rename(tmp_path / "elsewhere")
        listed.symlink_to(elsewhere)
        self.refused(desk, bag, "bag-info.txt is not a plain file")

    def test_a_symbolic_link_in_place_of_data(
        self, desk: DeskAt, bag: Path, tmp_path: Path
    ) -> None:
        elsewhere = (bag / "data").rename(tmp_path / "elsewhere")
        (bag / "data").symlink_to(elsewhere)
        self.refused(desk, bag, "data is not a plain file")

    def test_a_symbolic_link_in_place_of_the_bag(
        self, desk: DeskAt, bag: Path, tmp_path: Path
    ) -> None:
        elsewhere = bag.rename(tmp_path / "elsewhere")
        bag.symlink_to(elsewhere)
        self.refused(desk, bag.parent, "is not a plain file")

    def test_a_pipe_is_not_waited_for(self, desk: DeskAt, bag: Path) -> None:
        envelope = bag / "data" / f"{0:032x}.gpg"
        envelope.unlink()
        os.mkfifo(envelope)
        self.refused(desk, bag, f"{0:032x}.gpg is not a plain file")

    def test_a_socket(self, desk: DeskAt, bag: Path) -> None:
        envelope = bag / "data" / f"{0:032x}.gpg"
        envelope.unlink()
        folder = os.open(envelope.parent, os.O_RDONLY)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{folder}/{envelope.name}")  # its path is too long
        os.close(folder)
        self.refused(desk, bag, f"{0:032x}.gpg is not a plain file")

    @pytest.mark.skipif(os.getuid() != 0, reason="only root makes devices")
    @pytest.mark.parametrize("name", ["bag-info.txt", f"data/{0:032x}.gpg"])
    @pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
    def test_a_device_is_not_opened(self, desk: DeskAt, bag: Path, name: str, kind: int) -> None:
        (bag / name).unlink()
        os.mknod(bag / name, kind | 0o600, os.makedev(1, 5))  # /dev/zero never ends
        self.refused(desk, bag, f"{name.removeprefix('data/')} is not a plain file")

    def test_a_twin_that_differs_by_case(self, desk: DeskAt, bag: Path, server: Server) -> None:
        name = server.hold(NO_ENVELOPE).replace(".gpg", ".GPG")
        (bag / "data" / name).write_bytes(NO_ENVELOPE)
        self.refused(desk, bag, f"data/{name} is not in the signed list")

    def test_a_name_that_is_signed_twice(
        self, desk: DeskAt, bag: Path, server: Server, stick: Path
    ) -> None:
        lists = {path.name: path.read_bytes() for path in bag.iterdir() if path.is_file()}
        shutil.rmtree(bag)
        line = f"{sha256(b'another').hexdigest()}  data/{0:032x}.gpg"
        folder = server.write(stick, listing(lists, server.key, line))
        self.refused(desk, folder, "a line is malformed or said twice")

    def test_more_files_than_a_bag_ever_has(
        self, desk: DeskAt, bag: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("intake.arriving.stick.MOST_FILES", 4)
        (bag / "data" / "4").touch()
        (bag / "data" / "5").touch()
        self.refused(desk, bag, "data is larger than it can be")

    def test_a_stick_with_more_bags_than_anybody_carries(
        self, desk: DeskAt, bag: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("intake.arriving.stick.MOST_BAGS", 2)
        for number in range(2):
            (bag.parent / f"{number}").mkdir()
        self.refused(desk, bag.parent, "TAPEDROP is larger than it can be")

    @pytest.mark.parametrize(
        "name",
        [
            "data/../evidence.gpg", "../../escape.gpg", "/etc/passwd", "data/UPPER.gpg",
            "data/sub/folder.gpg", "data/program.exe", "data/", "elsewhere/x.gpg",
        ],
    )  # fmt: skip
    def test_a_signed_name_that_is_not_one_of_ours(
        self, desk: DeskAt, bag: Path, server: Server, stick: Path, name: str
    ) -> None:
        lists = {path.name: path.read_bytes() for path in bag.iterdir() if path.is_file()}
        shutil.rmtree(bag)
        line = f"{sha256(NO_ENVELOPE).hexdigest()}  {name}"
        self.refused(
            desk, server.write(stick, listing(lists, server.key, line)), "does not hold together"
        )

    def test_a_signed_file_that_is_no_envelope(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        digests = {"data/notes.json": sha256(b"{}").digest()}
        bag = Bag(Kind.DROPS, date(2026, 11, 20), (), digests)
        folder = server.write(stick, tag_files(bag, server.key))
        (folder / "data" / "notes.json").write_bytes(b"{}")
        self.refused(desk, folder, "data/notes.json is not in the signed list")

    def test_a_bag_that_travels_the_other_way(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        bag = server.export(stick, kind=Kind.ANSWERS)
        self.refused(desk, bag, "it carries answers")

    def test_a_folder_without_a_bag(self, desk: DeskAt, tmp_path: Path) -> None:
        self.refused(desk, tmp_path / "desk", "there is no bag in", code=2)

    def test_a_folder_that_is_not_there(self, desk: DeskAt, tmp_path: Path) -> None:
        self.refused(desk, tmp_path / "nowhere", "there is no bag in", code=2)


class TestAStickWithSeveralBags:
    def test_a_refused_one_does_not_cost_the_others(
        self, desk: DeskAt, bag: Path, server: Server, stick: Path
    ) -> None:
        stray = server.export(stick, key=Ed25519PrivateKey.generate())
        imported = desk("import", stick)
        assert imported.code == 3
        assert f"error: {stray.name} is not signed" in imported.err
        assert len(desk.files("evidence")) == 3

    def test_our_own_answers_on_it_are_passed_over(
        self, desk: DeskAt, bag: Path, stick: Path
    ) -> None:
        assert desk("receipt", "--to", stick).code == 0
        imported = desk("import", stick)
        assert imported.code == 0
        assert "passed over" in imported.err
        assert len(desk.files("evidence")) == 3


class TestRoom:
    def test_too_little_is_said_before_anything_is_copied(
        self, desk: DeskAt, bag: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = type(shutil.disk_usage(bag))(10_000, 9_000, 1_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
        imported = desk("import", bag)
        assert imported.code == 5
        assert "18.0 kB are needed, and 1.0 kB are free" in imported.err
        assert desk.files("evidence") == []

    def test_what_was_copied_before_needs_no_more(
        self, desk: DeskAt, bag: Path, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second, third = server.sealed.values()
        (desk.folder / "evidence" / f"{sha256(first).hexdigest()}.gpg").write_bytes(first)
        (desk.folder / "evidence" / f"{sha256(second).hexdigest()}.part").write_bytes(second[:-500])
        usage = type(shutil.disk_usage(bag))(10_000_000, 0, len(third) + 500)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
        assert desk("import", bag).err == "tapedrop-intake: 1 already here, 2 stored\n"

    def test_an_envelope_larger_than_the_whole_disk_was_never_ours(
        self, desk: DeskAt, bag: Path
    ) -> None:
        with (bag / "data" / f"{1:032x}.gpg").open("r+b") as bomb:
            bomb.truncate(1 << 43)
        refused = desk("import", bag, "--json")
        assert refused.code == 3
        (said,) = refused.json["bags"]
        assert f"data/{1:032x}.gpg is larger than it can be" in said["refused"]
        assert desk.files("evidence") == []

    def test_a_disk_that_fills_up_meanwhile_stops_the_import_and_it_goes_on_later(
        self, desk: DeskAt, bag: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write, left = os.pwrite, iter([True])

        def full(fd: int, block: memoryview, place: int) -> int:
            if next(left, False):
                return write(fd, block, place)
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        imported = desk("import", bag)
        assert imported.code == 5
        assert "the desk's disk is full; 1 of 3 drops are in" in imported.err
        assert "goes on from there" in imported.err
        monkeypatch.undo()
        assert desk("import", bag).err == "tapedrop-intake: 1 already here, 2 stored\n"
        assert {path.suffix for path in desk.files("evidence")} == {".gpg"}


class TestAnInterruptedImport:
    @pytest.fixture
    def halves(self, desk: DeskAt, bag: Path, server: Server) -> list[Path]:
        """What an import leaves that was stopped in the middle of each of the three."""
        return [self.left(desk, held, held[: len(held) // 2]) for held in server.sealed.values()]

    def left(self, desk: DeskAt, whole: bytes, part: bytes) -> Path:
        path = desk.folder / "evidence" / f"{sha256(whole).hexdigest()}.part"
        path.write_bytes(part)
        return path

    def test_goes_on_within_an_envelope_by_hashing_what_is_there(
        self, desk: DeskAt, bag: Path, halves: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, passed = os.readv, []

        def counting(fd: int, buffers: list[memoryview]) -> int:
            passed.append(read(fd, buffers))
            return passed[-1]

        monkeypatch.setattr(os, "readv", counting)
        assert desk("import", bag).err == "tapedrop-intake: 3 stored\n"
        whole = 3 * (len(NO_ENVELOPE) + 1)
        assert sum(passed) == whole - 3 * (len(NO_ENVELOPE) // 2)
        assert {path.suffix for path in desk.files("evidence")} == {".gpg"}

    def test_what_it_left_is_nobodys_evidence(
        self, desk: DeskAt, bag: Path, halves: list[Path]
    ) -> None:
        assert desk("list", "--json").json == []

    @pytest.mark.parametrize(
        "left",
        [
            pytest.param(b"\0" * 900, id="zeros, as a power cut leaves them"),
            pytest.param(NO_ENVELOPE + b"\x01 and more", id="more than there is"),
            pytest.param(flipped(NO_ENVELOPE, 3), id="one byte that differs"),
        ],
    )
    def test_begins_once_more_where_what_is_there_is_something_else(
        self, desk: DeskAt, bag: Path, server: Server, left: bytes
    ) -> None:
        self.left(desk, server.sealed[f"{1:032x}.gpg"], left)
        assert desk("import", bag).err == "tapedrop-intake: 3 stored\n"
        assert len(desk.files("evidence")) == 3

    def test_and_sets_aside_what_is_damaged_on_the_stick_as_well(
        self, desk: DeskAt, bag: Path, server: Server
    ) -> None:
        whole = server.sealed[f"{1:032x}.gpg"]
        part = self.left(desk, whole, b"\0" * 900)
        (bag / "data" / f"{1:032x}.gpg").write_bytes(flipped(whole, 1000))
        assert desk("import", bag).code == 1
        assert not part.exists()

    def test_what_no_bag_of_the_stick_lists_is_tidied_away_in_the_end(
        self, desk: DeskAt, bag: Path
    ) -> None:
        other = self.left(desk, b"another envelope", b"another")
        desk("import", bag)
        assert not other.exists()

    def test_what_is_left_of_a_bag_that_is_refused_stays(
        self, desk: DeskAt, bag: Path, halves: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = type(shutil.disk_usage(bag))(10_000_000, 0, 1_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
        assert desk("import", bag).code == 5
        assert all(half.exists() for half in halves)

    def test_goes_on_also_where_a_person_stopped_it(
        self, desk: DeskAt, bag: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(_fd: int, _block: memoryview, _place: int) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "pwrite", stop)
        stopped = desk("import", bag)
        monkeypatch.undo()
        assert stopped.code == 1
        assert "importing again goes on from there" in stopped.err
        assert desk("import", bag).err == "tapedrop-intake: 3 stored\n"

    def test_what_is_whole_by_now_is_tidied_away_too(
        self, desk: DeskAt, bag: Path, server: Server
    ) -> None:
        desk("import", bag)
        part = self.left(desk, server.sealed[f"{1:032x}.gpg"], b"of an older import")
        desk("import", bag)
        assert not part.exists()

    def test_two_at_once_do_not_write_the_same_envelope(
        self, desk: DeskAt, bag: Path, halves: list[Path]
    ) -> None:
        with halves[0].open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            imported = desk("import", bag)
        assert imported.code == 5
        assert "another tapedrop-intake is at work" in imported.err
        assert desk("import", bag).code == 0

    def test_a_link_in_place_of_what_it_left_is_not_followed(
        self, desk: DeskAt, bag: Path, halves: list[Path], tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_bytes(b"of somebody else")
        halves[0].unlink()
        halves[0].symlink_to(elsewhere)
        assert desk("import", bag).code == 5
        assert elsewhere.read_bytes() == b"of somebody else"


class TestAStickThatIsPulled:
    @pytest.fixture
    def pulled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """After its first envelope, every read of it fails."""
        readv, read, left = os.readv, os.read, iter([True, True])

        def failing(fd: int, buffers: list[memoryview]) -> int:
            if next(left, False):
                return readv(fd, buffers)
            raise OSError(5, "Input/output error")

        def gone(fd: int, size: int) -> bytes:
            if "/stick/" in str(Path(f"/proc/self/fd/{fd}").readlink()):
                raise OSError(5, "Input/output error")
            return read(fd, size)

        monkeypatch.setattr(os, "readv", failing)
        monkeypatch.setattr(os, "read", gone)

    def test_is_said_once_with_how_much_is_in(
        self, desk: DeskAt, bag: Path, pulled: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        imported = desk("import", bag)
        assert imported.code == 1
        assert imported.err.splitlines() == [
            "tapedrop-intake: 2 stored",
            f"tapedrop-intake: error: {bag.name}: the stick can't be read any more; "
            "2 of 3 drops are in",
            "tapedrop-intake: hint: plug it in once more and import again: that goes on from there",
        ]
        monkeypatch.undo()
        assert desk("import", bag).err == "tapedrop-intake: 2 already here, 1 stored\n"

    def test_is_told_to_another_program_too(self, desk: DeskAt, bag: Path, pulled: None) -> None:
        (said,) = desk("import", bag, "--json").json["bags"]
        assert (said["refused"], said["listed"], said["exit_code"]) == (None, 3, 1)
        assert "2 of 3 drops are in" in said["stopped"]
        assert [each["outcome"] for each in said["envelopes"]] == ["stored"] * 2

    def test_its_other_bags_are_not_tried(
        self, desk: DeskAt, bag: Path, server: Server, stick: Path, pulled: None
    ) -> None:
        server.export(stick)
        assert len(desk("import", stick, "--json").json["bags"]) == 1


def test_the_canary_is_nowhere_in_the_clear(
    desk: DeskAt, server: Server, stick: Path, make_desk: Callable[..., DeskAt], reporter: Person
) -> None:
    server.receive()
    desk("import", server.export(stick))
    assert not desk.holds(CANARY[:24])
