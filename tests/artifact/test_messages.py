"""No number, verdict, count or figure depends on the wording of a message: with all of it changed, all of it stays."""

import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from markupsafe import escape

from ablatrix.analysis.claims.check import check_claims, plain
from ablatrix.analysis.diagnosis.causes import find_causes
from ablatrix.analysis.diagnosis.pareto import find_fronts
from ablatrix.analysis.effects.evidence import evidence_frame
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import wording
from ablatrix.analysis.reasons.wording import plain_data, text_of
from ablatrix.analysis.runs.side_by_side import compare, side_by_side_data
from ablatrix.analysis.table.trials_table import Tidy, tidy
from ablatrix.artifact.reproduction.comparison import report_reproduction
from ablatrix.artifact.reproduction.reproduction import report_text
from ablatrix.page.write import write_page
from ablatrix.paper.make import Paper, make_paper
from ablatrix.records.model import Record
from ablatrix.verdict import reach_verdict
from tests.artifact.conftest import write_results
from tests.claimed import claims_of
from tests.synthetic import Plant, make_records, write_records

ONE_STEP = {"partition": "regions", "reuse": "keep", "memory_plan": "off", "fusion": "off"}
PLANTS = [
    # Whole pairs of levels, single cells, single blocks; each status that a reader of messages could look for.
    Plant("unsupported", "encoder", "hot", {"memory_plan": "on", "fusion": "on"}),
    Plant("unsupported", "attention", "hot", {"fusion": "on"}),
    Plant("unsupported", "attention", "cold", {"memory_plan": "on", "fusion": "on"}, block=1),
    Plant("crashed", "attention", "hot", {"partition": "regions", "memory_plan": "on"}, block=2),
    Plant("timeout", "resnet", "hot", {"reuse": "release"}),
    Plant("unsupported", "resnet", "cold", {"partition": "regions", "fusion": "on"}, block=0),
    Plant("wrong_output", "resnet", "cold", {"partition": "regions", "fusion": "on"}, block=1),
    Plant("missing_check", "resnet", "cold", {"partition": "whole", "memory_plan": "on"}, block=0),
]
CLAIMS = claims_of()
Token = re.compile("zqx[0-9]+xqz*")


class Scramble:
    """Gives every sentence of the analysis other words, and can take that back."""

    def __init__(self, filled: Callable[[str, Mapping[str, Any], Literal["en", "zh"]], str]) -> None:
        self._filled = filled
        self.texts: dict[str, str] = {}
        self._tokens: dict[str, str] = {}

    def __call__(self, phrase: str, facts: Mapping[str, Any], language: Literal["en", "zh"] = "en") -> str:
        text = self._filled(phrase, facts, language)
        if text not in self._tokens:
            number = len(self._tokens)
            self._tokens[text] = f"zqx{number}xq{'z' * (number % 9)}"
            self.texts[self._tokens[text]] = text
        return self._tokens[text]

    def undone(self, value: Any) -> Any:
        """Return a value with the words that it would have had."""
        if isinstance(value, str):
            while Token.search(value):
                value = Token.sub(lambda found: self.texts[found[0]], value)
            return value
        if isinstance(value, Mapping):
            return {self.undone(name): self.undone(held) for name, held in value.items()}
        return [self.undone(held) for held in value] if isinstance(value, list | tuple) else value


def without_some(records: list[Record]) -> list[Record]:
    """Leave out one configuration of the encoder altogether, and one block of another."""

    def is_kept(record: Record) -> bool:
        if record.workload.name != "encoder" or record.mode != "hot" or record.role != "measured":
            return True
        moved = {knob: record.config.knobs[knob] for knob in ONE_STEP}
        return moved != ONE_STEP and not (moved == {**ONE_STEP, "reuse": "release"} and record.meta.block == 1)

    return [one for one in records if is_kept(one)]


def studies() -> Iterator[list[Record]]:
    """Records with failures, and the same study on another machine, where one knob is a no-op."""
    names = ("attention", "encoder", "resnet")
    yield make_records(workloads=names, blocks=3, noise=0.004, plants=PLANTS)
    yield make_records(
        workloads=names,
        blocks=3,
        noise=0.004,
        plants=PLANTS[:3],
        host="bench-2",
        built_as=lambda knobs: {**knobs, "reuse": "keep"},
    )


