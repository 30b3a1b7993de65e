"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer


def _use(paths: list[Path] | None) -> list[Path] | None:
    if paths:
        from ablatrix.plugins import use_plugins

        use_plugins(paths)
    return paths


Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        callback=_use,
        is_eager=True,
        help="Python file that adds compilers or workloads; may be given again.",
        show_default=False,
    ),
]
