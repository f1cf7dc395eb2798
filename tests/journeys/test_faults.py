"""When something of ours fails: nothing is lost that was acknowledged, nothing is left behind."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from drops import Drop, Newsroom, Serving, run_server, small_disk_at, write_wav
from holds import child_of

LARGE = 60_000_000


class TestStarting:
    def test_it_refuses_without_a_newsroom_key(self, tmp_path: Path) -> None:
        run_server("init", tmp_path / "drop")

        refused = run_server("serve", "--config", tmp_path / "drop/tapedrop.toml")

        assert refused.returncode == 5
        assert "the newsroom has no key" in refused.stderr

    def test_it_refuses_a_secret_key_in_its_keyring(self, drop: Drop) -> None:
        secret = "private-keys-v1.d"
        shutil.copytree(drop.newsroom.home / secret, drop.folder / "newsroom" / secret)

        refused = run_server("serve", "--config", drop.config)

        assert refused.returncode == 5
        assert "holds a secret key" in refused.stderr

    def test_it_names_the_key_that_expired(self, drop: Drop) -> None:
        expired = import_expired_key(drop)

        refused = run_server("serve", "--config", drop.config)

        assert refused.returncode == 5
        assert f"{expired}: expired" in refused.stderr

    def test_it_names_the_key_that_was_revoked(self, drop: Drop) -> None:
        with_own_key = Newsroom()
        try:
            drop.add_key(with_own_key)
            import_keys(drop, revocation_of(with_own_key))

            refused = run_server("serve", "--config", drop.config)

            assert refused.returncode == 5
            assert f"{with_own_key.fingerprint}: revoked" in refused.stderr
        finally:
            with_own_key.close()

    def test_adding_a_secret_key_is_refused(self, drop: Drop, newsroom: Newsroom) -> None:
        refused = drop.add_exported(newsroom.gpg("--armor", "--export-secret-keys"))

        assert refused.returncode == 3
        assert "secret key" in refused.stderr

    def test_an_unknown_setting_is_answered_with_the_known_ones(self, drop: Drop) -> None:
        drop.configure("[limits]\nmax_recording_megabytes = 5")

        refused = run_server("serve", "--config", drop.config)

        assert refused.returncode == 2
        assert "max_recording_megabytes" in refused.stderr
        assert "max_recording_bytes" in refused.stderr

    @pytest.mark.parametrize("address", ["0.0.0.0:8080", "192.168.0.9:80", "127.0.0.1", "[::]:1"])
    def test_it_never_listens_beyond_loopback(self, drop: Drop, address: str) -> None:
        drop.config.write_text(f'[listen]\ntcp = "{address}"\n')

        refused = run_server("serve", "--config", drop.config)

        assert refused.returncode == 2
        assert "loopback" in refused.stderr

    def test_it_listens_on_a_unix_socket_by_default(self, drop: Drop) -> None:
        drop.config.write_text("")

        with drop.running() as serving:
            assert serving.address == f"unix:{drop.folder}/tapedrop.sock"
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(drop.folder / "tapedrop.sock"))
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert connection.recv(12) == b"HTTP/1.1 200"
            assert (drop.folder / "tapedrop.sock").stat().st_mode & 0o777 == 0o660
        with drop.running():
            pass

    def test_a_second_one_in_the_same_folder_is_refused(self, drop: Drop) -> None:
        drop.config.write_text("")

        with drop.running():
            refused = run_server("serve", "--config", drop.config)

        assert refused.returncode == 5
        assert "is running already" in refused.stderr

    def test_it_refuses_by_a_clock_that_is_far_behind_its_last_sweep(self, drop: Drop) -> None:
        swept = datetime.now(UTC).date() + timedelta(days=31)
        (drop.folder / "receipts/swept").write_text(swept.isoformat())

        refused = run_server("serve", "--config", drop.config)

        assert refused.returncode == 5
        assert f"but the store was swept on {swept}" in refused.stderr

    def test_it_starts_by_one_that_is_off_by_days(self, drop: Drop) -> None:
        swept = datetime.now(UTC).date() + timedelta(days=20)
        (drop.folder / "receipts/swept").write_text(swept.isoformat())

        with drop.running() as serving:
            assert serving.process.poll() is None

    def test_a_socket_path_that_is_too_long_is_named(self, drop: Drop) -> None:
        drop.config.write_text(f'[listen]\nunix = "{"x" * 120}.sock"\n')

        refused = run_server("serve", "--config", drop.config)

        assert refused.returncode == 5
        assert "can't listen" in refused.stderr


class TestWhileServing:
    def test_a_key_that_ends_while_serving_is_sealed_to_no_more(
        self, tmp_path: Path, wav: Path
    ) -> None:
        own = Newsroom()
        try:
            drop = Drop(tmp_path / "drop", own)
            with drop.running() as serving:
                assert serving.send(wav).became == ["cleaned"]
                import_keys(drop, revocation_of(own))

                refused = serving.send(wav)

            assert refused.became == ["no_key"]
            assert "This is our fault" in refused.page.html
            assert len(drop.envelopes()) == 1
        finally:
            own.close()

    def test_gpg_killed_midway_costs_that_recording_only(
        self, serving: Serving, wav: Path, tmp_path: Path
    ) -> None:
        large = write_wav(tmp_path / "large.wav", os.urandom(LARGE))

        became = serving_while(serving, large, lambda: kill_child(serving, "gpg", "--encrypt"))

        assert became == ["seal_failed"]
        assert serving.drop.envelopes() == []
        assert serving.send(wav).became == ["cleaned"]

    def test_the_sandbox_killed_is_started_anew(self, serving: Serving, wav: Path) -> None:
        kill_child(serving, "scrub.worker", "")

        first = serving.send(wav).became
        second = serving.send(wav).became

        assert first in (["worker_failed"], ["cleaned"])
        assert second == ["cleaned"]

    def test_a_full_spool_is_told_and_the_next_small_recording_arrives(
        self, drop: Drop, wav: Path, tmp_path: Path
    ) -> None:
        large = write_wav(tmp_path / "large.wav", bytes(6_000_000))
        drop.configure("[admission]\nspool_floor_bytes = 0")

        with drop.running(before=small_disk_at(drop.folder / "spool", "4m")) as serving:
            result = serving.send(large, wav)

        assert result.became == ["spool_full", "cleaned"]
        assert "We have no room for it" in result.page.html

    def test_a_full_store_is_told_and_keeps_no_part_of_it(
        self, drop: Drop, wav: Path, tmp_path: Path
    ) -> None:
        large = write_wav(tmp_path / "large.wav", bytes(6_000_000))
        drop.configure("[admission]\nstore_floor_bytes = 0")

        with drop.running(before=small_disk_at(drop.folder / "store/drops", "4m")) as serving:
            result = serving.send(large, wav)

        assert result.became == ["store_full", "cleaned"]

    def test_what_somebody_else_put_into_a_mailbox_is_left_out_of_it(
        self, serving: Serving, wav: Path
    ) -> None:
        browser = serving.visit()
        form = browser.get("/send")
        browser.post(form.form, form.fields, [wav])
        (mailbox,) = (serving.drop.folder / "store/mailboxes").iterdir()
        (mailbox / ("0" * 32)).write_bytes(bytes(5000))

        assert browser.get("/mailbox").html.count("<time") == 1


class TestKilled:
    def test_what_was_acknowledged_is_there_after_kill_9(
        self, drop: Drop, newsroom: Newsroom, wav: Path
    ) -> None:
        acknowledged = 0
        for _ in range(3):
            with drop.running() as serving:
                acknowledged += serving.send(wav, message="kept").became.count("cleaned")
                serving.kill()

        assert acknowledged == 3
        manifests = drop.manifests()
        assert [m["condition"] for m in manifests].count("cleaned") == acknowledged

    def test_kill_9_midway_leaves_no_part_of_a_recording(self, drop: Drop, tmp_path: Path) -> None:
        large = write_wav(tmp_path / "large.wav", os.urandom(LARGE))
        with drop.running() as serving:
            became = serving_while(serving, large, serving.kill)

        assert became is None
        assert drop.envelopes() == []
        assert list((drop.folder / "spool").iterdir()) == []


def serving_while(
    serving: Serving, recording: Path, harm: Callable[[], object]
) -> list[str] | None:
    """Send a recording, and do harm once gpg is sealing it; None when no answer came."""
    answers: list[list[str]] = []

    def send() -> None:
        with contextlib.suppress(OSError):
            answers.append(serving.send(recording).became)

    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive() and not child_of(serving.process, "gpg", "--encrypt"):
        pass
    harm()
    sender.join()
    return answers[0] if answers else None


def kill_child(serving: Serving, *marks: str) -> None:
    """Kill that child."""
    child = child_of(serving.process, *marks)
    assert child is not None
    os.kill(child, signal.SIGKILL)


def import_expired_key(drop: Drop) -> str:
    """Put a key that ended long ago into the drop's keyring, behind its back."""
    own = Newsroom("old@news.example", made="20200101T000000", ends="1w")
    try:
        import_keys(drop, own.exported)
        return own.fingerprint
    finally:
        own.close()


def import_keys(drop: Drop, exported: bytes) -> None:
    """Import into the drop's keyring with gpg itself."""
    command = ["gpg", "--homedir", drop.folder / "newsroom", "--batch", "--quiet"]
    command += ["--no-autostart", "--import"]
    subprocess.run(command, input=exported, check=True)


def revocation_of(own: Newsroom) -> bytes:
    """Return the revocation that gpg made beside the key."""
    made = own.home / "openpgp-revocs.d" / f"{own.fingerprint}.rev"
    return made.read_text().replace(":-----BEGIN", "-----BEGIN").encode()
