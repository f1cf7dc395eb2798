"""tapedrop-server: what security staff type. A file per verb; errors become words here."""

import sys
from typing import NoReturn

import click

from crypto.errors import BadBag, CryptoError, KeyRefused, NoUsableKey, WrongSignature
from scrub import SandboxUnavailable
from server.cli import export, init, keys, pair, receipts, replies, serve, sweep
from server.cli.talk import PROGRAM, note
from server.errors import NotConfirmed, NotFit, NotPaired, ServerError, SettingsRefused

_EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (SettingsRefused, 2),
    (KeyRefused, 3),
    (BadBag, 3),
    (WrongSignature, 3),
    (NotPaired, 3),
    (NotConfirmed, 3),
    (NotFit, 5),
    (NoUsableKey, 5),
    (SandboxUnavailable, 5),
    (ServerError, 1),
    (CryptoError, 1),
)
"""0 done · 1 needs a person · 2 usage · 3 refused, or not confirmed · 5 this machine is not fit."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example: a drop that listens on loopback, to try it out
  tapedrop-server init drop
  tapedrop-server keys add newsroom.asc --config drop/tapedrop.toml
  tapedrop-server serve --config drop/tapedrop.toml
  tapedrop-server export --to /media/stick --config drop/tapedrop.toml

Exit codes: 0 done, 1 needs a person, 2 usage, 3 refused (not verified, or not
confirmed), 5 this machine is not fit.
""",
)
def commands() -> None:
    """Run a drop: take recordings in, seal them to the newsroom, carry them out."""


for verb in (init, keys, serve, pair, export, receipts, replies, sweep):
    commands.add_command(verb.command)


def main() -> NoReturn:
    """Run the command line; every error is a sentence, a hint, and an exit code."""
    try:
        commands.main(prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.Abort:
        _say("stopped")
        sys.exit(1)
    except click.ClickException as error:
        _say(error.format_message())
        sys.exit(2)
    except NotFit as error:
        for problem in error.problems:
            _say(problem)
        sys.exit(5)
    except (ServerError, CryptoError, SandboxUnavailable) as error:
        _say(str(error))
        if isinstance(error, SettingsRefused) and error.hint:
            note(f"hint: {error.hint}")
        sys.exit(next(code for kind, code in _EXIT_CODES if isinstance(error, kind)))
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror}")
        sys.exit(1)
    sys.exit(0)


def _say(what: str) -> None:
    note(f"error: {what}")
