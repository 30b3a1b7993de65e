"""The noise floor is measured by real paused workers, and said in words that hold."""

import math

import pytest

from ablatrix.trials.run.noise_floor import NoiseFloor, measure_noise_floor


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> NoiseFloor:
    notices: list[str] = []
    found = measure_noise_floor(tmp_path_factory.mktemp("floor"), notices.append, blocks=2, rounds=2, threads=1)
    assert notices == ["preparing the program", "block 1 of 2", "block 2 of 2"]
    return found


def test_noise_floor_measures_one_program_against_itself_per_block(floor: NoiseFloor) -> None:
    assert len(floor.log_ratios) == 2
    assert floor.iteration_ms > 0
    assert floor.threads == 1
    assert len(set(floor.log_ratios)) == 2  # two real measurements, and never the same number


def test_noise_floor_of_one_block_has_no_interval() -> None:
    floor = NoiseFloor((0.01,), 1.0, 1, (), 5.0)
    assert floor.largest == pytest.approx(0.01, rel=0.01)
    assert "interval" not in floor.sentence()


def test_noise_floor_is_largest_distance_in_either_direction() -> None:
    floor = NoiseFloor((math.log(1.01), math.log(1 / 1.03), 0.0), 1.0, 2, ("steal: x",), 20.0)
    assert floor.largest == pytest.approx(0.03)
    assert "up to 3.00% in 3 blocks" in floor.sentence()
    assert "Disturbed trials: 1, the first by steal: x." in floor.sentence()
