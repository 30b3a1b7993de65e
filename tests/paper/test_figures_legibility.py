"""Every figure can be read, whatever the data: many workloads, long names, failures, no intervals, wide ratios."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from ablatrix.analysis.effects.estimates import Effect
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons.absence import Absence
from ablatrix.analysis.reasons.reason import Why
from ablatrix.paper.figures.attribution import compose_attribution, waterfalls
from ablatrix.paper.figures.break_even import Case, cases_of, compose_break_even
from ablatrix.paper.figures.main_effects import MainEffectsData, compose_main_effects
from ablatrix.paper.figures.memory_latency import Place, compose_memory_latency, places_of
from ablatrix.plotting.cold_scatter import cold_points, compose_cold_scatter
from ablatrix.plotting.figure import WIDTHS_IN, Width, house_style
from ablatrix.plotting.panels import short_names
from ablatrix.records.metrics import CACHE_MISSES as MISSES
from ablatrix.records.metrics import COLD_METRIC as TIME
from ablatrix.statistics.ratio import Ratio
from tests.legibility import faults, text_faults
from tests.synthetic import PRIMARY, Plant, make_records, tidied

HOT = "run_ms_paired"
MARKS = ["reuse", "memory_plan"]
NAMES = {
    "three": ["attention", "encoder", "resnet"],
    "seven": ["attention", "bound_propagation", "convolution", "decoder", "encoder", "mlp", "resnet"],
    "many": [f"a_workload_with_a_name_of_many_words_{i:02d}_small" for i in range(25)],
}
COMPILERS = {"one": ["tvm"], "three": ["inductor", "onnxruntime_with_a_long_name", "tvm"]}
SHAPES = [
    ("three", "one", 1.0, "column"),
    ("seven", "one", 6.0, "column"),
    ("seven", "three", 0.1, "page"),
    ("many", "one", 1.0, "page"),
]
Shape = tuple[str, str, float, Width]


@pytest.fixture(scope="module")
def measured() -> Findings:
    plants = [Plant("crashed", "encoder", mode, {"fusion": "on", "reuse": "keep"}) for mode in ("cold", "hot")]
    built = {"reuse": "keep"}
    return Findings(
        tidied(make_records(workloads=["attention", "encoder"], plants=plants, built_as=lambda k: {**k, **built}))
    )


def units(shape: Shape) -> list[tuple[str, str]]:
    return [(name, compiler) for name in NAMES[shape[0]] for compiler in COMPILERS[shape[1]]]


def stretched(ratio: Ratio | None, power: float) -> Ratio | None:
    if ratio is None:
        return None
    low, high = (None if end is None else end**power for end in (ratio.low, ratio.high))
    return Ratio(ratio.value**power, low, high, ratio.count)


def spread_out(effects: Sequence[Effect], shape: Shape) -> list[Effect]:
    """Effects of other workloads and compilers: every third one as the failing workload's."""
    of = {name: [one for one in effects if one.workload == name] for name in ("attention", "encoder")}
    return [
        replace(one, workload=name, compiler=compiler, ratio=stretched(one.ratio, shape[2]))
        for place, (name, compiler) in enumerate(units(shape))
        for one in of["encoder" if place % 3 == 2 else "attention"]
    ]


def cold(found: Findings, shape: Shape) -> list[Figure]:
    points = cold_points(found.trials)
    parts = [
        points.filter(pl.col("workload") == ("encoder" if place % 3 == 2 else "attention")).with_columns(
            pl.lit(name).alias("workload"),
            pl.lit(compiler).alias("compiler"),
            pl.col(TIME) * max(shape[2], 1.0) ** (place % 5),
            pl.when(place % 2 == 0).then(pl.col("cache")).otherwise(pl.lit("warm")).alias("cache"),
            pl.when(place % 2 == 0).then(pl.col(MISSES)).otherwise(0 * pl.col(MISSES)).alias(MISSES),
        )
        for place, (name, compiler) in enumerate(units(shape))
    ]
    return compose_cold_scatter(pl.concat(parts), shape[3])


def main_effects(found: Findings, shape: Shape) -> list[Figure]:
    effects = spread_out(found.effects(HOT, "hot", list(PRIMARY)), shape)
    first = found.controls(HOT, "hot")[0]
    controls = [replace(first, workload=name, compiler=compiler) for name, compiler in units(shape)]
    proofs = [replace(one, workload=name, compiler=c) for name, c in units(shape) for one in found.proofs[:4]]
    return compose_main_effects(MainEffectsData.of(HOT, effects, controls, proofs), shape[3])


