# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Sentences on correctness: what outputs are compared with, and the unit of the tolerance, in both languages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ablatrix.page.cells
from ablatrix.paper.template.load import DEFAULT_TEMPLATE, load_template
from ablatrix.paper.template.words import words_in
from ablatrix.records.model import Record
from tests.paper import recompute
from tests.paper.written import Paper, each, write_paper
from tests.synthetic import make_records


def written(directory: Path, change: Callable[[Record], Record], language: str = "en") -> Paper:
    records = make_records(workloads=["attention", "encoder"], blocks=1, modes=["cold"])
    paper = write_paper(directory, each(records, change), language=language, claims=False)
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []
    return paper


def checked(**changed: Any) -> Callable[[Record], Record]:
    def change(record: Record) -> Record:
        held = record.correctness
        return record if held is None else record.model_copy(update={"correctness": held.model_copy(update=changed)})

    return change


def with_oracle(oracle: str, *workloads: str) -> Callable[[Record], Record]:
    def change(record: Record) -> Record:
        if record.workload.name not in workloads:
            return record
        return record.model_copy(update={"workload": record.workload.model_copy(update={"oracle": oracle})})

    return change


BEFORE_1_3 = {"worst_ratio": None, "allowed_over_eager": None}


def test_tolerance_names_roundings_floor_worst_element_and_allowance(tmp_path: Path) -> None:
    assert written(tmp_path, checked(rms_ratio=1.25)).sentences["correctness: tolerance"] == (
        "Root-mean-square (RMS) errors are given relative to the sum of (i) the largest RMS error of eager execution "
        "under randomly perturbed rounding and (ii) 1e-07 times the RMS of the reference output. On this scale, errors "
        "reach at most 1.25; the tolerance is 2, which corresponds to at most 12 times the RMS error of unperturbed "
        "eager execution. "
        "The error of any single element is at most 0.5 times the largest error of eager execution on elements of "
        "similar sensitivity to rounding."
    )


def test_tolerance_in_chinese_names_roundings_floor_and_allowance(tmp_path: Path) -> None:
    assert written(tmp_path, checked(rms_ratio=1.25), "zh").sentences["correctness: tolerance"] == (
        "均方根误差的基准为两项之和：eager 模式在舍入受随机扰动时的最大均方根误差，以及参考输出均方根的 1e-07 倍。"
        "各试验的误差至多为该基准的 1.25 倍，容差为 2 倍（至多相当于未扰动 eager 模式均方根误差的 12 倍）。"
        "逐元素来看，误差至多为 eager 模式在舍入敏感度相近的元素上最大误差的 0.5 倍。"
    )


def test_tolerance_that_knob_promises_is_said_apart(tmp_path: Path) -> None:
    def promised(record: Record) -> Record:
        fused = record.config.knobs.get("fusion") == "on" and record.role == "measured"
        more = {"rms_ratio": 8.5, "rms_factor": 10.0, "tolerance_by": "fusion"} if fused else {"rms_ratio": 1.25}
        return checked(**more)(record)

    found = written(tmp_path / "en", promised).sentences
    assert (
        "errors reach at most 1.25; the tolerance is 2, which corresponds to at most 12"
        in found["correctness: tolerance"]
    )
    assert found["correctness: own_tolerance"] == (
        "Levels of fusion come with a tolerance of their own: in 16 trials, up to 10 is allowed on this scale, and at "
        "most 8.5 is reached."
    )
    found = written(tmp_path / "zh", promised, "zh").sentences
    assert found["correctness: own_tolerance"].endswith("16 次试验的容差为该基准的 10 倍，误差至多为 8.5 倍。")


def test_unjudged_outputs_and_those_that_eager_misses_are_counted(tmp_path: Path) -> None:
    assert "correctness: unjudged" not in written(tmp_path / "none", checked()).sentences
    found = written(tmp_path / "some", checked(ill_conditioned=1, eager_wrong=2)).sentences["correctness: unjudged"]
    assert found.startswith(
        "In 36 comparisons, single precision does not determine the output, so these were not judged; in 72 "
    )


