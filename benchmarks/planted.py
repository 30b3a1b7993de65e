"""A compiler whose effects are known, as a plug-in for studies that judge the product itself.

``slow`` adds one or two kernels to a hundred equal ones, 1 % and 2 % by construction; ``nothing``, ``dud`` and ``idle``
switch nothing. A build adds as many as ``PLANTED_MORE`` of its environment says. The program itself runs once, when its
inputs are bound, for outputs that can be checked. Every configuration says that its code is its own: that equal code
has no effect is to be measured here, not known.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ablatrix.plugin import (
    BoundRun,
    CompileFacts,
    CompilerEntry,
    CompileRequest,
    EagerCompiler,
    Executable,
    KnobEntry,
    LevelEntry,
    digest_value,
)

SIDE = 64
KERNELS = 100
MORE = {"none": 0, "one": 1, "two": 2}
IDLE = 15


class PlantedCompiler(EagerCompiler):
    """Runs so many equal small kernels an iteration."""

    name = "planted"

    def compile(self, request: CompileRequest) -> Executable:
        """Make the module; nothing is built."""
        inner = super().compile(request)
        digest = digest_value(dict(request.knobs))
        kernels = KERNELS + MORE[str(request.knobs["slow"])] + int(os.environ.get("PLANTED_MORE", "0"))
        return KernelsExecutable(inner, digest, kernels)


class KernelsExecutable:
    """An executable whose iteration is so many kernels."""

    def __init__(self, inner: Executable, digest: str, kernels: int) -> None:
        self.facts = CompileFacts(artifact_digest=digest)
        self._inner, self._kernels = inner, kernels

    def bind(self, inputs: Sequence[Any]) -> BoundRun:
        """Bind one set of inputs and run the program once."""
        return KernelsRun(self._inner.bind(inputs), self._kernels)


class KernelsRun:
    """So many multiplications of small matrices as one iteration."""

    def __init__(self, inner: BoundRun, kernels: int) -> None:
        import torch

        inner.run()
        self.outputs = inner.outputs
        self._multiply, self._kernels = torch.mm, kernels
        self._left, self._right, self._out = (torch.ones(SIDE, SIDE) for _ in range(3))

    def run(self) -> None:
        """Run them all."""
        for _ in range(self._kernels):
            self._multiply(self._left, self._right, out=self._out)


def _knob(name: str, summary: str, levels: Sequence[str]) -> KnobEntry:
    return KnobEntry(
        name=name,
        kind="primary",
        summary=summary,
        levels=tuple(LevelEntry(name=level, summary="One of this benchmark.") for level in levels),
        default=levels[0],
        affects="code",
    )


COMPILERS = [
    CompilerEntry(
        name="planted",
        summary="Kernels whose number is known.",
        modules=("torch",),
        extra="",
        adapter="planted:PlantedCompiler",
        knobs=(
            _knob("slow", "How many kernels are added to a hundred.", list(MORE)),
            _knob("nothing", "Switches nothing.", ["off", "on"]),
            _knob("dud", "Switches nothing.", ["off", "on"]),
            _knob("idle", "Switches nothing.", ["none", *(f"i{number}" for number in range(1, IDLE + 1))]),
        ),
    )
]
