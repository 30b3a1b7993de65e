"""Effects along axes: in order of the values, with a trend, crossings where verdicts change side, honest means."""

import math
from collections.abc import Mapping

import pytest

from ablatrix.analysis.effects import AxisCurve, Evidence, Question, curve_frame, evidence_frame, gather
from ablatrix.analysis.groups import Variant, over_text, sort_key, variants_of
from ablatrix.errors import AnalysisError
from ablatrix.records.variants import AxisValue
from tests.synthetic import HOT_EFFECT, make_records, tidied
from tests.with_axes import LENGTHS, as_variants

NAMES = ["attention", "encoder", "resnet"]
TYPES: Mapping[str, tuple[str, Mapping[str, AxisValue]]] = {
    "attention": ("net", {"dtype": "float32"}),
    "encoder": ("net", {"dtype": "bfloat16"}),
}


def evidence(
    variants: Mapping[str, tuple[str, Mapping[str, AxisValue]]] = LENGTHS,
    question: Question | None = None,
    *,
    fusion: Mapping[str, float] | None = None,
    **settings: object,
) -> Evidence:
    made: dict[str, object] = {"workloads": NAMES, "modes": ["hot"], "blocks": 4, "noise": 0.002, **settings}
    records = as_variants(make_records(**made), variants, fusion)  # type: ignore[arg-type]
    (found,) = gather(tidied(records), question or Question(metrics=("run_ms_p50",)))
    return found


def curve_of(found: Evidence, knob: str = "fusion") -> AxisCurve:
    (curve,) = [one for one in found.curves if one.knob == knob]
    return curve


def test_curve_has_effect_of_each_variant_in_numeric_order() -> None:
    found = evidence(fusion={"encoder": 0.9, "resnet": 0.81})
    curve = curve_of(found)
    assert [(point.value, point.effect.workload) for point in curve.points] == [
        ("16", "net[tokens=16]"),
        ("64", "net[tokens=64]"),
        ("256", "net[tokens=256]"),
    ]
    ratios = [point.effect.ratio.value for point in curve.points if point.effect.ratio]
    assert ratios == pytest.approx([HOT_EFFECT["fusion"] * 0.9**at for at in range(3)], rel=0.01)
    assert (curve.base, curve.axis, curve.scale, curve.course) == ("net", "tokens", "doubling", "grows")
    assert curve.ratio is not None
    assert curve.ratio.value == pytest.approx(math.sqrt(0.9), rel=0.01)  # for each doubling; the values are fourfold


def test_curve_that_comes_nearer_to_one_falls() -> None:
    assert curve_of(evidence(fusion={"encoder": 1.2, "resnet": 1.4})).course == "falls"


def test_curve_without_trend_has_no_course() -> None:
    curve = curve_of(evidence(noise=0.01, seed=3))
    assert (curve.course, curve.crossings) == (None, ())


def test_crossing_names_both_values_and_where_the_line_is_one() -> None:
    found = evidence(fusion={"attention": 0.8 / 0.6, "encoder": 1.0 / 0.6, "resnet": 1.25 / 0.6}, noise=0.0005)
    (crossing,) = curve_of(found).crossings
    assert (crossing.before, crossing.after) == ("16", "256")  # at 64 nothing is decided
    assert crossing.at == pytest.approx(64.0, rel=0.05)
    assert curve_of(found).course == "crosses"


def test_axis_of_words_has_crossing_without_a_place_and_no_trend() -> None:
    found = evidence(TYPES, workloads=["attention", "encoder"], fusion={"attention": 2.0})
    curve = curve_of(found)
    assert [point.value for point in curve.points] == ["bfloat16", "float32"]
    assert (curve.ratio, curve.is_numeric) == (None, False)
    assert [(one.before, one.after, one.at) for one in curve.crossings] == [("bfloat16", "float32", None)]


def test_curves_of_two_axes_hold_the_other_axis_fixed() -> None:
    variants: Mapping[str, tuple[str, Mapping[str, AxisValue]]] = {
        "attention": ("net", {"tokens": 16, "dtype": "float32"}),
        "encoder": ("net", {"tokens": 64, "dtype": "float32"}),
        "resnet": ("net", {"tokens": 64, "dtype": "bfloat16"}),
    }
    found = [one for one in evidence(variants).curves if one.knob == "fusion"]
    assert [(one.axis, dict(one.others), [point.value for point in one.points]) for one in found] == [
        ("dtype", {"tokens": "64"}, ["bfloat16", "float32"]),
        ("tokens", {"dtype": "float32"}, ["16", "64"]),
    ]


