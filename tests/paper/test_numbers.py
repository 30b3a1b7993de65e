"""Every printed number is found again from its rows, by a script that shares no code with what printed it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from string import Formatter
from typing import Any

import jsonschema
import pytest

from ablatrix.paper.chinese import CHINESE
from ablatrix.paper.english import ENGLISH
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.number import STATISTICS, WHOLE
from ablatrix.paper.provenance_file import PROVENANCE_VERSION, provenance_schema_text
from ablatrix.provenance.rows import Rows
from ablatrix.records.model import Record
from ablatrix.records.part import Level
from tests.paper import recompute
from tests.paper.written import Paper, each, study, write_paper
from tests.synthetic import Plant, make_records, tidied
from tests.with_axes import LENGTHS, as_variants
from tests.with_tokens import over_contexts

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "schemas" / f"provenance-{PROVENANCE_VERSION}.json"


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return write_paper(tmp_path_factory.mktemp("numbers"), study())


def acts_when_whole(levels: dict[str, Level]) -> dict[str, Level]:
    return levels if levels["partition"] == "whole" else {**levels, "fusion": "off"}


def twin_off(record: Record) -> Record:
    """The twin of the baseline takes 10 % longer on one workload."""
    runtime = record.runtime
    if record.role != "twin" or record.workload.name != "encoder" or runtime is None or not runtime.burst_ms_p50:
        return record
    bursts = [1.1 * value for value in runtime.burst_ms_p50]
    return record.model_copy(update={"runtime": runtime.model_copy(update={"burst_ms_p50": bursts})})


def other_timed(record: Record) -> Record:
    if (record.mode, record.role, record.meta.block) != ("hot", "measured", 1) or record.correctness is None:
        return record
    if record.config.knobs["fusion"] == "off":
        return record
    other = record.correctness.model_copy(update={"timed_digest": "0" * 64})
    return record.model_copy(update={"correctness": other})


def failing() -> list[Record]:
    plants = [
        Plant("wrong_output", "encoder", "hot", {"fusion": "on", "reuse": "keep"}, block=1),
        Plant("missing_check", "attention", "cold", {"partition": "regions"}),
        Plant("compile_error", "encoder", "cold", {"memory_plan": "on", "fusion": "on"}, block=0),
        Plant("unsupported", "attention", "hot", {"reuse": "release"}),
    ]
    return study(plants=plants, superseded=4, primers=3)


MIXED = {name: LENGTHS[name] for name in ("attention", "encoder")}  # two variants of one, beside another workload
SHAPES: dict[str, Callable[[], list[list[Record]]]] = {
    "failures, earlier attempts and primers": lambda: [failing()],
    "one block": lambda: [make_records(workloads=["resnet"], blocks=1)],
    "cold alone": lambda: [make_records(workloads=["attention"], modes=["cold"])],
    "a knob that does nothing": lambda: [study(built_as=lambda levels: {**levels, "reuse": "keep"})],
    "a knob that acts in half of its pairs": lambda: [study(built_as=acts_when_whole)],
    "a control that fails": lambda: [each(study(), twin_off)],
    "variants of workloads": lambda: [as_variants(make_records(workloads=["attention", "encoder", "resnet"]), MIXED)],
    "variants of one workload": lambda: [as_variants(make_records(workloads=["attention", "encoder", "resnet"]))],
    "without noise": lambda: [study(noise=0.0)],
    "several inputs that share ids": lambda: [study(), study(noise=0.02)],
    "contexts of a model that generates text": lambda: [over_contexts([64, 256, 1024])],
    "others timed than checked": lambda: [each(study(), other_timed)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_are_all_recomputed_from_their_rows(tmp_path: Path, shape: str) -> None:
    runs = SHAPES[shape]()
    made = write_paper(tmp_path, *runs)
    assert len(made.provenance["numbers"]) > 50
    assert recompute.check(recompute.read_records(made.results), made.directory) == []


def test_numbers_in_chinese_text_are_same_in_same_sentences(tmp_path: Path, paper: Paper) -> None:
    chinese = write_paper(tmp_path, study(), language="zh")
    assert recompute.check(recompute.read_records(chinese.results), chinese.directory) == []
    assert chinese.provenance["numbers"] == paper.provenance["numbers"]
    for one, other in zip(chinese.provenance["sentences"], paper.provenance["sentences"], strict=True):
        assert (one["name"], sorted(one["numbers"])) == (other["name"], sorted(other["numbers"]))
        assert re.search(r"[\u4e00-\u9fff]", one["text"])
    assert (chinese.directory / "text" / "fairness.tex").read_text(encoding="utf-8").startswith("% needs XeLaTeX")


def test_number_check_script_uses_no_program_code_and_runs_alone(paper: Paper) -> None:
    script = Path(recompute.__file__)
    assert not re.search(r"^\s*(import|from) (ablatrix|tests|polars|numpy)", script.read_text(encoding="utf-8"), re.M)
    arguments = [sys.executable, "-I", str(script), *map(str, paper.results), str(paper.directory)]
    done = subprocess.run(arguments, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def change_number(key: str, **changed: Any) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / "provenance.json"
        held = json.loads(path.read_text(encoding="utf-8"))
        number = next(one for one in held["numbers"] if one["key"] == key)
        number |= changed
        path.write_text(json.dumps(held), encoding="utf-8")

    return change


def change_rows(change_ids: Callable[[list[str]], None]) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / "provenance.json"
        held = json.loads(path.read_text(encoding="utf-8"))
        change_ids(held["rows"])
        path.write_text(json.dumps(held), encoding="utf-8")

    return change


def change_text(name: str, pattern: str, new: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / name
        text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"), count=1)
        assert count == 1, f"{name} does not hold {pattern}"
        path.write_text(text, encoding="utf-8")

    return change


def swap(ids: list[str]) -> None:
    ids[0], ids[-1] = ids[-1], ids[0]


FUSION = "benefit/encoder/tvm/fusion=on/run_ms_paired"
PLANTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a digit of a paragraph": (change_text("text/benefit.md", r"CI 4(\d)", r"CI 5\1"), "text/benefit.md"),
    "a digit of a paragraph in LaTeX": (change_text("text/fairness.tex", "216 trials", "217 trials"), "fairness.tex"),
    "a digit of a macro": (change_text("macros.tex", r"trials\}\{216\}", "trials}{261}"), "its macro"),
    "a macro of no number": (
        change_text("macros.tex", r"\\makeatother", r"\\ablatrix@number{made/up}{3}\n\\makeatother"),
        "macro made/up: no number has this key",
    ),
    "a printed number": (change_number(f"{FUSION}/ratio", text="0.500"), f"{FUSION}/ratio: is printed 0.500"),
    "a value": (change_number("fairness/trials", value=217), "fairness/trials: is 217"),
    "a stretch of rows": (change_number("fairness/trials", rows=[[0, 214]]), "fairness/trials: is 216"),
    "rows of another workload": (change_number(f"{FUSION}/low", rows=[[0, 53]]), f"{FUSION}/low: cannot be computed"),
    "rows beyond the end": (change_number("fairness/trials", rows=[[0, 216]]), "fairness/trials: cannot be computed"),
    "an id that no record has": (change_rows(lambda ids: ids.__setitem__(5, "0" * 16)), "no final record"),
    "an id that stands twice": (change_rows(lambda ids: ids.__setitem__(5, ids[6])), "stands twice"),
    "two ids in each other's place": (change_rows(swap), "cannot be computed"),
}


@pytest.mark.parametrize("change", PLANTED)
def test_number_check_finds_planted_change(tmp_path: Path, paper: Paper, change: str) -> None:
    directory = Path(shutil.copytree(paper.directory, tmp_path / "paper"))
    plant, message = PLANTED[change]
    plant(directory)
    faults = recompute.check(recompute.read_records(paper.results), directory)
    assert any(message in fault for fault in faults), faults


def test_number_check_finds_unregistered_digit(tmp_path: Path, paper: Paper) -> None:
    directory = Path(shutil.copytree(paper.directory, tmp_path / "paper"))
    path = directory / "provenance.json"
    held = json.loads(path.read_text(encoding="utf-8"))
    held["sentences"][0]["text"] += " It took 3 days."
    path.write_text(json.dumps(held), encoding="utf-8")
    faults = recompute.check(recompute.read_records(paper.results), directory)
    assert "setup, machine: 3 is no number of provenance.json" in faults


def test_numbers_schema_matches_model_and_validates(paper: Paper) -> None:
    assert FROZEN.read_text(encoding="utf-8") == provenance_schema_text(), (
        "the model of provenance.json and its schema differ: raise PROVENANCE_VERSION, write provenance_schema_text() "
        "to schemas/provenance-<new>.json, and keep the old file"
    )
    jsonschema.Draft202012Validator(json.loads(FROZEN.read_text(encoding="utf-8"))).validate(paper.provenance)


def test_number_statistics_are_documented_and_known_to_script() -> None:
    documented = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    for name in STATISTICS:
        assert f"`{name}`" in documented
        assert hasattr(recompute.Recomputed, "only_value" if name == "value" else name)


def slots(text: str) -> list[str]:
    return sorted(slot for _, slot, _, _ in Formatter().parse(text) if slot is not None)


def test_phrases_in_all_languages_have_same_slots_and_no_digit() -> None:
    assert ENGLISH.phrases.keys() == CHINESE.phrases.keys()
    for phrase, text in ENGLISH.phrases.items():
        assert slots(text) == slots(CHINESE.phrases[phrase]), phrase
        for language in (ENGLISH, CHINESE):
            literal = "".join(part for part, *_ in Formatter().parse(language.phrases[phrase]))
            allowed = r"p\d\d" if phrase.startswith("metric/") else "(?!)"
            assert not re.search(r"\d", re.sub(allowed, "", literal)), phrase


def test_number_key_belongs_to_one_number() -> None:
    trials = tidied(make_records(workloads=["attention"], blocks=1)).trials.with_row_index("row")
    ledger = Ledger(Rows(trials))
    assert ledger.count("n", trials) == ledger.count("n", trials)
    with pytest.raises(ValueError, match="two numbers have the key 'n'"):
        ledger.count("n", trials.head(3))


def test_number_that_is_whole_prints_without_decimals() -> None:
    assert WHOLE.printed(3) == "3"


def test_number_rows_that_belong_together_are_one_range(paper: Paper) -> None:
    numbers = {one["key"]: one for one in paper.provenance["numbers"]}
    assert len(numbers[f"{FUSION}/ratio"]["rows"]) == 1
    assert len(numbers["benefit/attention/tvm/best/run_ms_p50"]["rows"]) == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex on this machine")
def test_sentence_written_by_hand_prints_numbers_by_key(tmp_path: Path, paper: Paper) -> None:
    shutil.copy(paper.directory / "macros.tex", tmp_path)
    key = "benefit/encoder/arena/regions/keep".replace("encoder", "encoder/tvm")
    body = rf"\documentclass{{article}}\begin{{document}}\input{{macros}}\typeout{{<\ablatrix{{{key}}}|" + (
        rf"\ablatrixunit{{{key}}}>}}\footnote{{\ablatrix{{{FUSION}/ratio}}}}%s\end{{document}}"
    )
    for name, more in (("good", ""), ("bad", r"\ablatrix{no/such}")):
        (tmp_path / f"{name}.tex").write_text(body % more, encoding="utf-8")
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert b"<903|KiB>" in done.stdout
        assert done.returncode == (1 if more else 0), done.stdout
        assert (b"There is no number with the key 'no/such'" in done.stdout) == bool(more)
