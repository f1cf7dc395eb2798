"""tapedrop-intake: the desk's command line; a file per verb, and one table of exit codes."""

import os
import resource
import sys
from pathlib import Path

import click

from intake.cli.chapters import Chapters
from intake.cli.completion import SHELLS, script
from intake.cli.exits import NEEDS_A_PERSON, USAGE, exit_code
from intake.cli.talk import PROGRAM, complain, say_error

_EPILOG = """\b
Exit: 0 done; 1 done, but something needs a person; 2 usage;
3 refused: not verified; 4 no key opens it; 5 this machine is not fit.

\b
Example:
  $ tapedrop-intake init desk --server server.json --key 5B0C…91F2
  $ tapedrop-intake --desk desk import /media/stick
  $ tapedrop-intake --desk desk open --all
  $ tapedrop-intake --desk desk list
"""


def _print_completion(context: click.Context, _option: click.Parameter, shell: str | None) -> None:
    if shell is not None and not context.resilient_parsing:
        assert isinstance(context.command, click.Group)
        click.echo(script(shell, context.command, PROGRAM))
        context.exit()


@click.group(
    cls=Chapters,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="VERB …",
)
@click.option("--desk", metavar="DIR", type=click.Path(path_type=Path), help="The desk's folder.")
@click.option("--completion", metavar="SHELL", type=click.Choice(SHELLS), expose_value=False,
              is_eager=True, callback=_print_completion,
              help="Print what bash, zsh or fish reads to complete what is typed.")  # fmt: skip
def verbs(desk: Path | None) -> None:
    """Import, open and answer what sources sent, offline."""


def main() -> None:
    """Run one verb and exit with its code."""
    os.umask(0o077)
    # Keys and recordings are in this process's memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one verb; return its exit code."""
    try:
        # Without standalone mode, click lets a verb's own return value through.
        return int(verbs.main(arguments, prog_name=PROGRAM, standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        message = error.format_message().rstrip(".")
        say_error(message[:1].lower() + message[1:], f"{path} --help")
        return USAGE
    except click.ClickException as error:
        say_error(error.format_message())
        return USAGE
    except click.Abort:
        say_error("stopped; what was not finished was taken back")
        return NEEDS_A_PERSON
    except Exception as error:  # noqa: BLE001  a traceback could hold what a source sent
        complain(error)
        return exit_code(error)
