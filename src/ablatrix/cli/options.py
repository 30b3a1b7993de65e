"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="Python file that adds compilers or workloads (repeatable).",
        show_default="none",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress on stderr.")]
Wide = Annotated[
    bool,
    typer.Option("--wide", "-w", help="Show every column, each row on one line, whatever the width of the terminal."),
]
StudyFile = Annotated[Path, typer.Argument(help="Study file (YAML).", show_default=False)]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only trials with KEY=VALUE,VALUE...; KEY is workload, compiler, mode, stage, role, status, an axis "
        "or a knob (repeatable: all must hold).",
        show_default="all trials",
    ),
]
