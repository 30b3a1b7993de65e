"""Which settings TVM has: passes, entries of its pass context, attributes of its target, and LLVM's own options."""

from __future__ import annotations

import inspect
import json
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tvm

from ablatrix.compilers.output import STDERR, written_to
from ablatrix.compilers.settings.address import Address, Type, switches, type_of
from ablatrix.compilers.tvm.build import host_target
from ablatrix.compilers.tvm.passes import pass_observer
from ablatrix.compilers.tvm.pipeline import OPT_LEVEL, PASS_CONFIG, PASS_OPT_LEVEL, Options, lower

PASS, CONFIG, TARGET, LLVM = "pass", "config", "target", "llvm"
ROOMS = ("relax", "tirx", "s_tir")
TYPES: dict[str, Type] = {
    "bool": "switch",
    "int": "whole number",
    "ir.IntImm": "whole number",
    "float": "number",
    "str": "text",
}
TRUE_BY_ITSELF = ("tirx.noalias", "relax.transform.apply_legalize_ops")
NO_CONFIG = re.compile(r"^testing\.|lwp|vtcm|cuda|ldg32|async_copy|is_entry_func|instrument")
TARGETS = re.compile(r"mattr|mcpu|opt-level|fast-math.*|vector-width")
# Names of options are literals of the library, each with a zero behind it; one that ends another may share its place.
WORD = re.compile(rb"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)(?=\x00)")
NO_OPTION = re.compile(r"print|debug|dump|view|stats|verify|file|trace|remark|amdgpu|hexagon|nvptx|arm-|aarch64|riscv")
REFUSED = re.compile(r"\"([^\"]+)\" is not an LLVM option")
LLVM_TYPES: dict[str, Type] = {"bool": "switch", "int": "whole number", "uint": "whole number", "string": "text"}


def addresses() -> Iterator[Address]:
    """Yield the settings of the installed TVM."""
    yield from switches(PASS, _passes(), counted=True)
    yield Address(kind=CONFIG, name=OPT_LEVEL, type="whole number", value=PASS_OPT_LEVEL)
    yield from _configs()
    yield from _targets()
    yield from _llvm_options()


def _passes() -> set[str]:
    """Return the names of passes that can be made without an argument, and of those that a compilation runs."""
    found: set[str] = set()
    for room in ROOMS:
        transform = getattr(getattr(tvm, room, None), "transform", None)
        for name, make in vars(transform).items() if transform else ():
            if name[0].isupper() and inspect.isfunction(make):
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        found.add(str(make().info.name))
                except Exception:  # it needs arguments, or is no pass
                    continue
    return (found | _run_by_a_compilation()) - {"sequential", "PassDestinations"}  # the latter is ours


def _run_by_a_compilation() -> set[str]:
    import torch
    from tvm.relax.frontend.torch import from_exported_program

    class Something(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return (torch.softmax(x @ x, -1) + 1,)

    module = from_exported_program(torch.export.export(Something(), (torch.ones(8, 8),)), run_ep_decomposition=True)
    observer, watch = pass_observer()
    target = host_target()
    options = Options(kill=True, memory_plan=True, fusion=True, vectorised=False, library=False)
    with target, tvm.transform.PassContext(config=PASS_CONFIG, instruments=[observer]):
        tvm.compile(lower(module, options, {}).module, target=target, relax_pipeline=None)
    return {one.name for one in watch.runs if not one.name.startswith("_")}


def _configs() -> Iterator[Address]:
    for name, described in sorted(tvm.transform.PassContext.list_configs().items()):
        kind = json.loads(str(described))["type"]
        if NO_CONFIG.search(name):
            continue
        if kind in TYPES:
            value = PASS_CONFIG.get(name, name in TRUE_BY_ITSELF) if kind == "bool" else None
            yield Address(kind=CONFIG, name=str(name), type=TYPES[kind], value=value)
        elif kind.endswith("Config"):
            yield from _fields(str(name))


def _fields(name: str) -> Iterator[Address]:
    """Yield the fields of an entry that is an object, as ``entry.field``."""
    held = tvm.transform.PassContext(config={name: {}}).config[name]
    for field in type(held).__tvm_ffi_type_info__.fields:
        value = getattr(held, field.name)
        if isinstance(value, bool | int | float | str):
            yield Address(kind=CONFIG, name=f"{name}.{field.name}", type=type_of(value), value=value)


def _targets() -> Iterator[Address]:
    for name, kind in sorted(tvm.target.TargetKind.options_from_name("llvm").items()):
        if TARGETS.fullmatch(str(name)):
            of = TYPES.get(str(kind), "text")
            yield Address(kind=TARGET, name=str(name), type=of, value=False if of == "switch" else None)


def _llvm_options() -> Iterator[Address]:
    """Yield the options that LLVM takes, with each type: TVM warns of names that are none, and checks no type."""
    library = next(Path(tvm.__file__).parent.glob("lib/libtvm_compiler*"), None)
    words = set() if library is None else {one.decode() for one in WORD.findall(library.read_bytes())}
    parts = [word.split("-") for word in words if not NO_OPTION.search(word)]
    names = sorted({"-".join(one[start:]) for one in parts for start in range(len(one) - 1)})
    refused = _refused([f"-{name}:bool=0" for name in names])
    for name in names:
        for kind, type_ in LLVM_TYPES.items() if name not in refused else ():
            off, on, prefix = f"{kind}=0", f"{kind}=1", f"{kind}="
            yield Address(kind=LLVM, name=f"{name}:{kind}", type=type_, off=off, on=on, prefix=prefix)


def _refused(options: list[str]) -> set[str]:
    """Return the names among options of which TVM says that LLVM has none."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log.txt"
        with written_to(log, STDERR):
            tvm.target.codegen.llvm_get_vector_width(tvm.target.Target({"kind": "llvm", "cl-opt": options}))
        return set(REFUSED.findall(log.read_text(encoding="utf-8", errors="replace")))
