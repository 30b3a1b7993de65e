"""The ``ablatrix`` command: its groups of commands, and the exit code of each kind of error.

Exit codes: 0 done; 1 done, but trials failed or were not run, or a check did not hold; 2 wrong usage or input; 70 an
internal error of ablatrix; 130 and 143 interrupted.
"""

import logging
import os
import platform
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli import (
    artifact,
    bisect,
    bisect_builds,
    claims,
    cluster,
    design,
    diagnose,
    effects,
    explain,
    history,
    init,
    lists,
    models,
    page,
    paper,
    passes,
    pr,
    reduce,
    reproduce_and_badges,
    run,
    show,
    sign,
    status,
    tabulate,
    verdict_and_compare,
)  # fmt: skip
from ablatrix.cli.logs import Level, logs_on_stderr, notices_on_stderr
from ablatrix.errors import AblatrixError
from ablatrix.foreign_text import printed
from ablatrix.version import __version__

_log = logging.getLogger(__name__)

EXIT_USAGE = 2
EXIT_FAULT = 70

app = typer.Typer(
    name="ablatrix",
    help="Fair, checked, reproducible ablation studies of machine-learning compilers.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for group in (
    init,
    design,
    run,
    status,
    cluster,
    models,
    effects,
    diagnose,
    explain,
    show,
    claims,
    verdict_and_compare,
    pr,
    history,
    bisect,
    bisect_builds,
    reduce,
    tabulate,
    paper,
    page,
    artifact,
    sign,
    reproduce_and_badges,
    lists,
    passes,
):
    group.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"ablatrix {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
    log_level: Annotated[
        Level | None,
        typer.Option("--log-level", help="Log to stderr, from this level on.", show_default="no logging"),
    ] = None,
) -> None:
    """Fair, checked, reproducible ablation studies of machine-learning compilers."""
    if log_level is None:
        context.with_resource(notices_on_stderr())
    else:
        context.with_resource(logs_on_stderr(log_level))
        _log.info("ablatrix %s, Python %s: %s", __version__, platform.python_version(), context.invoked_subcommand)


def _open_closed_streams() -> None:
    """Lead a standard stream that was closed nowhere, so that no file of ours takes its number and is printed into."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - it has the lowest number that is free
            setattr(sys, name, stream)


def main() -> None:
    """Run the command line and exit."""
    _open_closed_streams()
    try:
        app()
    except AblatrixError as error:
        print(f"error: {printed(str(error))}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # nobody reads our output any more, so a message would not be seen either
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        print(
            f"\nThis is a fault of ablatrix {__version__}. Please report it with the lines above and the command:\n"
            f"  ablatrix {' '.join(sys.argv[1:])}",
            file=sys.stderr,
        )
        sys.exit(EXIT_FAULT)
