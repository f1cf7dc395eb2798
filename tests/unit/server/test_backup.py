"""A backup: what is in it, who can open it, and what is not believed of one."""

import os
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from drops import Drop, Newsroom

from crypto.errors import NewerVersion, NoKeyOpens, Tampered
from crypto.gpg import Gpg
from crypto.newsroom import read_newsroom
from server.cli.restore import next_steps
from server.config import Config, Places, Tor, read_config
from server.errors import BadBackup, NotFit, SettingsRefused, StoreFailed
from server.staff.moving.archive import Entry, tar
from server.staff.moving.backup import BackedUp, backup
from server.staff.moving.restore import Restored, digest_of, restore


@pytest.fixture(scope="module")
def staff() -> Iterator[Newsroom]:
    made = Newsroom("Staff <staff@newsroom.example>")
    yield made
    made.close()


def backed_up(drop: Drop, to: Path, staff: Newsroom, *, with_onion: bool = True) -> BackedUp:
    gpg, now = Gpg(staff.home), datetime.now(UTC)
    return backup(
        drop.config,
        read_config(drop.config),
        to,
        staff=gpg,
        keys=read_newsroom(gpg, now=now).recipients(),
        day=now.date(),
        with_onion=with_onion,
    )


def restored(sealed: Path, to: Path, staff: Newsroom) -> Restored:
    return restore(sealed, to, gpg=Gpg(staff.home), digest=digest_of(sealed))


def sealed(content: bytes, to: Path, staff: Newsroom) -> Path:
    """Write what anybody can who has the staff's public key."""
    to.write_bytes(staff.gpg("--encrypt", "--recipient", staff.fingerprint, given=content))
    return to


def whole(*more: Entry) -> list[Entry]:
    """Return what a backup needs at the least, and more."""
    needed = [("tapedrop.toml", b""), ("credentials/salt", b"s" * 32)]
    needed += [("credentials/export.key", b"key")]
    return [*(Entry(name, len(content), [content]) for name, content in needed), *more]


