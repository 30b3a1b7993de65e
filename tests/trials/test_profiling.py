"""A profile is of the process that was timed: its trial first, whole, and then the turns under the profiler."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.catalogue import installed_catalogue
from ablatrix.compilers.adapter import PhaseClock
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.trials.fork_server import import_compiler
from ablatrix.trials.messages import (
    Answer,
    BurstSamples,
    FinishRequest,
    ProfileReport,
    ProfileTask,
    Ready,
    Request,
    StageBegun,
    WarmUpRequest,
    WarmUpSamples,
)
from ablatrix.trials.messages.requests import BurstRequest
from ablatrix.trials.worker.profiling import RUNS, profile_trial
from ablatrix.workloads.prepare import prepare
from tests.trials.conftest import make_task

pytestmark = pytest.mark.slow
WARM_UP = WarmUpRequest(ms=0.1)
BURST = BurstRequest(rewarm=1, ms=100.0, iterations=4)


class Script:
    """Gives its requests in order, and keeps what is answered."""

    def __init__(self, *requests: Request) -> None:
        self._requests = list(requests)
        self.answers: list[Answer] = []

    def send(self, message: StageBegun | Answer) -> None:
        if not isinstance(message, StageBegun):
            self.answers.append(message)

    def receive(self) -> Request:
        return self._requests.pop(0)


def test_profile_follows_a_whole_trial_in_the_same_process(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    entry = installed_catalogue().compiler("onnxruntime")
    task = make_task(tmp_path, mode="hot", role="measured", entry=entry, knobs=dict(entry.defaults()))
    program = prepare("mlp", {"layers": 1, "hidden": 16, "batch": 2}, input_sets=2, seed=0)
    talk = Script(WARM_UP, BURST, FinishRequest(), WARM_UP, BURST, BURST, FinishRequest())
    compiler = import_compiler(entry)
    compiler.set_threads(1)
    result = profile_trial(talk, ProfileTask(trial=task), compiler, program, PhaseClock())
    assert result.status == "ok", result.error
    assert result.correctness is not None and result.correctness.ok
    assert [type(one) for one in talk.answers] == [
        *(Ready, WarmUpSamples, BurstSamples),  # the trial
        *(Ready, Ready, Ready, Ready, ProfileReport),
    ]
    report = talk.answers[-1]
    assert isinstance(report, ProfileReport)
    assert len(report.profile.plain_ms) == 2
    assert len(report.profile.walls_ms) == 2 * RUNS
    assert report.profile.artifact_digest == result.correctness.timed_digest
    assert report.nodes


def test_profile_of_a_compiler_that_tells_no_times_is_refused_before_its_trial(tmp_path: Path) -> None:
    program = prepare("mlp", {"layers": 1, "hidden": 16, "batch": 2}, input_sets=2, seed=0)
    talk = Script()
    order = ProfileTask(trial=make_task(tmp_path, mode="hot"))
    result = profile_trial(talk, order, EagerCompiler(), program, PhaseClock())
    assert result.status == "unsupported"
    assert result.error is not None and "does not tell times of its kernels" in result.error.message
    assert talk.answers == []
