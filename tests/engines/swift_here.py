"""Run OpenStack Swift with its S3 API in one process: usage: swift_here.py FOLDER

Debian's Swift, so Debian's Python. Account, container and object server and the proxy share an
event loop; one device, one replica, no cache. Prints the proxy's port once it listens, and ends
when its input does.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import eventlet

eventlet.monkey_patch()

import eventlet.wsgi  # noqa: E402
from swift.common import utils  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.storage_policy import reload_storage_policies  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

KINDS = ("account", "container", "object")
PROXY = """
[DEFAULT]
swift_dir = {folder}
log_address = /nowhere
log_udp_host =
log_level = CRITICAL
conn_timeout = 30
node_timeout = 60
error_suppression_limit = 1000000
[pipeline:main]
pipeline = catch_errors listing_formats s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
min_segment_size = 1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""
SERVER = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
log_level = CRITICAL
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
conn_timeout = 30
node_timeout = 60
container_update_timeout = 30
"""


class Cache:
    """What Swift asks of memcached, for one process."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[object, float]] = {}

    def get(self, key: str, **_: object) -> object:
        """Return what was set, or nothing."""
        value, ends = self._held.get(key, (None, 0.0))
        return value if monotonic() < ends else None

    def set(self, key: str, value: object, time: float = 0, **_: object) -> None:
        """Hold it for a while."""
        self._held[key] = (value, monotonic() + (time or 60))

    def delete(self, key: str, **_: object) -> None:
        """Forget it."""
        self._held.pop(key, None)


def with_cache(app: Callable[..., object], cache: Cache) -> Callable[..., object]:
    """Return the application with a cache at hand."""

    def answer(environ: dict[str, object], start: object) -> object:
        environ["swift.cache"] = cache
        return app(environ, start)

    return answer


def main() -> None:
    """Lay out one node below the folder and serve it until the input ends."""
    folder = Path(sys.argv[1])
    (folder / "devices/one").mkdir(parents=True)
    hashing = "[swift-hash]\nswift_hash_path_suffix = here\n"
    (folder / "swift.conf").write_text(f"{hashing}[storage-policy:0]\nname = one\ndefault = yes\n")
    utils.SWIFT_CONF_FILE = str(folder / "swift.conf")
    utils.validate_hash_conf()
    reload_storage_policies()
    listening = {kind: eventlet.listen(("127.0.0.1", 0), backlog=512) for kind in (*KINDS, "proxy")}
    for kind in KINDS:
        builder = RingBuilder(4, 1, 0)
        builder.add_dev(
            {
                "region": 1,
                "zone": 1,
                "ip": "127.0.0.1",
                "port": listening[kind].getsockname()[1],
                "device": "one",
                "weight": 1,
            }
        )
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{kind}.ring.gz"))
    cache = Cache()
    for kind, listener in listening.items():
        settings = folder / f"{kind}.conf"
        settings.write_text((PROXY if kind == "proxy" else SERVER).format(folder=folder, kind=kind))
        app = loadapp(str(settings), global_conf={"log_name": kind})
        eventlet.spawn(
            eventlet.wsgi.server,
            listener,
            with_cache(app, cache),
            log_output=False,
            protocol=SwiftHttpProtocol,
            custom_pool=eventlet.GreenPool(512),
        )
    print(  # noqa: T201
        listening["proxy"].getsockname()[1], flush=True
    )
    eventlet.tpool.execute(sys.stdin.read)


if __name__ == "__main__":
    main()