def onion_at(folder: Path) -> Path:
    """Make what tor keeps of an onion service."""
    (folder / "authorized_clients").mkdir(parents=True, mode=0o700)
    for name in ("hostname", "hs_ed25519_public_key", "hs_ed25519_secret_key"):
        (folder / name).write_text(name)
    (folder / "authorized_clients" / "anna.auth").write_text("descriptor:x25519:A")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below, by its path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class TestWhatIsInIt:
    def test_is_everything_that_makes_the_drop_itself(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        onion = onion_at(tmp_path / "tor")
        drop.configure(f'[tor]\nkeys = "{onion}"')
        (drop.folder / "desks/d0.json").write_text("a desk")
        (drop.folder / "receipts/exported").write_bytes(bytes(48))
        (drop.folder / "store/drops/0123").write_bytes(b"sealed")
        (drop.folder / "spool/x").write_bytes(b"held")
        (drop.folder / "outbox/x").write_bytes(b"a letter")

        done = backed_up(drop, tmp_path / "b.gpg", staff)
        inside = staff.opened(done.path)

        before = contents(drop.folder)
        for name in (
            "tapedrop.toml",
            "credentials/salt",
            "credentials/export.key",
            "credentials/canary",
            "newsroom/pubring.gpg",
            "desks/d0.json",
            "receipts/exported",
        ):
            assert inside[name] == before[name], name
        assert inside["onion/hs_ed25519_secret_key"] == b"hs_ed25519_secret_key"
        assert inside["onion/authorized_clients/anna.auth"] == b"descriptor:x25519:A"
        assert done.onion
        assert not [name for name in inside if name.startswith(("store/", "spool/", "outbox/"))]

    def test_has_no_owner_and_no_time(self, drop: Drop, staff: Newsroom, tmp_path: Path) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)
        with tarfile.open(fileobj=BytesIO(staff.gpg("--decrypt", str(done.path)))) as opened:
            for entry in opened:
                assert (entry.mtime, entry.uid, entry.uname, entry.mode) == (0, 0, "", 0o600)

    def test_is_no_secret_key_of_anybody(self, drop: Drop, staff: Newsroom, tmp_path: Path) -> None:
        private = drop.folder / "newsroom/private-keys-v1.d"
        private.mkdir(exist_ok=True)
        (private / "0.key").write_text("secret")
        (drop.folder / "newsroom/secring.gpg").write_text("secret")

        done = backed_up(drop, tmp_path / "b.gpg", staff)

        assert b"secret" not in [*staff.opened(done.path).values()]

    def test_can_leave_out_the_onion_address(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        drop.configure('[tor]\nkeys = "/nowhere"')

        with pytest.raises(NotFit, match="--without-onion"):
            backed_up(drop, tmp_path / "b.gpg", staff)
        assert not backed_up(drop, tmp_path / "b.gpg", staff, with_onion=False).onion

    def test_is_nothing_that_the_drop_itself_could_not_read(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        # Root backs up, and whoever has taken the drop over can write what its settings name.
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        for path in (drop.folder, *drop.folder.rglob("*")):
            os.chown(path, 12345, 12345)
        (tmp_path / "shadow").write_text("root's")
        (tmp_path / "shadow").chmod(0o640)
        drop.configure(f'[newsroom]\nlogo = "{tmp_path / "shadow"}"')

        with pytest.raises(NotFit, match="not a plain file of the drop's own"):
            backed_up(drop, tmp_path / "b.gpg", staff)

        os.chown(tmp_path / "shadow", 0, 12345)
        assert backed_up(drop, tmp_path / "b.gpg", staff)

        # Nor is a folder the drop's for being named as one.
        (tmp_path / "roots").mkdir()
        os.chown(tmp_path / "shadow", 0, 0)
        for path in (path for path in drop.folder.rglob("*") if path.is_file()):
            path.chmod(0o644)
        with drop.config.open("a") as settings:
            settings.write(f'[places]\nreceipts = "{tmp_path / "roots"}"\n')
        with pytest.raises(NotFit, match="shadow is not a plain file of the drop's own"):
            backed_up(drop, tmp_path / "c.gpg", staff)

    def test_follows_no_link_to_the_onion_s_keys(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        onion = onion_at(tmp_path / "tor")
        (onion / "hostname").rename(tmp_path / "elsewhere")
        (onion / "hostname").symlink_to(tmp_path / "elsewhere")
        drop.configure(f'[tor]\nkeys = "{onion}"')

        with pytest.raises(NotFit, match="hostname is not a plain file"):
            backed_up(drop, tmp_path / "b.gpg", staff)

    def test_is_nothing_that_could_not_come_back(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        (drop.folder / "receipts/odd name").write_text("?")

        with pytest.raises(NotFit, match="odd name has no place in a backup"):
            backed_up(drop, tmp_path / "b.gpg", staff)


class TestWriting:
    def test_never_replaces_anything(self, drop: Drop, staff: Newsroom, tmp_path: Path) -> None:
        (tmp_path / "b.gpg").write_text("last year's")

        with pytest.raises(SettingsRefused, match="is there already"):
            backed_up(drop, tmp_path / "b.gpg", staff)

        assert (tmp_path / "b.gpg").read_text() == "last year's"

    def test_tells_the_digest_of_what_can_be_read_back(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)

        assert digest_of(done.path) == done.digest

    def test_may_be_read_by_whoever_has_the_stick(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        # It is sealed, and the new machine's user is none that this one knows.
        assert backed_up(drop, tmp_path / "b.gpg", staff).path.stat().st_mode & 0o777 == 0o644

    def test_leaves_nothing_when_it_fails(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        (drop.folder / "credentials/salt").unlink()
        to = tmp_path / "stick"
        to.mkdir()

        with pytest.raises(NotFit, match="salt"):
            backed_up(drop, to / "b.gpg", staff)
        (drop.folder / "credentials/salt").write_bytes(bytes(32))
        with pytest.raises(StoreFailed, match="can't write"):
            backed_up(drop, to / "no such folder/b.gpg", staff)

        assert list(to.iterdir()) == []

    def test_names_its_readers_so_that_each_is_asked_for_one_key(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)

        assert not Gpg(staff.home).decrypt([done.path.read_bytes()], lambda _: None).hidden


class TestRestoring:
    def test_brings_everything_back_to_where_the_settings_say(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        onion = onion_at(tmp_path / "tor")
        drop.configure(f'[places]\nreceipts = "told/desks"\n[tor]\nkeys = "{onion}"')
        (drop.folder / "told").mkdir()
        (drop.folder / "receipts").rename(drop.folder / "told/desks")
        (drop.folder / "told/desks/swept").write_text("2026-11-20")
        done = backed_up(drop, tmp_path / "b.gpg", staff)

        made = restored(done.path, tmp_path / "new", staff)

        before, after = contents(drop.folder), contents(tmp_path / "new")
        came_back = {name for name in after if not name.startswith("onion/")}
        assert all(before[name] == after[name] for name in came_back)
        assert {"told/desks/swept", "credentials/canary", "newsroom/pubring.gpg"} <= came_back
        assert contents(made.folder / "onion") == contents(onion)
        assert {"spool", "outbox"} <= {path.name for path in made.folder.iterdir()}
        for path in (made.folder, *made.folder.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        assert list(made.folder.glob(".*")) == []

    def test_says_what_belongs_outside_of_the_drop(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        salt = tmp_path / "elsewhere-salt"
        (drop.folder / "credentials/salt").rename(salt)
        drop.configure(f'[credentials]\nsalt = "{salt}"')
        done = backed_up(drop, tmp_path / "b.gpg", staff)

        made = restored(done.path, tmp_path / "new", staff)

        ((found, belongs),) = made.elsewhere
        assert (found.read_bytes(), belongs) == (salt.read_bytes(), str(salt))

    def test_brings_no_store_so_that_nobody_starts_without_it(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)

        made = restored(done.path, tmp_path / "new", staff)

        assert not (made.folder / "store").exists()

    def test_leaves_a_drop_alone(self, drop: Drop, staff: Newsroom, tmp_path: Path) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)
        before = contents(drop.folder)

        with pytest.raises(SettingsRefused, match="something in"):
            restored(done.path, drop.folder, staff)

        assert contents(drop.folder) == before

    def test_takes_the_home_that_the_drop_s_user_was_given(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)
        home = tmp_path / "srv/drop"
        home.mkdir(parents=True)
        (home / ".profile").write_text("umask 077")
        (tmp_path / "srv").chmod(0o500)  # root's

        restored(done.path, home, staff)

        assert {".profile", "tapedrop.toml", "credentials"} <= {
            path.name for path in home.iterdir()
        }

    def test_puts_nothing_where_a_shell_of_that_user_would_read_it(
        self, staff: Newsroom, tmp_path: Path
    ) -> None:
        settings = b'[newsroom]\nlogo = ".profile"\n[places]\ndesks = ".ssh"\n'
        entries = [Entry("tapedrop.toml", len(settings), [settings]), *whole()[1:]]
        entries += [Entry(name, 4, [b"sh x"]) for name in ("logo", "desks/authorized_keys")]
        forged = sealed(b"".join(tar(entries)), tmp_path / "x.gpg", staff)
        (tmp_path / "home").mkdir()
        (tmp_path / "home/.profile").write_text("umask 077")

        made = restored(forged, tmp_path / "home", staff)

        assert (tmp_path / "home/.profile").read_text() == "umask 077"
        assert not (tmp_path / "home/.ssh").exists()
        assert [belongs for _, belongs in made.elsewhere] == [".profile", ".ssh"]

    def test_tells_nothing_to_type_that_a_shell_takes_for_more(self, tmp_path: Path) -> None:
        # Settings of another's making, or of whoever has taken the drop over.
        config = Config(tor=Tor(keys="/x; touch y"), places=Places(store="$(touch y)"))
        made = Restored(tmp_path, config, 9, onion=True, locked_down=False, elsewhere=())

        steps = "\n".join(next_steps(made))

        assert "-m 700 '/x; touch y' && " in steps
        assert f"mkdir -m 700 '{tmp_path}/$(touch y)';" in steps

    @pytest.mark.parametrize(
        ("keys", "user", "unit"),
        [
            ("/var/lib/tor/drop", "debian-tor", "tor@default"),
            ("/var/lib/tor-instances/tapedrop/drop", "_tor-tapedrop", "tor@tapedrop"),
        ],
    )
    def test_gives_the_onion_s_keys_to_the_tor_that_uses_them(
        self, keys: str, user: str, unit: str, tmp_path: Path
    ) -> None:
        config = Config(tor=Tor(keys=keys))
        made = Restored(tmp_path, config, 9, onion=True, locked_down=False, elsewhere=())

        steps = "\n".join(next_steps(made))

        assert f"install -d -o {user} -g {user} -m 700 {keys}" in steps
        assert f"chown -R {user}: {keys}" in steps
        assert f"systemctl start {unit}" in steps

    def test_an_installed_drop_is_started_by_its_target(self) -> None:
        made = Restored(
            Path("/var/lib/tapedrop"), Config(), 9, onion=False, locked_down=False, elsewhere=()
        )

        assert list(next_steps(made))[-1].startswith("systemctl enable --now tapedrop.target")

    def test_one_that_fails_leaves_such_a_home_as_it_was(
        self, drop: Drop, staff: Newsroom, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)
        (tmp_path / "new").mkdir()

        with pytest.raises(NoKeyOpens):
            restored(done.path, tmp_path / "new", newsroom)

        assert list((tmp_path / "new").iterdir()) == []

    def test_takes_what_an_interrupted_one_left(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)
        (tmp_path / "new/.restoring").mkdir(parents=True)
        (tmp_path / "new/.restoring/tapedrop.toml").write_text("half")

        restored(done.path, tmp_path / "new", staff)

        assert (tmp_path / "new/tapedrop.toml").read_bytes() == drop.config.read_bytes()


class TestWhatIsNotBelieved:
    def restoring(self, given: Path, staff: Newsroom, tmp_path: Path) -> None:
        """Restore; nothing may be left of it, nor of what it would have reached."""
        before = sorted(tmp_path.iterdir())
        try:
            restored(given, tmp_path / "new", staff)
        finally:
            assert sorted(tmp_path.iterdir()) == before

    def test_one_that_was_altered_on_its_way(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)
        spoilt = bytearray(done.path.read_bytes())
        spoilt[-2000] ^= 1
        done.path.write_bytes(spoilt)

        with pytest.raises(Tampered):
            self.restoring(done.path, staff, tmp_path)

    def test_one_that_no_key_here_opens(
        self, drop: Drop, staff: Newsroom, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)

        with pytest.raises(NoKeyOpens):
            self.restoring(done.path, newsroom, tmp_path)

    def test_one_of_a_later_version(self, staff: Newsroom, tmp_path: Path) -> None:
        later = b"".join(tar(whole())).replace(b"tapedrop backup 1", b"tapedrop backup 2")

        with pytest.raises(NewerVersion):
            self.restoring(sealed(later, tmp_path / "b.gpg", staff), staff, tmp_path)

    @pytest.mark.parametrize(
        "name",
        [
            "/etc/passwd",
            "../outside",
            "desks/../../outside",
            "desks/.hidden",
            "desks/a/b",
            "newsroom/private-keys-v1.d",
            "newsroom/gpg.conf",
            "onion/torrc",
            "store/drops",
            "credentials/else",
            "desks",
        ],
    )
    def test_a_name_that_has_no_place(self, staff: Newsroom, tmp_path: Path, name: str) -> None:
        forged = b"".join(tar(whole(Entry(name, 1, [b"x"]))))

        with pytest.raises(BadBackup):
            self.restoring(sealed(forged, tmp_path / "b.gpg", staff), staff, tmp_path)

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
    def test_what_is_no_plain_file(self, staff: Newsroom, tmp_path: Path, kind: bytes) -> None:
        held = BytesIO()
        with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as forging:
            version = tarfile.TarInfo("version")
            version.size, version.mode = 18, 0o600
            forging.addfile(version, BytesIO(b"tapedrop backup 1\n"))
            link = tarfile.TarInfo("desks/a")
            link.type, link.linkname = kind, "/etc/passwd"
            forging.addfile(link)

        with pytest.raises(BadBackup, match="header"):
            self.restoring(sealed(held.getvalue(), tmp_path / "b.gpg", staff), staff, tmp_path)

    @pytest.mark.parametrize("cut", ["nothing", "its end", "its salt", "a name twice"])
    def test_one_that_is_not_whole(self, staff: Newsroom, tmp_path: Path, cut: str) -> None:
        forged = {
            "nothing": lambda: b"",
            "its end": lambda: b"".join(tar(whole()))[:-512],
            "its salt": lambda: b"".join(tar(whole()[:1])),
            "a name twice": lambda: b"".join(tar([*whole(), *whole()])),
        }[cut]()

        with pytest.raises(BadBackup):
            self.restoring(sealed(forged, tmp_path / "b.gpg", staff), staff, tmp_path)

    def test_a_file_that_is_another_by_now(
        self, drop: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = backed_up(drop, tmp_path / "b.gpg", staff)

        with pytest.raises(BadBackup, match="changed"):
            restore(done.path, tmp_path / "new", gpg=Gpg(staff.home), digest="0" * 64)

        assert not (tmp_path / "new").exists()
