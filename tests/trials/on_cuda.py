"""A plug-in for tests on a GPU: eager again, with a knob that the device shows. ``twice`` runs the program twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablatrix.canonical import digest_value
from ablatrix.compilers.adapter import BoundRun, CompileFacts, CompileRequest, Executable
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, LevelEntry
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.trials.worker import cuda

LEVELS = (LevelEntry("once", "The program runs once."), LevelEntry("twice", "It runs twice."))


class OnCudaCompiler(EagerCompiler):
    name = "on_cuda"

    def compile(self, request: CompileRequest) -> Executable:
        with request.clock.phase("compile"):
            level = request.knobs["passes"]
        return OnCudaExecutable(super().compile(request), 2 if level == "twice" else 1)


class OnCudaExecutable:
    def __init__(self, inner: Executable, times: int) -> None:
        self.facts = CompileFacts(artifact_digest=digest_value([inner.facts.artifact_digest, times]))
        self._inner, self._times = inner, times

    def bind(self, inputs: Sequence[Any]) -> BoundRun:
        assert {one.device.type for one in inputs} == {cuda.DEVICE}
        return OnCudaRun(self._inner.bind(inputs), self._times)


class OnCudaRun:
    def __init__(self, inner: BoundRun, times: int) -> None:
        self._inner, self._times = inner, times

    def run(self) -> None:
        for _ in range(self._times):
            self._inner.run()

    def outputs(self) -> tuple[Any, ...]:
        outputs = self._inner.outputs()
        assert {one.device.type for one in outputs} == {cuda.DEVICE}
        return outputs


COMPILERS = [
    CompilerEntry(
        name="on_cuda",
        summary="Eager on the device, once or twice.",
        modules=("torch",),
        extra="",
        adapter="on_cuda:OnCudaCompiler",
        knobs=(
            KnobEntry(
                name="passes",
                kind="primary",
                summary="How often the program runs.",
                levels=LEVELS,
                default="once",
                affects="code",
            ),
        ),
        cuda_unsupported="",
    )
]
