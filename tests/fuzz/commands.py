"""What commands make of records that hold, strange as they are: each ends with an exit code, never with a traceback.

These take a second or two where a reader takes a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from typer.testing import CliRunner

from ablatrix.cli.main import app
from ablatrix.errors import AblatrixError

TEMPLATE = """\
version: 1
tables:
- {number: 1, title: A, source: workloads, columns: [{column: workload}], caption: B}
- {number: 2, title: A, kind: ablation, caption: B}
- {number: 3, title: A, kind: memory, caption: B}
- {number: 4, title: A, kind: phases, optional: true, caption: B}
figures: []
text: [setup, fairness, benefit, correctness]
"""
CODES = (0, 1, 2)


def run_commands(file: Path) -> None:
    """Give a file of records to the commands that read it.

    Raises:
        Exception: What one of them raised that is no message.
    """
    for words in _commands(file):
        result = CliRunner().invoke(app, words)
        raised = result.exception
        if raised is not None and not isinstance(raised, SystemExit | AblatrixError):
            raise raised
        if raised is None or isinstance(raised, SystemExit):
            assert result.exit_code in CODES, f"{words[0]} ended with {result.exit_code}: {result.output[-2000:]}"


def _commands(file: Path) -> Iterator[Sequence[str]]:
    template = file.with_name("template.yaml")
    template.write_text(TEMPLATE, encoding="utf-8")
    given, out = str(file), file.parent / "out"
    yield "effects", given
    yield "diagnose", given
    for language in ("en", "zh"):
        yield "paper", "make", given, "--out", str(out), "--lang", language, "--template", str(template)
    yield "page", given, "--out", str(out / "page.html")
