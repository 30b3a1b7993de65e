"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="Python file that adds compilers or workloads; may be given again.",
        show_default=False,
    ),
]
