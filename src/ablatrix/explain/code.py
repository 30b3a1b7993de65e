"""What two configurations were made of, as files, and the difference of these."""

from __future__ import annotations

import difflib
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.explain.configuration import Pair, Side
from ablatrix.study.design import make_design
from ablatrix.trials.run import rerun

DIFFERENCE = "difference.patch"
TEXTS = {".txt", ".py", ".cpp", ".hlo", ".mlir", ".ll", ".s", ".xml"}
LONGEST_BYTES = 4 << 20


def write_code(pair: Pair, directory: Path) -> None:
    """Write what both configurations make of the program, below ``a`` and ``b``, and the difference of the texts.

    Raises:
        TrialError: The directory is not empty, or a configuration does not compile.
    """
    directory.mkdir(parents=True, exist_ok=True)
    folders = []
    for name, side in (("a", pair.side(pair.a)), ("b", pair.side(pair.b))):
        folders.append(directory / name)
        _dump(side, folders[-1])
    lines: list[str] = []
    names = sorted({one.relative_to(folder) for folder in folders for one in folder.rglob("*") if one.suffix in TEXTS})
    for one in names:
        a, b = (_lines(folder / one) for folder in folders)
        lines += difflib.unified_diff(a, b, f"a/{one}", f"b/{one}", n=1)
    (directory / DIFFERENCE).write_text("".join(lines), encoding="utf-8")


def _dump(side: Side, folder: Path) -> None:
    trial = next(
        one for one in make_design(side.resolved).trials if one.cell_id == side.cell.cell_id and one.role == "measured"
    )
    result = rerun(side.resolved, folder.with_name("no-results"), trial.trial_id, dump=folder)
    if result.error is not None:
        raise TrialError(f"{side.configuration.text} ended as {result.status}: {result.error.message}")


def _lines(file: Path) -> list[str]:
    if not file.exists() or file.stat().st_size > LONGEST_BYTES:
        return []
    return [f"{line}\n" for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
