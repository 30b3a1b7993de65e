"""Everything that reads records, run on a made-up study: each command ends with 0 or 1, and every number is true."""

import random
import traceback
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.checks.remake import derive_anew
from ablatrix.artifact.contents.reading import Reading
from ablatrix.cli.main import app
from ablatrix.paper.template.load import DEFAULT_TEMPLATE
from tests.made_study import MadeStudy, write_made_study
from tests.paper import recompute

TEXT_ALONE = """\
version: 1
tables: []
figures: []
text: [setup, fairness, benefit, correctness]
"""


def check_seed(seed: int, directory: Path, figures: bool) -> list[str]:
    """Draw the study of a seed and return what is wrong with what is made of it."""
    return check_made(write_made_study(random.Random(seed), directory), directory, figures)


def check_made(made: MadeStudy, directory: Path, figures: bool) -> list[str]:
    """Return what is wrong with what is made of a study.

    Args:
        made: The study with its records.
        directory: Directory to write into.
        figures: Whether to make all figures, the page and an artifact too, which takes seconds.
    """
    return [*check_commands(made, directory, figures), *(check_artifact(made) if figures else ())]


def check_commands(made: MadeStudy, directory: Path, figures: bool) -> Iterator[str]:
    """Yield what is wrong with what each command that reads records makes of them."""
    template = directory / "template.yaml"
    template.write_text(DEFAULT_TEMPLATE.read_text(encoding="utf-8") if figures else TEXT_ALONE, encoding="utf-8")
    results = str(made.results)
    yield from _ran("effects", results)
    yield from _ran("diagnose", results)
    for language in ("en", "zh"):
        paper = directory / f"paper-{language}"
        options = ["--out", str(paper), "--lang", language, "--template", str(template)]
        faults = list(_ran("paper", "make", results, *options))
        yield from faults
        if not faults:
            records = recompute.read_records([made.results / "results.jsonl"])
            yield from (f"{language}: {fault}" for fault in recompute.check(records, paper))
    if figures:
        yield from _ran("page", results, "--out", str(directory / "page.html"))
        yield from _ran("verdict", results)
        yield from _ran("tabulate", results, "--out", str(directory / "tables"))


def check_artifact(made: MadeStudy) -> Iterator[str]:
    """Yield what is wrong with an artifact of the study, in which all figures are drawn, twice."""
    try:
        reading = Reading(made.results)
        derive_anew(reading)
        assemble(made.results, Origin(study=made.study), reading)
    except Exception:
        yield f"artifact: {traceback.format_exc()}"
        return
    yield from _ran("verify", str(made.results), wanted=(0,))


def _ran(*words: str, wanted: tuple[int, ...] = (0, 1)) -> Iterator[str]:
    result = CliRunner().invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        yield f"{words[0]}: {''.join(traceback.format_exception(result.exception))}"
    elif result.exit_code not in wanted:
        yield f"{words[0]}: ended with {result.exit_code}: {result.output[-2000:]}"
