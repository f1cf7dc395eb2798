"""tapedrop-server: what security staff type. A file per verb; errors become words here."""

import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click

from crypto.errors import (
    BadBag,
    BadKeyList,
    CryptoError,
    KeyRefused,
    NewerVersion,
    NoKeyOpens,
    NoUsableKey,
    PinRefused,
    Tampered,
    WrongSignature,
)
from scrub import SandboxUnavailable
from server.cli.chapters import Chapters
from server.cli.talk import PROGRAM, note
from server.errors import (
    BadBackup,
    NotConfirmed,
    NotFit,
    NotPaired,
    NotSigned,
    ServerError,
    SettingsRefused,
    WrongUser,
)

_EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (SettingsRefused, 2),
    (WrongUser, 2),
    (KeyRefused, 3),
    (NewerVersion, 3),
    (BadBag, 3),
    (BadKeyList, 3),
    (WrongSignature, 3),
    (NotPaired, 3),
    (NotSigned, 3),
    (NotConfirmed, 3),
    (BadBackup, 3),
    (NoKeyOpens, 3),
    (PinRefused, 3),
    (Tampered, 3),
    (NotFit, 5),
    (NoUsableKey, 5),
    (SandboxUnavailable, 5),
    (ServerError, 1),
    (CryptoError, 1),
)
"""0 done · 1 needs a person · 2 usage · 3 refused, or not confirmed · 5 this machine is not fit."""


@click.group(
    cls=Chapters,
    subcommand_metavar="VERB …",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example: the first day of an installed drop, then an export day
  tapedrop-server pair --to /media/stick/server.json
  tapedrop-server pair /media/stick/pairing.json
  tapedrop-server check
  systemctl enable --now tapedrop.target
  tapedrop-server export --to /media/stick

Exit codes: 0 done, 1 needs a person, 2 usage, 3 refused (not verified, or not
confirmed), 5 this machine is not fit.
""",
)
def commands() -> None:
    """Run a drop: take recordings in, seal them to the newsroom, carry them out.

    Meant is the one in /var/lib/tapedrop, or where there is none, the drop in this folder;
    --config FILE means another. docs/operator.md is the guide.
    """


def main() -> NoReturn:
    """Run the command line; every error is a sentence, a hint, and an exit code.

    A verb may return an exit code of its own.
    """
    try:
        # Without standalone mode, click lets what a verb returns through.
        sys.exit(int(commands.main(prog_name=PROGRAM, standalone_mode=False) or 0))
    except click.exceptions.Abort:
        _say("stopped")
        sys.exit(1)
    except click.ClickException as error:
        _say_usage(error)
        sys.exit(2)
    except NotFit as error:
        for problem in error.problems:
            _say(problem)
        sys.exit(5)
    except (ServerError, CryptoError, SandboxUnavailable) as error:
        _say(str(error))
        if hint := getattr(error, "hint", ""):
            note(f"hint: {hint}")
        sys.exit(next(code for kind, code in _EXIT_CODES if isinstance(error, kind)))
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror}")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  a traceback could hold what a source sent
        _say(f"this is a fault of ours: {_where(error)}")
        note("hint: tell us these words; they hold nothing of yours, or of a source")
        sys.exit(1)


def _say_usage(error: click.ClickException) -> None:
    """Say what was typed wrongly, and where to read how it is typed."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    message = error.format_message().rstrip(".")
    _say(message[:1].lower() + message[1:])
    if isinstance(error, click.UsageError) and error.ctx:
        note(f"hint: {error.ctx.command_path} --help")


def _where(error: Exception) -> str:
    """Say of which kind a fault is and where in the code it came up, and nothing of what it met."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


def _say(what: str) -> None:
    note(f"error: {what}")
