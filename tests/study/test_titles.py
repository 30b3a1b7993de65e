"""Titles name what is shown, and change nothing that is measured."""

import json
from pathlib import Path

import pytest

from ablatrix.analysis.table import tidy
from ablatrix.errors import StudyError
from ablatrix.records.titles import Titles, merged, read_titles
from ablatrix.study.design import make_design
from ablatrix.study.design_file import design_text, read_design, write_design
from ablatrix.study.load import load_study
from ablatrix.study.shipped_titles import KNOB_HEADINGS, KNOB_TITLES
from ablatrix.trials.results.directory import ResultDirectory
from tests.synthetic import make_records, write_records


def written(directory: Path, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


ONE = (
    "name: s\nworkloads: [%s]\ncompilers: [%s]\nmodes: [cold]\nstages: [{name: p, factorial: {fusion: [off, on]}}]\n%s"
)
WITHOUT = ONE % ("mlp", "tvm", "")
WITH = ONE % (
    "{name: mlp, title: {en: A perceptron, zh: 感知机}}",
    "{name: tvm, title: Apache TVM}",
    "knobs: {fusion: {title: kernel fusion, levels: {on: fused}}}\n",
)


def test_titles_change_no_digest_and_no_trial_id(tmp_path: Path) -> None:
    without, titled = load_study(written(tmp_path / "a", WITHOUT)), load_study(written(tmp_path / "b", WITH))
    assert without.study.digest == titled.study.digest
    assert make_design(without).trials == make_design(titled).trials


def test_titles_of_study_come_before_those_of_catalogue(tmp_path: Path) -> None:
    plain = make_design(load_study(written(tmp_path / "a", WITHOUT))).titles
    titled = make_design(load_study(written(tmp_path / "b", WITH))).titles
    names = [("workload", "mlp"), ("compiler", "tvm"), ("compiler", "eager"), ("knob", "fusion"), ("knob", "reuse")]
    assert [getattr(plain, kind)(name) for kind, name in names] == [
        "MLP", "TVM", "eager PyTorch", "operator fusion", "buffer reuse",
    ]  # fmt: skip
    assert [getattr(titled, kind)(name) for kind, name in names] == [
        "A perceptron", "Apache TVM", "eager PyTorch", "kernel fusion", "buffer reuse",
    ]  # fmt: skip
    assert (titled.workload("mlp", "zh"), titled.compiler("tvm", "zh")) == ("感知机", "Apache TVM")
    assert (titled.level("fusion", "on"), titled.level("fusion", "off", "zh")) == ("fused", "关")
    assert (plain.workload("no such"), plain.level("tile", 4)) == ("no such", "4")


def test_titles_of_compiler_stay_where_study_moves_a_setting_of_it(tmp_path: Path) -> None:
    text = WITHOUT.replace("[off, on]}}", "[off, on]}}, {name: q, around: {}, vary: {code_level: [2]}}")
    titles = make_design(load_study(written(tmp_path, text))).titles
    assert (titles.compiler("tvm"), titles.knob("code_level")) == ("TVM", "code optimization")


def test_titles_travel_in_design_to_table_of_trials(tmp_path: Path) -> None:
    results = write_records(tmp_path / "results.jsonl", make_records(workloads=["encoder"], blocks=1))
    assert tidy([results]).titles == Titles()
    write_design(make_design(load_study(written(tmp_path, WITH))), tmp_path / "design.json")
    assert tidy([results]).titles.workload("mlp") == "A perceptron"


def test_titles_that_are_given_after_a_run_are_written_into_design(tmp_path: Path) -> None:
    before = load_study(written(tmp_path / "a", WITHOUT))
    after = load_study(written(tmp_path / "b", WITH))
    directory = ResultDirectory(tmp_path / "results")
    directory.make(before.study, make_design(before))
    directory.make(after.study, make_design(after))
    assert read_design(directory.design, before.study).titles.knob("fusion") == "kernel fusion"


def test_design_before_1_3_has_no_titles(tmp_path: Path) -> None:
    resolved = load_study(written(tmp_path, WITHOUT))
    data = json.loads(design_text(make_design(resolved)))
    del data["titles"]
    (tmp_path / "design.json").write_text(json.dumps(data), encoding="utf-8")
    assert read_design(tmp_path / "design.json", resolved.study).titles == Titles()
    with pytest.raises(ValueError, match="titles are no map"):
        read_titles({"titles": ["x"]})


def test_titles_of_several_studies_keep_the_first_of_a_name() -> None:
    one, two = Titles(knobs={"a": {"en": "A"}}), Titles(knobs={"a": {"en": "B"}, "b": {"en": "C"}})
    both = merged([one, two])
    assert (both.knob("a"), both.knob("b")) == ("A", "C")


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        ("{fusions: {title: x}}", "compiler 'tvm' has no knob 'fusions'"),
        ("{fusion: {levels: {maybe: x}}}", "knob 'fusion' has no level 'maybe'; it has: off, on"),
        ("{fusion: {title: ' x'}}", "study.yaml:6"),
        ("{fusion: {title: {fr: x}}}", "study.yaml:6"),
    ],
)
def test_titles_of_what_is_not_there_are_refused(tmp_path: Path, titles: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        load_study(written(tmp_path, WITHOUT + f"knobs: {titles}\n"))


def test_headings_of_knobs_are_short_titles_or_those_of_study(tmp_path: Path) -> None:
    plain = make_design(load_study(written(tmp_path / "a", WITHOUT))).titles
    titled = make_design(load_study(written(tmp_path / "b", WITH))).titles
    assert (plain.heading("fusion"), plain.heading("fusion", "zh"), plain.heading("memory_plan")) == (
        "fusion", "融合", "memory plan",
    )  # fmt: skip
    assert (titled.heading("fusion"), titled.heading("fusion", "zh")) == ("kernel fusion", "kernel fusion")
    assert plain.heading("no_such") == "no_such"


def test_every_shipped_title_of_knob_has_short_one_in_both_languages() -> None:
    assert KNOB_HEADINGS.keys() == KNOB_TITLES.keys()
    for knob, title in KNOB_HEADINGS.items():
        assert set(title) == {"en", "zh"}, knob
        assert len(title["en"]) <= 12, knob
        assert len(title["zh"]) <= 6, knob
