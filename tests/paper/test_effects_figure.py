"""The effects figure can be read, whatever the effects."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.analysis.effects import Effect, main_effects
from ablatrix.analysis.figure import house_style
from ablatrix.analysis.noise_floor import NoiseFloor, noise_floors
from ablatrix.analysis.tidy import tidy
from ablatrix.paper.figures.main_effects import compose_main_effects, draw_main_effects
from ablatrix.statistics.ratio import Ratio
from tests.legibility import text_faults
from tests.synthetic import PRIMARY, make_records, write_records

NAMES = ["attention", "bound_propagation", "convolution", "decoder", "encoder", "mlp", "resnet"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Effect], list[NoiseFloor]]:
    path = tmp_path_factory.mktemp("records") / "results.jsonl"
    trials = tidy([write_records(path, make_records(workloads=["encoder"], modes=["hot"]))]).trials
    return main_effects(trials, "run_ms_mean", "hot", list(PRIMARY)), noise_floors(trials, "run_ms_mean", "hot")


def stretched(ratio: Ratio | None, power: float) -> Ratio | None:
    if ratio is None or ratio.low is None or ratio.high is None:
        return ratio
    return Ratio(ratio.value**power, ratio.low**power, ratio.high**power, ratio.count)


@pytest.mark.parametrize("power", [0.0, 0.1, 1.0, 4.0, 12.0])
@pytest.mark.parametrize("compilers", [["tvm"], ["inductor", "onnxruntime", "tvm"]])
def test_seven_workloads_fit_one_column_without_texts_crossing(
    measured: tuple[list[Effect], list[NoiseFloor]], power: float, compilers: list[str]
) -> None:
    units = [(name, compiler) for name in NAMES for compiler in compilers]
    effects = [
        replace(effect, workload=name, compiler=compiler, ratio=stretched(effect.ratio, power))
        for name, compiler in units
        for effect in measured[0]
    ]
    floors = [replace(floor, workload=name, compiler=compiler) for name, compiler in units for floor in measured[1]]
    with house_style():
        assert text_faults(compose_main_effects(effects, floors)) == []


def test_three_effects_without_a_ratio_or_a_floor_still_make_a_figure(
    measured: tuple[list[Effect], list[NoiseFloor]], tmp_path: Path
) -> None:
    effects = [replace(effect, ratio=None) for effect in measured[0][:3]]
    with house_style():
        assert text_faults(compose_main_effects(effects, [])) == []
    assert all(file.stat().st_size > 1000 for file in draw_main_effects(effects, [], tmp_path / "fig"))