def test_tolerance_before_1_3_says_that_its_unit_is_eager_plus_floor(tmp_path: Path) -> None:
    assert written(tmp_path, checked(rms_ratio=1.25, **BEFORE_1_3)).sentences["correctness: tolerance"] == (
        "Root-mean-square (RMS) errors are given relative to the sum of (i) the RMS error of eager single-precision "
        "execution on the same inputs and (ii) 1e-07 times the RMS of the reference output. On this scale, errors "
        "reach at most 1.25; the tolerance is 2. Relative to eager execution alone, errors may be larger, by a factor "
        "that the records do not give."
    )


def test_tolerance_before_1_3_without_floor_is_a_multiple_of_eager(tmp_path: Path) -> None:
    found = written(tmp_path, checked(rms_ratio=1.25, rms_floor=0.0, **BEFORE_1_3)).sentences["correctness: tolerance"]
    assert found == (
        "Root-mean-square (RMS) errors are given relative to the RMS error of eager single-precision execution on the "
        "same inputs. On this scale, errors reach at most 1.25; the tolerance is 2."
    )


def test_tolerance_with_several_floors_and_factors_names_none(tmp_path: Path) -> None:
    def change(record: Record) -> Record:
        other = record.workload.name == "encoder"
        return checked(rms_ratio=1.25, **BEFORE_1_3, **({"rms_floor": 1e-6, "rms_factor": 4.0} if other else {}))(
            record
        )

    assert written(tmp_path, change).sentences["correctness: tolerance"] == (
        "Root-mean-square (RMS) errors are given relative to the sum of (i) the RMS error of eager single-precision "
        "execution on the same inputs and (ii) a share of the RMS of the reference output, which differs between "
        "trials. On this scale, errors reach at most 1.25. Relative to eager execution alone, errors "
        "may be larger, by a factor "
        "that the records do not give."
    )


@pytest.mark.parametrize(
    ("workloads", "expected"),
    [
        ((), "the outputs of the same program in double precision, with 3 sets of inputs per trial. "),
        (
            ("encoder",),
            "the outputs of the same program in double precision (encoder, which has none: in unoptimized single "
            "precision), with",
        ),
        (
            ("attention", "encoder"),
            "the outputs of the same program in unoptimized single precision, as no double precision is available, "
            "with",
        ),
    ],
)
def test_comparisons_name_precision_of_expected_outputs(
    tmp_path: Path, workloads: tuple[str, ...], expected: str
) -> None:
    paper = written(tmp_path, with_oracle("float32", *workloads))
    assert expected in paper.sentences["correctness: comparisons"]
    estimate = "eager execution provides the reference, so its error is an estimate."
    assert (estimate in paper.sentences["correctness: tolerance"]) == bool(workloads)


def test_comparisons_count_unchecked_trials_of_every_role(tmp_path: Path) -> None:
    def change(record: Record) -> Record:
        return record.model_copy(update={"correctness": None}) if record.role in ("twin", "reference") else record

    assert (
        "Not all of the 96 comparisons in 32 trials passed: 4 successful trials went unchecked."
        in written(tmp_path, change).sentences["correctness: comparisons"]
    )


def test_caption_and_page_heading_call_ratio_one_to_sum_with_floor() -> None:
    template = load_template(DEFAULT_TEMPLATE)
    tables = [(words_in(table.title, "en"), words_in(table.caption, "en")) for table in template.tables]
    caption = next(caption for title, caption in tables if title == "Correctness")
    assert (
        "divided by the largest such error of eager execution under different roundings plus a small share of the root "
        "mean square of the expected values"
    ) in caption
    cells = Path(ablatrix.page.cells.__file__).read_text(encoding="utf-8")
    assert "Largest RMS error over the sum of the largest of eager with other roundings" in cells