def attribution(found: Findings, shape: Shape) -> list[Figure]:
    parts = spread_out(found.attributions(HOT, "hot", {}, {}), shape)
    proofs = [replace(one, workload=name, compiler=c) for name, c in units(shape) for one in found.proofs[:4]]
    return compose_attribution(waterfalls(parts, proofs), HOT, shape[3])


def memory_latency(found: Findings, shape: Shape) -> list[Figure]:
    def scaled(one: Place, factor: float) -> Place:
        memory, time, low, high = (x if x is None else x * factor for x in (one.memory, one.time, one.low, one.high))
        return replace(one, memory=memory, time=time, low=low, high=high)

    places = places_of(found.trials, "planned_bytes", HOT, "hot", MARKS)
    of = {name: [one for one in places if one.workload == name] for name in ("attention", "encoder")}
    spread = [
        replace(scaled(one, shape[2] ** (place % 9)), workload=name, compiler=compiler)
        for place, (name, compiler) in enumerate(units(shape))
        for one in of["encoder" if place % 3 == 2 else "attention"]
    ]
    return compose_memory_latency(spread, "planned_bytes", HOT, MARKS, shape[3])


def break_even(found: Findings, shape: Shape) -> list[Figure]:
    cases = cases_of(found.break_even, found.proofs, every=False)
    of = {name: [one for one in cases if one.found.workload == name] for name in ("attention", "encoder")}
    spread = [
        Case(
            replace(
                one.found,
                workload=name,
                compiler=compiler,
                compile_ratio=stretched(one.found.compile_ratio, shape[2]),
                runs=None if one.found.runs is None else one.found.runs * shape[2] ** (place % 9),
                low=None if one.found.low is None else one.found.low * shape[2] ** (place % 9),
                high=None if one.found.high is None else one.found.high * shape[2] ** (place % 9),
            ),
            one.is_no_op,
            one.is_fullest,
        )
        for place, (name, compiler) in enumerate(units(shape))
        for one in of["encoder" if place % 3 == 2 else "attention"]
    ]
    return compose_break_even(spread, shape[3])


KINDS: list[Callable[[Findings, Shape], list[Figure]]] = [cold, main_effects, attribution, memory_latency, break_even]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        pytest.param(
            kind,
            shape,
            id=f"{kind.__name__}-{'-'.join(map(str, shape))}",
            marks=[] if (row + at) % 2 else pytest.mark.long,
        )
        for row, kind in enumerate(KINDS)
        for at, shape in enumerate(SHAPES)
    ],
)
def test_figure_of_any_shape_is_legible(
    measured: Findings, kind: Callable[[Findings, Shape], list[Figure]], shape: Shape
) -> None:
    with house_style():
        pages = kind(measured, shape)
        assert len(pages) == 1 or shape[0] != "three"
        assert {page.get_figwidth() for page in pages} == {WIDTHS_IN[shape[3]]}
        assert faults(pages[-1]) == []


@pytest.fixture(scope="module")
def one_block() -> Findings:
    return Findings(tidied(make_records(workloads=["attention", "encoder"], blocks=1)))


@pytest.fixture(scope="module")
def all_failed() -> Findings:
    plants = [Plant("crashed", name, mode, {}) for name in ("attention", "encoder") for mode in ("cold", "hot")]
    return Findings(tidied(make_records(workloads=["attention", "encoder"], blocks=1, plants=plants)))


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_figure_of_one_block_has_no_intervals(
    one_block: Findings, kind: Callable[[Findings, Shape], list[Figure]]
) -> None:
    with house_style():
        (page,) = kind(one_block, ("three", "one", 1.0, "column"))
        assert faults(page) == []
        texts = " ".join(text.get_text() for text in page.findobj(Text) if isinstance(text, Text))
        assert "interval" not in texts.replace("too few blocks for intervals", "")


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_figure_of_failed_workloads_shows_crosses(
    all_failed: Findings, kind: Callable[[Findings, Shape], list[Figure]]
) -> None:
    all_failed.controls(HOT, "hot")
    with house_style():
        (page,) = compose_all_failed(all_failed, kind)
        assert text_faults(page) == []
        marks = {line.get_marker() for axes in page.axes for line in axes.lines}
        assert "x" in marks
        assert not {"o", "s", "^", "D"} & marks


def compose_all_failed(found: Findings, kind: Callable[[Findings, Shape], list[Figure]]) -> list[Figure]:
    if kind is main_effects:
        effects = found.effects(HOT, "hot", list(PRIMARY))
        return compose_main_effects(MainEffectsData.of(HOT, effects, [], found.proofs))
    return kind(found, ("three", "one", 1.0, "column"))


