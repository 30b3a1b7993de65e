"""The five compilers, each with a fault that comes with passes or settings of it: a plug-in of ``bisect_faults.py``.

The fault is in the file that the environment variable ``PLANTED_FAULT`` names: what it does, then the addresses that
have to be in force for it, as ``spoil pass:algsimp pass:fusion``. A pass is in force unless it is switched off, a
setting where it is set and not off: a knob of ablatrix's own may set it to off by default. So the fault behaves as if
that pass, or two of them together, had it. ``crash`` ends the process while it compiles, ``crash:64`` while it runs,
on inputs of which a dimension is 64. ``slow`` leaves the pass itself as it is, switched off or not: without it the
tenth of planted time is gone, and what it gains is not.
"""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from ablatrix.compilers.adapter import BoundRun, CompileRequest, Executable
from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.settings import Applied
from ablatrix.import_spec import import_place
from ablatrix.testing.planted import Around, Wrapped

VARIABLE = "PLANTED_FAULT"
SLOWER = 0.1
PASSES = ("pass", "optimizer", "lowering")
NAMES = ("tvm", "inductor", "onnxruntime", "xla", "openvino")


def is_in_force(address: str, settings: Applied) -> bool:
    """Return whether a pass runs, or a setting is set to other than off."""
    kind, _, name = address.partition(":")
    if kind in PASSES:
        return name not in settings.switched_off(kind)
    return settings.running(kind).get(name, False) is not False


def without(settings: Applied, addresses: Sequence[str]) -> Applied:
    """Return settings of which some are left as the compiler has them."""
    code, run_time = (
        {key: value for key, value in held.items() if ":".join(key) not in addresses}
        for held in (settings.code, settings.run_time)
    )
    return replace(settings, code=code, run_time=run_time)


def spoil(bound: BoundRun, _inputs: Sequence[torch.Tensor]) -> None:
    """Run, and change one element."""
    bound.run()
    bound.outputs()[-1].view(-1)[-1] += 0.5


def slow(bound: BoundRun, _inputs: Sequence[torch.Tensor]) -> None:
    """Run, and take a tenth longer."""
    begun = perf_counter()
    bound.run()
    until = begun + (perf_counter() - begun) * (1.0 + SLOWER)
    while perf_counter() < until:
        pass


def crash_on(dimension: int) -> Callable[[BoundRun, Sequence[torch.Tensor]], None]:
    """Return what runs, and ends the process on inputs with a dimension."""

    def crash(bound: BoundRun, inputs: Sequence[torch.Tensor]) -> None:
        if any(dimension in one.shape for one in inputs):
            os.kill(os.getpid(), signal.SIGSEGV)
        bound.run()

    return crash


class Planted(Around):
    """A compiler with the fault of the environment."""

    shipped = ""

    def __init__(self) -> None:
        super().__init__(import_place(SHIPPED[self.shipped].adapter)())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def observe_passes(self, request: CompileRequest) -> Any:
        """Have the real compiler observe its passes."""
        return self.inner.observe_passes(request)  # type: ignore[attr-defined]

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, with the fault where what it takes is in force."""
        what, *addresses = Path(os.environ[VARIABLE]).read_text(encoding="utf-8").split()
        is_there = what != "none" and all(is_in_force(one, request.settings) for one in addresses)
        if what == "slow":
            request = replace(request, settings=without(request.settings, addresses))
        if not is_there:
            return self.inner.compile(request)
        if what == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        kind, _, dimension = what.partition(":")
        around = crash_on(int(dimension)) if kind == "crash" else {"spoil": spoil, "slow": slow}[kind]
        return Wrapped(self.inner.compile(request), around)


class PlantedTvm(Planted):
    """TVM."""

    shipped = "tvm"


class PlantedInductor(Planted):
    """TorchInductor."""

    shipped = "inductor"


class PlantedOnnxruntime(Planted):
    """ONNX Runtime."""

    shipped = "onnxruntime"


class PlantedXla(Planted):
    """XLA."""

    shipped = "xla"


class PlantedOpenvino(Planted):
    """OpenVINO."""

    shipped = "openvino"


COMPILERS = [
    replace(SHIPPED[name], name=f"planted_{name}", adapter=f"planted_compilers:Planted{name.capitalize()}")
    for name in NAMES
]
