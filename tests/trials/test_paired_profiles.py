"""Trials and profiles take turns in one block: as many rounds as the study says, and more where runs are short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ablatrix.trials.messages import ProfileTask, padding_of
from ablatrix.trials.run.paired_profiles import MOST_TIMES, run_filled, run_profiled
from tests.trials.conftest import Bench, make_task


def rounds(bench: Bench, fault: str, fill_s: float) -> tuple[int, str]:
    """Return how many bursts a trial had, and the last thing that was told."""
    block, told = bench.block([fault], mode="hot"), [""]
    found = run_filled(block, lambda cell: bench.server, lambda trial, what: told.append(what), fill_s=fill_s)
    return len(found[0].bursts_ms), told[-1]


@pytest.mark.slow
def test_run_filled_short_runs_have_more_rounds_than_the_study_says(bench: Bench) -> None:
    assert rounds(bench, "none", 0.0) == (3, "hot: round 3")
    assert rounds(bench, "none", 60.0) == (MOST_TIMES * 3, f"hot: round {MOST_TIMES * 3}")


@pytest.mark.slow
def test_run_filled_where_a_process_is_gone_there_are_no_further_rounds(bench: Bench) -> None:
    assert rounds(bench, "raise", 60.0) == (0, "hot: round 3")


def test_padding_of_profile_is_that_of_its_trial(tmp_path: Path) -> None:
    """Else the processes that profile would lie alike in all blocks, and differ from trials in all of them."""
    trial = make_task(tmp_path, padding_seed=7)
    assert padding_of(trial) == 7
    assert padding_of(ProfileTask(trial=trial, mapped=False)) == 7
    assert padding_of(make_task(tmp_path)) is None


@pytest.mark.slow
def test_run_profiled_process_that_cannot_profile_says_so_and_has_no_profile(bench: Bench) -> None:
    block = bench.block(["none"], mode="hot")
    found = run_profiled(block, lambda cell: bench.server, lambda trial, what: None)
    assert found.profiles == (None,)
    assert found.outcomes[0].result.status == "unsupported"
    assert found.nodes == ()


@pytest.mark.slow
def test_run_filled_is_undisturbed_while_trials_take_turns_alone(bench: Bench) -> None:
    told: list[str] = []

    @contextmanager
    def quiet() -> Iterator[None]:
        told.append("quiet")
        yield
        told.append("loud")

    block = bench.block(["none"], mode="hot")
    run_filled(block, lambda cell: bench.server, lambda trial, what: told.append(what), fill_s=0.0, undisturbed=quiet)
    assert told == ["hot: building", "quiet", *(f"hot: round {number}" for number in (1, 2, 3)), "loud"]