def test_effects_figure_has_panel_per_step_for_any_number_of_levels(measured: Findings) -> None:
    effects = measured.effects(HOT, "hot", ["fusion"])
    with house_style():
        (page,) = compose_main_effects(MainEffectsData.of(HOT, effects, [], []))
        assert faults(page) == []
        three = [*effects, *(replace(one, level="a_level_with_a_long_name") for one in effects)]
        (page,) = compose_main_effects(MainEffectsData.of(HOT, three, [], []))
        assert faults(page) == []
        titles = [axes.get_title() for axes in page.axes]
        assert titles[0] == "fusion\noff → on"
        assert titles[1].startswith("fusion\noff →\na_")  # too long to stand beside each other


def test_break_even_headings_keep_full_names_in_narrow_figure(measured: Findings) -> None:
    with house_style():
        (page,) = break_even(measured, ("seven", "three", 1.0, "column"))[:1]
        texts = [text.get_text() for text in page.findobj(Text) if isinstance(text, Text)]
        assert "attention, inductor" in texts


def test_memory_figure_omits_and_names_compilers_without_memory(measured: Findings) -> None:
    places = places_of(measured.trials, "planned_bytes", HOT, "hot", MARKS)
    silent = [replace(one, compiler="silent", memory=None, failed=0) for one in places]
    with house_style():
        (page,) = compose_memory_latency([*places, *silent], "planned_bytes", HOT, MARKS)
        assert len(page.axes) == 2
        texts = [text.get_text() for text in page.findobj(Text) if isinstance(text, Text)]
        assert "memory not reported: silent" in texts


@pytest.mark.parametrize(
    ("reasons", "label"),
    [
        ([{"unsupported": 2}], "unsupported level"),
        ([{"crashed": 1}], "failed: no effect known"),
        ([None], "failed: no effect known"),
        ([{"unsupported": 1, "timeout": 1}], "failed or unsupported"),
    ],
)
def test_figure_crosses_distinguish_failed_from_unsupported(
    measured: Findings, reasons: list[dict[str, int] | None], label: str
) -> None:
    effects = measured.effects(HOT, "hot", ["fusion"])
    crossed = [
        replace(effects[0], ratio=None, reason=Why.of(Absence.of(counts, 2)) if counts else None, workload=f"w{i}")
        for i, counts in enumerate(reasons)
    ]
    with house_style():
        (page,) = compose_main_effects(MainEffectsData.of(HOT, [*effects, *crossed], [], []))
        texts = [text.get_text() for text in page.findobj(Text) if isinstance(text, Text)]
        assert label in texts


def test_figure_axis_holds_ratios_of_a_twentieth_and_twenty(measured: Findings) -> None:
    effects = measured.effects(HOT, "hot", ["fusion"])
    wide = [
        replace(one, workload=f"w{i}", ratio=Ratio(value, value / 1.2, value * 1.2, 3))
        for i, value in enumerate((0.05, 1.0, 20.0))
        for one in effects[:1]
    ]
    with house_style():
        (page,) = compose_main_effects(MainEffectsData.of(HOT, wide, [], []))
        assert faults(page) == []
        low, high = page.axes[0].get_xlim()
        assert low < 0.05 / 1.2
        assert high > 20.0 * 1.2
        assert len(page.axes[0].get_xticks()) >= 3


def test_figure_names_when_shortened_stay_different() -> None:
    names = ["resnet", "a" * 30 + "_one", "a" * 30 + "_two", "b" + "c" * 40, "d" + "c" * 40]
    short = short_names(names, 12)
    assert len(set(short.values())) == len(names)
    assert all(len(name) <= 12 for name in short.values())
    assert short["resnet"] == "resnet"
    middles = ["x" * 20 + middle + "y" * 20 for middle in "abc"]
    assert len(set(short_names(middles, 12).values())) == 3


def test_legibility_check_finds_planted_faults(measured: Findings) -> None:
    with house_style():
        (page,) = main_effects(measured, ("three", "one", 1.0, "column"))
        page.text(0.3, 0.3, "one")
        page.text(0.31, 0.3, "other")
        page.text(0.99, 0.9, "far out")
        page.axes[0].plot([99.0], [0.0], marker="o")
        page.axes[0].plot([1.0], [0.0], marker="o", color="#F8F8F8", label="pale")
        page.legends[0].remove()
        page.legend(handles=page.axes[0].get_lines()[-1:], loc="outside lower center")
        found = faults(page)
    assert "'one' crosses 'other'" in found
    assert "'far out' leaves the page" in found
    assert any(fault.endswith("leaves its panel") for fault in found)
    assert "'pale' is too light for white paper" in found
    assert any(fault.endswith("lies on a panel") for fault in found)
