"""The sandbox: what a worker cannot do, and what becomes of one that misbehaves."""

import hashlib
import io
import os
import secrets
import signal
import socket
import struct
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from inside import FORBIDDEN, KEY_SIZE, MARK
from recordings import cleaned, open_descriptors, wav

from scrub import (
    REASONS,
    CutList,
    Handle,
    Limits,
    Malformed,
    SandboxUnavailable,
    TooComplex,
    WorkerFailed,
    Zygote,
    clean,
    fences,
)
from scrub import sandbox as sandboxing
from scrub.plan import LITERAL_MARK, RECORD
from scrub.wire import PLANNED, REFUSED, Say


@contextmanager
def sandbox(opener: str, limits: Limits | None = None) -> Iterator[Zygote]:
    with Zygote.start(f"inside:{opener}", limits=limits or Limits()) as running:
        yield running


def served(zygote: Zygote, secret: bytes = b"") -> None:
    """Have a good recording cleaned by an opener that gets this secret."""
    with tempfile.TemporaryFile() as file:
        file.write(wav())
        file.flush()
        clean(zygote, Handle(file.fileno(), secret), len(wav()), io.BytesIO())


@pytest.fixture(scope="module")
def trying() -> Iterator[Zygote]:
    with sandbox("try_everything") as running:
        yield running


@pytest.fixture(scope="module")
def lying() -> Iterator[Zygote]:
    with sandbox("lie") as running:
        yield running


class TestFences:
    @pytest.mark.parametrize("act", FORBIDDEN)
    def test_inside_the_worker_it_is_impossible_to(self, trying: Zygote, act: str) -> None:
        served(trying, act.encode())

    def test_the_acts_are_possible_where_there_is_no_fence(self) -> None:
        with (
            Zygote.start("inside:try_everything", unfenced=True) as zygote,
            pytest.raises(Malformed, match="it could open a file"),
        ):
            served(zygote, b"open a file")

    def test_a_worker_holds_the_recording_and_its_own_socket_and_nothing_else(self) -> None:
        with (
            open("/etc/hostname", "rb"),  # noqa: PTH123  # the parent's own: it must not be there
            sandbox("tell_descriptors") as zygote,
            pytest.raises(Malformed) as told,
        ):
            served(zygote)

        assert sorted(told.value.broken_rule.removeprefix("open ").split(", ")) == sorted(
            ["/dev/null", "/dev/null", "socket", "/tmp/deleted"]
        )

    def test_a_key_in_the_parents_memory_is_not_in_the_workers(self) -> None:
        planted = MARK + secrets.token_bytes(KEY_SIZE)
        digest = hashlib.sha256(planted[len(MARK) :]).digest()

        with sandbox("look_for_key") as zygote:
            served(zygote, digest)

        assert planted.startswith(MARK)

    def test_without_landlock_it_refuses_to_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing() -> None:
            raise SandboxUnavailable("Landlock is not enabled in this kernel")

        monkeypatch.setattr(fences, "_landlock", missing)

        with pytest.raises(SandboxUnavailable):
            fences.close_in()

    def test_an_opener_that_cannot_be_imported_is_no_sandbox(self) -> None:
        with pytest.raises(SandboxUnavailable):
            Zygote.start("no.such.module:opener")


