"""tapedrop-server landing: a page for the newsroom's own website."""

from datetime import UTC, datetime
from pathlib import Path

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import counted, note
from server.config import Config, Findings
from server.errors import NotFit, SettingsRefused
from server.i18n import ENGLISH, languages
from server.newsroom import newsroom_of
from server.staff.checks.starting import NO_KEY, read_logo
from server.staff.landing.folder import write
from server.staff.landing.pages import Landing, pages_of


@click.command(
    "landing",
    short_help="Write a page for the newsroom's website.",
    epilog="""\b
Example: for a website whose readers speak Spanish
  tapedrop-server landing --to /media/stick/recording --language es
""",
)
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder; a new one, or the one of a former page.",
)
@click.option(
    "--language",
    "first",
    metavar="TAG",
    default=ENGLISH,
    show_default=True,
    help="The language of index.html; all others are a link away.",
)
@config_option
@json_option
def command(to: Path, first: str, config_file: Path, as_json: bool) -> None:
    """Write a page that tells sources how to reach the drop, in all languages, without scripts.

    It is for the newsroom's own website: docs/landing.md says how to put it there. Write it again
    when the address, the name, the logo or a key has changed.
    """
    if first not in languages():
        known = ", ".join(sorted(languages()))
        raise click.BadParameter(f"we speak {known}", param_hint="--language")
    landing = _landing(*drop_at(config_file))
    changed = write(to, pages_of(landing, first=first))
    said = {
        "folder": str(to),
        "onion": f"http://{landing.host}",
        "languages": sorted(languages()),
        "fingerprints": list(landing.fingerprints),
        "changed": changed,
    }
    wrote = f"{counted(changed, 'file')} written" if changed else "nothing has changed"
    answer(said, [f"{wrote}: {to}", f"address: http://{landing.host}"], as_json=as_json)
    if changed:
        note("next: put all of it on your website, as docs/landing.md says, and look at it there")


def _landing(folder: Path, config: Config) -> Landing:
    """Return what the page tells. Raises SettingsRefused, NotFit, and what reading keys raises."""
    if not config.tor.onion:
        hint = "write the address into the settings, below [tor]: it is in tor's file hostname"
        raise SettingsRefused(
            "tor.onion is not set, and a page without an address is none", hint=hint
        )
    usable = newsroom_of(folder, config, now=datetime.now(UTC)).usable
    if not usable:
        raise NotFit([NO_KEY])
    return Landing(
        newsroom=config.newsroom.name,
        host=config.tor.onion.removeprefix("http://"),
        fingerprints=tuple(sorted(key.fingerprint for key in usable)),
        logo=read_logo(folder, config.newsroom),
        values_kept=config.newsroom.findings is Findings.VALUES,
    )
