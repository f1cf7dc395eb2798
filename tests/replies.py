"""A source who sends, and replies without a desk: put where `replies import` puts them."""

import asyncio
from pathlib import Path

from drops import Serving

from crypto.codename import SourceKeys, codename_from, derive
from crypto.reply import Reply, public_key_of, seal_reply
from server.config import read_config
from server.store import random_name, small
from server.store.opening import open_store


def sent(serving: Serving, *recordings: Path, message: str = "") -> str:
    """Send as a new source; return the codename."""
    browser = serving.visit()
    codename = browser.get("/codename").texts("ol", "codename")[0]
    form = browser.get("/send")
    browser.post(form.form, form.fields | {"message": message}, list(recordings))
    return codename


def reply_to(serving: Serving, codename: str, text: str, *, day: str = "2026-11-20") -> str:
    """Put a reply into the store; return its name."""
    keys, name = keys_of(serving, codename), random_name()
    to = public_key_of(keys.reply_seed)
    sealed = seal_reply(Reply(day, text), to=to, mailbox_id=keys.mailbox_id, name=name)
    path = f"replies/{keys.mailbox_id.hex()}/{name}"

    async def put() -> None:
        async with open_store(serving.drop.folder, read_config(serving.drop.config)) as store:
            await store.put(path, small(sealed))

    asyncio.run(put())
    return name


def keys_of(serving: Serving, codename: str) -> SourceKeys:
    """Return a codename's keys at this drop."""
    salt = (serving.drop.folder / "credentials/salt").read_bytes()
    return derive(codename_from(codename), salt)