class TestMisbehaviour:
    def test_one_that_never_ends_is_killed_by_the_kernel(self) -> None:
        with (
            sandbox("spin", Limits(cpu_seconds=1)) as zygote,
            pytest.raises(WorkerFailed, match="died"),
        ):
            served(zygote)

    def test_one_that_takes_too_long_is_killed_by_the_parent(self) -> None:
        with (
            sandbox("spin", Limits(wall_seconds=5)) as zygote,
            pytest.raises(WorkerFailed, match="took too long"),
        ):
            served(zygote)

    def test_one_that_takes_too_much_memory_is_refused(self) -> None:
        with sandbox("eat_memory") as zygote, pytest.raises(TooComplex):
            served(zygote)

    def test_one_that_nests_without_end_is_refused(self) -> None:
        with sandbox("nest") as zygote, pytest.raises(TooComplex, match="nested"):
            served(zygote)

    def test_a_machine_that_has_no_process_to_give_costs_one_recording_only(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start, _, run = sandboxing.BOOTSTRAP.partition("from scrub.worker")
        failing = f"{start} import inside; inside.fail_to_fork(1); from scrub.worker{run}"
        monkeypatch.setattr(sandboxing, "BOOTSTRAP", failing)

        with Zygote.start() as zygote:
            before = zygote._process
            with pytest.raises(WorkerFailed, match="died at once"):
                served(zygote)
            served(zygote)

            assert zygote._process is before

    def test_one_that_crashes_harms_nobody(self) -> None:
        with sandbox("crash") as zygote:
            for _ in range(2):
                with pytest.raises(WorkerFailed):
                    served(zygote)

    def test_what_an_opener_says_about_the_bytes_does_not_cross(self) -> None:
        with sandbox("fail_to_read") as zygote, pytest.raises(WorkerFailed) as failure:
            served(zygote)

        assert "secret" not in str(failure.value)

    def test_after_the_zygote_is_killed_the_next_recording_starts_another(
        self, tmp_path: Path
    ) -> None:
        once = tmp_path / "once"
        once.touch()

        with sandbox("kill_zygote") as zygote:
            with pytest.raises(WorkerFailed):
                served(zygote, os.fsencode(once))
            served(zygote, os.fsencode(once))

    def test_a_zygote_that_dies_while_it_is_asked_is_replaced_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Zygote.start() as zygote:
            assert zygote._process is not None
            zygote._process.kill()
            zygote._process.wait()
            monkeypatch.setattr(zygote._process, "poll", lambda: None)  # it was seen alive

            served(zygote)

    def test_a_zygote_that_hangs_costs_no_more_than_who_waited_for_it(self) -> None:
        with Zygote.start(limits=Limits(wall_seconds=1)) as zygote:
            assert zygote._process is not None
            os.kill(zygote._process.pid, signal.SIGSTOP)
            with pytest.raises(WorkerFailed, match="did not start in time"):
                served(zygote)

            zygote.limits = Limits()
            served(zygote)

    def test_nothing_starts_any_more_once_it_is_closed(self) -> None:
        with Zygote.start() as zygote:
            pass

        with pytest.raises(WorkerFailed, match="is closed"):
            served(zygote)

    @pytest.mark.parametrize("sent", [0, 1])
    def test_descriptors_that_make_no_job_do_not_end_the_zygote(self, sent: int) -> None:
        with Zygote.start() as zygote, tempfile.TemporaryFile() as file:
            before = zygote._process
            assert before is not None
            assert zygote._control is not None
            socket.send_fds(zygote._control, [b"H"], [file.fileno()] * sent)

            served(zygote)

            assert zygote._process is before
            assert before.poll() is None

    def test_without_fences_the_limits_stay(self) -> None:
        with (
            Zygote.start("inside:eat_memory", unfenced=True) as zygote,
            pytest.raises(TooComplex),
        ):
            served(zygote)

    def test_many_threads_are_served_at_once_and_nothing_is_left_open(self) -> None:
        before = open_descriptors()

        with Zygote.start() as zygote, ThreadPoolExecutor(8) as threads:
            results = [*threads.map(lambda _: cleaned(zygote, wav())[1], range(40))]

        assert results == [wav()] * 40
        assert open_descriptors() == before

    def test_no_worker_outlives_its_recording(self, zygote: Zygote) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, wav()[:30])
        cleaned(zygote, wav())

        assert zygote._process is not None
        assert children_of(zygote._process.pid) == []


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent this is, zombies too."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = each.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(words[1]) == pid:
            found.append(int(each.parent.name))
    return found


def cuts(*records: bytes) -> bytes:
    return bytes([Say.CUTS]) + b"".join(records)


PLAN = struct.Struct(PLANNED.format)
LIES = {
    "a_span_behind_the_end": cuts(RECORD.pack(0, len(wav()) + 1)),
    "a_span_backwards": cuts(RECORD.pack(20, 10)),
    "an_empty_span": cuts(RECORD.pack(20, 20)),
    "half_a_record": cuts(RECORD.pack(0, 10)[:7]),
    "no_records": cuts(),
    "a_literal_longer_than_its_frame": cuts(RECORD.pack(LITERAL_MARK, 100), b"short"),
    "a_literal_too_long": cuts(RECORD.pack(LITERAL_MARK, 1 << 17), bytes(1 << 17)),
    "an_unknown_format": bytes([Say.PLANNED]) + PLAN.pack(200, 0, 0, 0, 0, 0),
    "a_size_that_was_not_sent": bytes([Say.PLANNED]) + PLAN.pack(0, 5, 0, 0, 0, 0),
    "findings_that_do_not_add_up": bytes([Say.PLANNED]) + PLAN.pack(0, 0, 0, 0, 3, 0),
    "an_unknown_kind": bytes([Say.PLANNED]) + PLAN.pack(0, 0, 0, 0, 1, 0) + b"\xff\1\0\0\0",
    "an_answer_cut_short": bytes([Say.PLANNED]) + b"\0\0",
    "a_proof_without_being_asked": bytes([Say.PROVED]) + bytes(17),
    "an_order": bytes([Say.ORDER]) + bytes(40),
    "a_refusal_in_foreign_words": bytes([Say.REFUSED]) + REFUSED.pack(3, 0) + b"\x1b[31mKeller",
    "that_the_machine_has_no_sandbox": bytes([Say.REFUSED])
    + REFUSED.pack(REASONS.index("sandbox_unavailable"), 0)
    + b"Landlock",
    "an_unknown_reason": bytes([Say.REFUSED]) + REFUSED.pack(99, 0),
    "a_refusal_cut_short": bytes([Say.REFUSED]) + b"\0",
    "an_endless_frame": b"\0" + struct.pack("<BI", Say.CUTS, 0xFFFFFFFF),
    "half_a_frame": b"\0" + b"\2\1",
    "nothing": b"\0",
}


class TestLies:
    @pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
    def test_a_worker_that_says_it_is_not_believed(self, lying: Zygote, lie: bytes) -> None:
        with pytest.raises(WorkerFailed):
            served(lying, lie)

    def test_a_cut_list_that_grows_without_end_is_stopped(self) -> None:
        growing = CutList(io.BytesIO(), within=1 << 20)

        with pytest.raises(WorkerFailed):
            growing.extend(RECORD.pack(0, 1 << 20) * 128)
