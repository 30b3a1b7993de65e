"""Whether code of somebody else's bundle may run: the option, and the question in a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ablatrix.study.trust import ForeignStudy, Trust

Trusted = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Run the code that a study of a bundle brings along: plug-ins, models, passes and programs.",
        show_default="asked in a terminal, else refused",
    ),
]


def trust_of(given: bool) -> Trust:
    """Return whom to ask: nobody with ``--trust``, the user in a terminal, and else the answer is no."""
    if given or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return given
    return _ask


def _ask(found: ForeignStudy) -> bool:
    from ablatrix.foreign_text import shown

    print(f"{shown(str(found.place))} comes with the bundle {shown(str(found.bundle))}. It would run:", file=sys.stderr)
    for one in found.code:
        print(f"  {one}", file=sys.stderr)
    return typer.confirm("Have you read it, and do you trust it?", default=False, err=True)
