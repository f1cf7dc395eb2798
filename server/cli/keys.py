"""tapedrop-server keys: whom recordings are sealed to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from crypto.errors import KeyRefused
from crypto.gpg import Gpg
from crypto.newsroom import NewsroomKey, add_keys, read_newsroom
from server.cli.options import answer, config_option, drop_at, json_option
from server.errors import NotFit

_LARGEST = 1024 * 1024


@click.group("keys")
def command() -> None:
    """The newsroom's public keys."""


@command.command(
    "add",
    epilog="""\b
Example: the key that a reporter gave you
  tapedrop-server keys add newsroom.asc --config /srv/drop/tapedrop.toml
""",
)
@click.argument("file", type=click.File("rb"))
@config_option
@json_option
def add(file: BinaryIO, config_file: Path, as_json: bool) -> None:
    """Add the public keys in FILE. Compare the fingerprint over another channel."""
    folder, config = drop_at(config_file)
    exported = file.read(_LARGEST + 1)
    if len(exported) > _LARGEST:
        raise KeyRefused("too large for a key")
    keys = add_keys(Gpg(folder / config.newsroom.keyring), exported, now=datetime.now(UTC))
    _tell(keys, as_json=as_json)


@command.command(
    "list",
    epilog="""\b
Example:
  tapedrop-server keys list --config /srv/drop/tapedrop.toml
""",
)
@config_option
@json_option
def show(config_file: Path, as_json: bool) -> None:
    """List the keys, and what is wrong with any: exit 3 then, and 5 when there is none."""
    folder, config = drop_at(config_file)
    newsroom = read_newsroom(Gpg(folder / config.newsroom.keyring), now=datetime.now(UTC))
    _tell(newsroom.keys, as_json=as_json)
    if not newsroom.keys:
        raise NotFit(["the newsroom has no key; add one with: tapedrop-server keys add FILE.asc"])
    if newsroom.problems:
        raise KeyRefused("; ".join(newsroom.problems))


def _tell(keys: tuple[NewsroomKey, ...], *, as_json: bool) -> None:
    said = [
        {
            "fingerprint": key.fingerprint,
            "name": key.name,
            "expires": _day(key),
            "problem": key.problem,
        }
        for key in keys
    ]
    lines = [
        f"{_spaced(key.fingerprint)}  {key.name}  {_until(key)}{key.problem and ': ' + key.problem}"
        for key in keys
    ]
    answer({"keys": said}, lines, as_json=as_json)


def _day(key: NewsroomKey) -> str | None:
    if key.expires is None:
        return None
    return datetime.fromtimestamp(key.expires, UTC).date().isoformat()


def _until(key: NewsroomKey) -> str:
    return f"until {_day(key)}" if key.expires is not None else "never expires"


def _spaced(fingerprint: str) -> str:
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))
