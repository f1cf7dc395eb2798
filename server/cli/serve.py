"""tapedrop-server serve: take recordings in."""

import sys
from pathlib import Path
from typing import Final

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import note, warn
from server.staff.emergency.lockdown import locked_down

UNFENCED: Final = (
    "warning: recordings are read WITHOUT A SANDBOX: one of them can take this drop over",
    "hint: take unfenced_scrubbing out of the configuration; no source may use this drop",
)


@click.command(
    "serve",
    epilog="""\b
Example: until Ctrl-C, or until systemd stops it
  tapedrop-server serve
""",
)
@click.option(
    "--credentials",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where the secrets that it needs were put for it: systemd's LoadCredential=.",
)
@click.option(
    "--fd",
    type=click.IntRange(3),
    help="A socket that listens already: systemd's units begin at 3.",
)
@click.option("--counted", type=click.IntRange(3), hidden=True)  # server/anew.py
@config_option
@json_option
def command(
    config_file: Path,
    credentials: Path | None,
    fd: int | None,
    counted: int | None,
    as_json: bool,
) -> None:
    """Run the drop until it is told to stop.

    Refuses to start without a usable newsroom key, with an expired or revoked one, or with a
    secret key in its keyring, and says which.
    """
    # Imported here, because the other verbs have no use for a web server.
    from server.serve import serve

    def listening(address: str) -> None:
        answer({"listening": address}, [f"listening: {address}"], as_json=as_json)
        sys.stdout.flush()

    folder, config = drop_at(config_file)
    if credentials is not None:
        config = config.with_secrets_in(credentials)
    if locked_down(folder):
        warn("it is locked down, and takes nothing; later: tapedrop-server unlock")
    if config.work.unfenced_scrubbing:
        for line in UNFENCED:
            note(line)
    serve(folder, config, fd=fd, counted=counted, listening=listening)
