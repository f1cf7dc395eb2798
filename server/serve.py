"""Run the drop: start its helpers, listen, and stop cleanly."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from server.admission import Admission, Room
from server.anew import Wish, begin_anew, handed_over
from server.app import build_app
from server.config import Config, Connections, Engine
from server.connections import OpenConnections, allow_descriptors
from server.cores import leave_no_core
from server.deriving import Deriver, read_salt
from server.events import DutyFailed, NotStarted, ScrubbingUnfenced, Started, Stopped
from server.journal import Journal, silence_libraries
from server.listening import Protocol, listen
from server.newsroom import Keyring, keyring_of
from server.nights import sweep_nightly, told_apart
from server.pages.parts import ADMISSION, IDLING, SESSIONS, STOPPING, TAKING
from server.pipeline import Parts
from server.room import room_of
from server.running import lock
from server.scrubbing import Scrubber
from server.sealing import Sealer
from server.sessions import Sessions
from server.spool import Spool
from server.staff.checks.starting import clock_fit, folders_fit, newsroom_fit, read_logo
from server.staff.emergency.lockdown import locked_down
from server.staff.mail.alerts import Alerts
from server.staff.overview.told import tell_daily
from server.stopping import Stopping
from server.store import Store
from server.store.opening import open_store
from server.store.ours import ours_only
from server.taking import Taking
from server.watch import watch

_LAST_PAGES_SECONDS: Final = 5
_FORGET_SECONDS: Final = 60
_LOOK_SECONDS: Final = 5
_MOST_THREADS: Final = 32


def utc_now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


def serve(
    folder: Path,
    config: Config,
    *,
    fd: int | None = None,
    counted: int | None = None,
    listening: Callable[[str], None],
) -> None:
    """Run the drop that lives in `folder` until SIGTERM or SIGINT.

    `fd` is a socket that listens already, if somebody made one; on SIGHUP the drop then begins anew
    when nobody is here, and reads from `counted` what it had counted. `listening` is told the
    address once pages are answered. Raises NotFit, SettingsRefused, GpgFailed, SandboxUnavailable
    when it may not start.
    """
    leave_no_core()
    os.umask(0o077)
    allow_descriptors(config.connections.max_open)
    before = None if counted is None else handed_over(counted)
    counts = asyncio.run(_serve(folder, config, fd, before, listening))
    if counts is not None and fd is not None:
        begin_anew(counts, keep=fd)


async def _serve(
    folder: Path,
    config: Config,
    fd: int | None,
    before: Mapping[str, int] | None,
    listening: Callable[[str], None],
) -> Mapping[str, int] | None:
    """Run it; return what was counted where it is to begin anew. It was so if there is a `before`.

    Then nothing says that it ended and begins: the time would be all that it told.
    """
    # Threads are made as they are needed; a waiting upload must never wait for a sealing one.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_MOST_THREADS))
    journal = Journal(before)
    wish = Wish()
    alerts = Alerts(folder, config, journal, now=utc_now)
    async with AsyncExitStack() as stack:
        stack.callback(os.close, lock(folder))
        beginning = await stack.enter_async_context(AsyncExitStack())
        beginning.push_async_exit(partial(_alert_of_no_start, journal, alerts))
        folders_fit(folder, config)
        clock_fit(folder / config.places.receipts, utc_now().date())
        # The sandbox is started before anything else, so there is nothing yet that it could hold.
        work = config.work
        scrubber = Scrubber(
            at_once=work.scrubs_at_once,
            unfenced=work.unfenced_scrubbing,
            findings=config.newsroom.findings,
        )
        stack.callback(scrubber.close)
        keyring = keyring_of(folder, config)
        newsroom = newsroom_fit(keyring, now=utc_now())
        salt = read_salt(folder / config.credentials.salt)
        deriver = Deriver(salt)
        stack.callback(deriver.close)
        silence_libraries(journal)
        store = await stack.enter_async_context(open_store(folder, config))
        await ours_only(store, salt)
        parts = _parts(folder, config, scrubber, keyring, store)
        app = _app(folder, config, parts, deriver, journal)
        runner = web.AppRunner(app, shutdown_timeout=_LAST_PAGES_SECONDS)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        begins_anew = _begin_anew(wish, app)
        for duty in (*_duties(folder, config, app, journal, alerts, keyring, store), begins_anew):
            stack.callback(asyncio.create_task(_kept_up(duty, journal)).cancel)
        listener, address = await listen(
            _protocol(runner, config.connections), folder, config.listen, fd=fd
        )
        stack.callback(listener.close)
        _heed_signals(wish, app[STOPPING], anew=fd is not None)
        if before is None:
            journal.tell(Started(len(newsroom.keys)))
        if work.unfenced_scrubbing:
            journal.tell(ScrubbingUnfenced())
        beginning.pop_all()
        if before is None:
            listening(address)
        await app[STOPPING].over()
        # Whatever still runs hangs, or takes too long; whoever waits for it would hold us.
        keyring.gpg.end()
        scrubber.end()
    if wish.granted:
        return journal.counted()
    journal.tell(Stopped())
    return None


def _app(
    folder: Path, config: Config, parts: Parts, deriver: Deriver, journal: Journal
) -> web.Application:
    return build_app(
        config,
        parts=parts,
        deriver=deriver,
        journal=journal,
        now=utc_now,
        logo=read_logo(folder, config.newsroom),
        room=_room(folder, config),
        taking=Taking(partial(locked_down, folder)),
    )


def _heed_signals(wish: Wish, stopping: Stopping, *, anew: bool) -> None:
    """Have SIGTERM and SIGINT stop the drop, and SIGHUP begin it anew where that can be done."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, wish, stopping)
    if anew:  # else a terminal that is closed sends it, and means the end
        loop.add_signal_handler(signal.SIGHUP, wish.tell)