def everything(place: Path, out: Path) -> dict[str, Any]:
    """All that the analysis, the paper, the page and the artifact say of these records, as plain data."""
    recorded, here = (tidy([place / name / "results.jsonl"]) for name in ("a", "b"))
    page = write_page(Findings(recorded), check_claims(Findings(recorded), CLAIMS), out / "page.html")
    return {
        "judged": judged(place / "a" / "results.jsonl"),
        "page": page.read_text(encoding="utf-8"),
        "analysis": [analysed(one) for one in (recorded, here)],
        "compare": side_by_side_data(compare(recorded, here)),
        "report": json.loads(report_text(report_reproduction(here, CLAIMS, recorded))),
    }


def judged(path: Path) -> dict[str, Any]:
    """The verdict, and the paper that it makes."""
    files: dict[str, Any] = {}

    def make(findings: Findings, template: str | Path | None, scratch: str | Path) -> Paper:
        paper = make_paper(findings, template, scratch, claims=check_claims(findings, CLAIMS))
        files.update({file.relative_to(scratch).as_posix(): _content(file) for file in paper.files})
        return paper

    verdict = reach_verdict([path], claims=CLAIMS, make=make)
    stable = [one.holds for one in verdict.stability]
    verdict = replace(verdict, notes=tuple(map(_unescaped, verdict.notes)))
    return {"verdict": plain_data(verdict), "holds": verdict.holds, "stable": stable, "files": files}


def analysed(results: Tidy) -> dict[str, Any]:
    """What the analysis finds."""
    findings = Findings(results)
    fronts = find_fronts(results.trials)
    return {
        "claims": [plain(one) for one in check_claims(findings, CLAIMS)],
        "effects": [evidence_frame([one]).to_dicts() for one in findings.evidence],
        "proofs": plain_data(findings.proofs),
        "blame": plain_data(find_causes(results.trials)),
        "break_even": plain_data(findings.break_even),
        "fronts": [plain_data(replace(one, left_out={})) for one in fronts],
        "off_front": [[text_of(why) for why in one.left_out.values()] for one in fronts],
    }


def _content(file: Path) -> Any:
    """Return what a file says; None of a kind in which words decide where lines break."""
    if file.suffix == ".csv":
        return list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    if file.suffix == ".json":
        return json.loads(file.read_bytes())
    if file.suffix == ".svg":
        return file.read_bytes().hex()
    return _unescaped(file.read_text(encoding="utf-8")) if file.parent.name == "text" and file.suffix == ".md" else None


def _unescaped(markdown: str) -> str:
    """Return Markdown without the escapes that a message with other words would not need."""
    return markdown.replace("\\", "")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    for name, records in zip("ab", studies(), strict=True):
        write_results(folder / name, records)
        write_records(folder / name / "results.jsonl", without_some(records) if name == "a" else records)
    return folder


@pytest.mark.usefixtures("no_images")
def test_artifact_with_all_messages_changed_keeps_everything_else(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plainly = everything(place, tmp_path)
    scramble = Scramble(wording._filled)
    monkeypatch.setattr(wording, "_filled", scramble)
    changed = everything(place, tmp_path)
    assert len(scramble.texts) > 40
    assert changed != plainly
    texts = {token: str(escape(scramble.undone(text))) for token, text in scramble.texts.items()}
    assert Token.sub(lambda found: texts[found[0]], changed.pop("page")) == plainly.pop("page")
    for path, held, wanted in _leaves(scramble.undone(changed), plainly):
        assert held == wanted, path


def _leaves(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield what stands at the same place of two values, so that a difference is named."""
    if isinstance(one, dict) and isinstance(other, dict):
        yield path, sorted(one), sorted(other)
        for name in one:
            yield from _leaves(one[name], other[name], f"{path}/{name}")
    elif isinstance(one, list) and isinstance(other, list | tuple):
        yield path, len(one), len(other)
        for number, pair in enumerate(itertools.zip_longest(one, other)):
            yield from _leaves(*pair, f"{path}/{number}")
    else:
        yield path, one, other