def test_mean_weighs_workloads_alike_however_many_variants_they_have() -> None:
    fusion = {"attention": 0.5, "encoder": 0.5}
    pooled = evidence({name: LENGTHS[name] for name in ("attention", "encoder")}, fusion=fusion, noise=0.0)
    (mean,) = [one for one in pooled.means if one.kind == "main" and one.knob == "fusion"]
    assert mean.ratio is not None
    assert mean.ratio.value == pytest.approx(HOT_EFFECT["fusion"] * math.sqrt(0.5))  # net and resnet, a half each
    assert mean.workloads == ("net[tokens=16]", "net[tokens=64]", "resnet")
    assert mean.over == "2 values of tokens of net"
    frame = evidence_frame([pooled])
    assert frame.filter(frame["scope"] == "geometric mean")["over"].unique().to_list() == ["2 values of tokens of net"]


def test_mean_over_variants_of_one_workload_says_over_what() -> None:
    (mean,) = [one for one in evidence().means if one.kind == "main" and one.knob == "reuse"]
    assert mean.over == "3 values of tokens of net"


def test_over_text_names_every_axis_of_every_workload() -> None:
    variants: Mapping[str, tuple[str, Mapping[str, AxisValue]]] = {
        "a": ("net", {"tokens": 1, "dtype": "x"}), "b": ("net", {"tokens": 2, "dtype": "x"}),
        "c": ("net", {"tokens": 2, "dtype": "y"}), "d": ("mlp", {"layers": 1}),
    }  # fmt: skip
    table = tidied(as_variants(make_records(workloads=["attention"], modes=["hot"], blocks=2))).trials
    known = variants_of(table)
    assert {name: (one.base, dict(one.axes)) for name, one in known.items()} == {
        "net[tokens=16]": ("net", {"tokens": 16})
    }
    made = {name: Variant(base, axes) for name, (base, axes) in variants.items()}
    assert over_text(variants, made) == "2 values of tokens and 2 of dtype of net; 1 value of layers of mlp"
    assert over_text(["resnet"], made) == ""


def test_question_of_axis_keeps_its_variants_and_their_verdicts() -> None:
    whole = evidence()
    part = evidence(question=Question(metrics=("run_ms_p50",), axes={"tokens": frozenset({"16", "64"})}))
    base = evidence(question=Question(metrics=("run_ms_p50",), workloads=("net",)))
    assert {one.workload for one in part.effects} == {"net[tokens=16]", "net[tokens=64]"}
    kept = [held for one, held in zip(whole.effects, whole.judgements, strict=True) if one.workload in {
        "net[tokens=16]", "net[tokens=64]"}]  # fmt: skip
    assert list(part.judgements) == kept
    assert (part.means, part.curves) == ((), ())
    assert base.effects == whole.effects


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({"layers": frozenset({"1"})}, "there is no axis 'layers' in these results; there are: tokens"),
        ({"tokens": frozenset({"32"})}, "axis 'tokens' has no value 32 in these results; it has: 16, 64, 256"),
    ],
)
def test_question_of_unknown_axis_is_refused(axes: dict[str, frozenset[str]], expected: str) -> None:
    with pytest.raises(AnalysisError, match=expected):
        evidence(question=Question(metrics=("run_ms_p50",), axes=axes))


def test_results_without_axes_have_no_curve() -> None:
    found = evidence({})
    assert (found.curves, {mean.over for mean in found.means}) == ((), {""})
    assert curve_frame(found.curves).is_empty()
    assert "over" not in evidence_frame([found]).columns


def test_variants_are_in_order_of_their_numbers() -> None:
    names = ["net[tokens=256]", "net[tokens=16]", "net[width=0.5]", "net[width=0.25]", "mlp", "net[tokens=64]"]
    assert sorted(names, key=sort_key) == [
        "mlp", "net[tokens=16]", "net[tokens=64]", "net[tokens=256]", "net[width=0.25]", "net[width=0.5]",
    ]  # fmt: skip