def _stop(wish: Wish, stopping: Stopping) -> None:
    """End, for good."""
    wish.take_back()
    stopping.tell()


async def _begin_anew(wish: Wish, app: web.Application) -> None:
    """End once it is wished that the drop begins anew, and nobody is here."""
    await wish.wait(partial(_nobody_is_here, app))
    app[STOPPING].tell()


def _nobody_is_here(app: web.Application, quiet_seconds: float) -> bool:
    stopping = app[STOPPING]
    return not (stopping.begun or stopping.sends) and app[IDLING].lasts(quiet_seconds)


def _duties(
    folder: Path,
    config: Config,
    app: web.Application,
    journal: Journal,
    alerts: Alerts,
    keyring: Keyring,
    store: Store,
) -> tuple[Coroutine[None, None, None], ...]:
    """Return what goes on by itself, by the clock, until the drop stops."""
    receipts = folder / config.places.receipts
    in_use = partial(_is_in_use, app[SESSIONS])
    return (
        tell_daily(
            journal,
            receipts,
            config.logs.tell_at_hour_utc,
            now=utc_now,
            by_another=told_apart(config),
        ),
        watch(folder, config, keyring, journal, now=utc_now),
        alerts.alert(),
        _forget_idle(app[SESSIONS]),
        _end_slow(app[ADMISSION]),
        app[TAKING].watch(app[STOPPING], journal),
        sweep_nightly(folder, config, store, journal, in_use=in_use, now=utc_now),
    )


def _room(folder: Path, config: Config) -> Callable[[], Room]:
    """Return how to see what is free: of an engine elsewhere nobody here can say."""
    is_here = config.store.engine is Engine.FOLDER
    store = folder / config.places.store if is_here else None
    return partial(room_of, folder / config.places.spool, store)


def _parts(
    folder: Path, config: Config, scrubber: Scrubber, keyring: Keyring, store: Store
) -> Parts:
    spool = Spool(folder / config.places.spool)
    sealer = Sealer(
        keyring,
        at_once=config.work.seals_at_once,
        limit_seconds=config.work.seal_limit_seconds,
        now=utc_now,
    )
    return Parts(spool, scrubber, sealer, store)


def _protocol(runner: web.AppRunner, limits: Connections) -> Callable[[int | None], Protocol]:
    """Return what begins each connection, with a place among all of them."""
    server = runner.server
    assert server is not None
    room = OpenConnections(
        most=limits.max_open,
        most_per_circuit=limits.max_open_per_circuit,
        most_refused=limits.max_refused,
    )
    return lambda circuit: Protocol(server, room=room, limits=limits, circuit=circuit)


def _is_in_use(sessions: Sessions, mailbox: str) -> bool:
    return bytes.fromhex(mailbox) in sessions.mailboxes()


async def _kept_up(duty: Awaitable[None], journal: Journal) -> None:
    """Do it; that it ended in an error would be known to nobody."""
    try:
        await duty
    except Exception:  # noqa: BLE001  the edge: a source may have caused it, so it is counted
        journal.count(DutyFailed())


async def _forget_idle(sessions: Sessions) -> None:
    """Forget idle visits, and what reads in them, also when nobody comes by."""
    while True:
        await asyncio.sleep(_FORGET_SECONDS)
        sessions.forget_idle()


async def _end_slow(admission: Admission) -> None:
    """End what brings too little, and would hold its place for nothing."""
    while True:
        await asyncio.sleep(min(_LOOK_SECONDS, admission.limits.slow_after_seconds / 10))
        admission.end_slow()


async def _alert_of_no_start(
    journal: Journal, alerts: Alerts, _kind: object, failure: BaseException | None, _trace: object
) -> None:
    """Alert staff of a drop that is not fit to start; not of one that a person broke off."""
    if isinstance(failure, Exception):
        journal.tell(NotStarted())
        await alerts.put_waiting()
