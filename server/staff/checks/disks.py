"""The disks of a drop: room for what comes, and a file system that keeps it and forgets it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from server.config import Engine
from server.room import room_of
from server.staff.checks import Answer, Answers, Ground, fail, look, ok
from server.staff.checks.devices import Mount, is_encrypted, mount_of

_IN_MEMORY: Final = {"tmpfs", "ramfs", "devtmpfs"}
_WITH_SNAPSHOTS: Final = {"btrfs", "zfs", "bcachefs", "nilfs2"}
_CAN_EXCHANGE: Final = {"ext4", "xfs", "btrfs", "f2fs", "tmpfs", "overlay", "bcachefs"}


def disk(ground: Ground) -> Answers:
    """Uploads are refused before the disk is full: `[admission]`."""
    limits, places = ground.config.admission, ground.config.places
    store = ground.at(places.store) if ground.config.store.engine is Engine.FOLDER else None
    room = room_of(ground.at(places.spool), store)
    found = {"spool": (room.spool, limits.spool_floor_bytes)}
    if store is not None:
        found["store"] = (room.store, limits.store_floor_bytes)
    for name, (free, floor) in found.items():
        largest = ground.config.limits.max_visit_bytes
        if free is None:
            yield look(f"nobody can say how much room the {name} has", "see that it is there")
        elif free < floor + limits.reserved_room_bytes:
            todo = "carry drops out, have them opened, and sweep; or give it a larger disk"
            yield fail(f"no room for the {name}: newcomers are asked to come back later", todo)
        elif free < floor + limits.reserved_room_bytes + largest:
            todo = "a larger disk; or set limits.max_visit_bytes to what it can hold"
            yield look(f"the largest form does not fit the {name} just now", todo)
        else:
            yield ok(f"there is room for the {name}")


def file_systems(ground: Ground) -> Answers:
    """What is kept outlasts a power cut; what is deleted is not in a snapshot."""
    places = ground.config.places
    if ground.config.store.engine is Engine.FOLDER:
        yield from _of_store(ground, ground.at(places.store))
    mount = mount_of(ground, ground.at(places.spool))
    if mount is not None and mount.kind in _IN_MEMORY:
        todo = "put places.spool on a disk: what is there is encrypted"
        yield look("the spool lies in memory: large recordings will fill it", todo)
    else:
        yield ok(f"the spool lies on {mount.kind if mount else 'what the kernel does not name'}")


def _of_store(ground: Ground, store: Path) -> Iterator[Answer]:
    mount = mount_of(ground, store)
    if mount is None:
        todo = "see yourself: ext4 or XFS, and no snapshots"
        yield look("the kernel does not tell what the store lies on", todo)
        return
    answers = list(_against(ground, mount, store))
    yield from answers
    if not answers:
        yield ok(f"the store lies on {mount.kind}, encrypted")


def _against(ground: Ground, mount: Mount, store: Path) -> Iterator[Answer]:
    """Yield what speaks against a file system for the store."""
    if mount.kind in _IN_MEMORY:
        todo = "put places.store on a disk, before a source is told that we have anything"
        yield fail("the store lies in memory: it is gone when the machine is turned off", todo)
        return
    if mount.kind not in _CAN_EXCHANGE:
        todo = "take ext4, XFS, Btrfs or F2FS: the drop tries it when it starts"
        yield look(f"{mount.kind} may not know what the nightly rewrite needs", todo)
    if mount.kind in _WITH_SNAPSHOTS:
        kept = _snapshots(mount.at, store)
        seen = f", and there are some: {kept}" if kept else ""
        todo = "make none of the store: what is deleted would stay in them"
        yield look(f"{mount.kind} can keep snapshots{seen}", todo)
    if not is_encrypted(ground, mount.device):
        todo = "encrypt it (LUKS): what the day still knows is on it, and who takes it reads that"
        yield look("the store's disk is not seen to be encrypted", todo)


def _snapshots(*places: Path) -> str:
    """Return the folders in which file systems and their tools usually show snapshots."""
    names = [place / name for place in places for name in (".snapshots", ".zfs/snapshot")]
    return ", ".join(str(path) for path in dict.fromkeys(names) if path.is_dir())
