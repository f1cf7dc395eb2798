"""The disks of a drop: room for what comes, and a file system that keeps it and forgets it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from server.config import Engine
from server.room import room_of
from server.staff.checks import Answer, Answers, Ground, fail, look, ok
from server.staff.checks.devices import is_encrypted, mount_of

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
    """What is kept lies on an encrypted disk and outlasts a power cut; what is deleted is gone."""
    places = ground.config.places
    answers = [*_of_spool(ground, ground.at(places.spool)), *_encryption(ground)]
    if ground.config.store.engine is Engine.FOLDER:
        answers = [*_of_store(ground, ground.at(places.store)), *answers]
    yield from answers
    if not answers:
        yield ok("what the drop keeps lies on an encrypted disk")


def _of_spool(ground: Ground, spool: Path) -> Iterator[Answer]:
    mount = mount_of(ground, spool)
    if mount is not None and mount.kind in _IN_MEMORY:
        todo = "put places.spool on a disk: what is there is encrypted"
        yield look("the spool lies in memory: large recordings will fill it", todo)


def _of_store(ground: Ground, store: Path) -> Iterator[Answer]:
    """Yield what speaks against a file system for the store."""
    mount = mount_of(ground, store)
    if mount is None:
        return  # said where encryption is looked for
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


def _encryption(ground: Ground) -> Iterator[Answer]:
    """Yield which of the drop's places are not seen to be encrypted. In memory nothing stays."""
    plain, unseen = [], []
    for name, place in _places(ground).items():
        mount = mount_of(ground, place)
        if mount is None:
            unseen.append(name)
        elif mount.kind not in _IN_MEMORY and not is_encrypted(ground, mount.device):
            plain.append(name)
    if unseen:
        todo = "see yourself: LUKS, ext4 or XFS, and no snapshots"
        yield look(f"the kernel does not tell what holds {_listed(unseen)}", todo)
    if plain:
        todo = (
            "install the machine on an encrypted disk (LUKS), or move the folder to one: who takes "
            "the disk has the drop's secrets, and destroy can't erase them"
        )
        yield fail(f"the disk is not seen to be encrypted that holds {_listed(plain)}", todo)


def _places(ground: Ground) -> dict[str, Path]:
    places = ground.config.places
    found = {"the drop's folder": ground.folder, "the spool": ground.at(places.spool)}
    if ground.config.store.engine is Engine.FOLDER:
        found["the store"] = ground.at(places.store)
    return found


def _listed(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _snapshots(*places: Path) -> str:
    """Return the folders in which file systems and their tools usually show snapshots."""
    names = [place / name for place in places for name in (".snapshots", ".zfs/snapshot")]
    return ", ".join(str(path) for path in dict.fromkeys(names) if path.is_dir())
