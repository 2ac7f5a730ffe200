"""The `ddcompile` command: finds the subcommands and turns every failure into its exit code and message.

| exit code | means |
|---|---|
| 0 | fine |
| 1 | the input is at fault: `file:line:col: error[CODE]: ...` on stderr; or `verify`, `check` found a difference |
| 2 | the command line is at fault |
| 70 | a bug of ours; the program is in the file that the message names |
| 130, 141 | interrupted; the reader of the output went away |
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

import ddcompile
from ddcompile.cli.failures import Exit, report_bug, report_usage, status_of
from ddcompile.diagnostics import CompileError

__all__ = ["main"]

_COMMANDS = (
    *("learn", "distill", "inspect", "opt", "generalize", "emit", "run", "verify", "check"),
    *("explain", "passes", "targets", "demo"),
)


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"ddcompile.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(ddcompile.__version__, prog_name="ddcompile", message="%(prog)s %(version)s")
def _ddcompile() -> None:
    """Compile trained networks to short, readable, proved rules, and run them anywhere."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _ddcompile.make_context("ddcompile", given) as context:
            status = _ddcompile.invoke(context)
        sys.stdout.flush()
        return status if isinstance(status, int) else Exit.FINE
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        return report_usage(error)
    except CompileError as error:
        click.echo(str(error), err=True)
        return status_of(error)
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the final flush fails once more
        return Exit.PIPE
    except Exception as error:
        return report_bug(error, given)
