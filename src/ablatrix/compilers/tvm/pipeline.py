"""The pass sequence of one task, and what is read from the program on its way.

    DecomposeOpsForInference, DispatchSortScan, [library], LegalizeOps, AnnotateTIROpPattern, FoldConstant,
    [FuseOps, FuseTIR], [schedule], DeadCodeElimination, RewriteDataflowReshape, ToNonDataflow,
    RemovePurityChecking, CallTIRRewrite, PassDestinations, [StaticPlanBlockMemory], LowerAllocTensor,
    [KillAfterLastUse], LowerRuntimeBuiltin, ComputePrimValue, VMShapeLower, AttachGlobalSymbol

A study's own passes are inserted before or after any that is named here in full, two of which can change places, and a
pipeline of a study is given all of it.

What depends on weights alone (their transposes) is already folded when a workload is lowered, so a task has each weight
in the layout in which it is used. Weights that are part of the task (knob ``weights``) are bound when it is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tvm
from tvm import relax

from ablatrix.compilers.catalogue.model import Level
from ablatrix.compilers.settings import LIMIT, NO_SETTINGS, Applied
from ablatrix.compilers.tvm.destination_passing import DESTINATIONS, pass_destinations
from ablatrix.compilers.tvm.own_passes import Step, changed_sequence
from ablatrix.compilers.tvm.passes import limiter
from ablatrix.errors import CompilerError

T = relax.transform
# Kernels are called by code that TVM generated, with types that it inferred; what comes from outside is checked
# at the function's entry and by the executor. Checks in every kernel would double the code.
PASS_CONFIG = {"tirx.disable_assert": True}
ALLOCATION = "LowerAllocTensor"
LAST = ("KillAfterLastUse", "LowerRuntimeBuiltin", "ComputePrimValue", "VMShapeLower", "AttachGlobalSymbol")
OPT_LEVEL = "opt_level"
PASS_OPT_LEVEL = 2  # a pass context's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the pass sequence that the knobs set; ``partition`` enters through the task itself.

    Attributes:
        kill: Storage inside a task is freed after its last use (knob ``reuse: release``).
        memory_plan: Storage inside a task is planned at compile time.
        fusion: Operators are fused into one kernel.
        vectorised: Loops are arranged by our CPU schedule.
        library: Torch's kernels compute matrix products and convolutions.
        settings: What the study sets besides, by address.
    """

    kill: bool
    memory_plan: bool
    fusion: bool
    vectorised: bool
    library: bool
    settings: Applied = NO_SETTINGS

    @classmethod
    def from_knobs(cls, knobs: Mapping[str, Level], settings: Applied = NO_SETTINGS) -> Options:
        """Read the knobs of one configuration; a knob that is not named has its first level."""
        return cls(
            kill=knobs.get("reuse") == "release",
            memory_plan=knobs.get("memory_plan") == "on",
            fusion=knobs.get("fusion") == "on",
            vectorised=knobs.get("schedule") == "vectorised",
            library=knobs.get("library") == "on",
            settings=settings,
        )

    def context(self, *instruments: Any) -> Any:
        """Return the pass context that a task is compiled in: switched-off passes, and entries of its configuration."""
        given = dict(self.settings.building("config"))
        opt_level = given.pop(OPT_LEVEL, PASS_OPT_LEVEL)
        entries: dict[str, Any] = dict(PASS_CONFIG)
        known = tvm.transform.PassContext.list_configs()
        for name, value in given.items():
            entry, _, field = name.rpartition(".")
            if name in known:
                entries[name] = value
            else:  # a field of an entry that is an object
                entries.setdefault(entry, {})[field] = value
        return tvm.transform.PassContext(
            opt_level=opt_level,
            config=entries,
            disabled_pass=self.settings.switched_off("pass"),
            instruments=[*instruments, *limiter(self.settings.building(LIMIT))],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A lowered task and what was read from it.

    Attributes:
        module: Ready for code generation.
        destinations: Outputs that the function writes into storage given by the caller, in parameter order.
        generated_calls: Calls to generated kernels in one run.
        generated_kernels: Distinct generated kernels that a run calls.
        planned_bytes: Sum of the storages that a run allocates, dynamic dimensions at their upper bound; None
            when one has no bound.
        estimator: TVM's own estimate, ``unplanned_bytes`` and ``planned_bytes``, to four digits; None when
            dynamic.
        reasons: Why a figure is None.
    """

    module: Any
    destinations: tuple[int, ...]
    generated_calls: int
    generated_kernels: int
    planned_bytes: int | None
    estimator: dict[str, float] | None
    reasons: dict[str, str]


def lower(module: Any, options: Options, upper_bounds: Mapping[str, int]) -> Lowered:
    """Run the passes under the current target and pass context.

    Args:
        module: As imported.
        options: The options that the knobs set.
        upper_bounds: Upper bound of each symbol, by name.

    Raises:
        CompilerError: A pass or a pipeline of the author's is none, or leaves out what code generation needs.
    """
    passes = changed_sequence(_steps(options), options.settings)
    names = [str(one.info.name) for one in passes]
    if ALLOCATION not in names:
        raise CompilerError(f"a pipeline of the study leaves out {ALLOCATION}, without which TVM generates no code")
    allocation = names.index(ALLOCATION)
    # What a run calls is read before the passes that add calls of TVM's own.
    reading = next((at for at, name in enumerate(names) if at > allocation and name in LAST), len(passes))
    # Only in such a sequence does TVM leave out passes that its context switches off.
    module = tvm.transform.Sequential(passes[:allocation])(module)
    attributes = module["main"].attrs
    destinations = attributes[DESTINATIONS] if attributes is not None and DESTINATIONS in attributes else ()
    reasons: dict[str, str] = {}
    estimator = None
    if upper_bounds:
        reasons["estimator"] = "TVM's estimator cannot take storage of dynamic size"
    else:
        estimator = _estimate(module["main"])
    module = tvm.transform.Sequential(passes[allocation:reading])(module)
    calls = _kernel_calls(module)
    planned = _planned_bytes(module["main"], upper_bounds)
    if planned is None:
        reasons["compiler_planned_bytes"] = "a storage's size depends on a dimension without an upper bound"
    return Lowered(
        module=tvm.transform.Sequential(passes[reading:])(module),
        destinations=tuple(map(int, destinations)),
        generated_calls=len(calls),
        generated_kernels=len(set(calls)),
        planned_bytes=planned,
        estimator=estimator,
        reasons=reasons,
    )


def _steps(options: Options) -> list[Step]:
    """Return the sequence with the passes that knobs leave out as names alone."""
    # TVM has this one as a sequence of passes that has no name.
    decompose = tvm.transform.Sequential([T.DecomposeOpsForInference()], name="DecomposeOpsForInference")
    steps = [_named(decompose), _named(relax.backend.DispatchSortScan())]
    if options.library:
        from ablatrix.compilers.tvm.library import offload_to_torch

        steps += map(_named, offload_to_torch())
    steps += map(_named, (T.LegalizeOps(), T.AnnotateTIROpPattern(), T.FoldConstant()))
    steps += [(name, getattr(T, name)() if options.fusion else None) for name in ("FuseOps", "FuseTIR")]
    if options.vectorised:
        from ablatrix.compilers.tvm.schedule import vectorised_schedule

        steps += [_named(vectorised_schedule())]
    always = (T.DeadCodeElimination(), T.RewriteDataflowReshape(), T.ToNonDataflow(), T.RemovePurityChecking())
    steps += map(_named, (*always, T.CallTIRRewrite(), pass_destinations()))
    steps += [("StaticPlanBlockMemory", T.StaticPlanBlockMemory() if options.memory_plan else None)]
    steps += [_named(T.LowerAllocTensor()), ("KillAfterLastUse", T.KillAfterLastUse() if options.kill else None)]
    last = (T.LowerRuntimeBuiltin(), T.ComputePrimValue(), T.VMShapeLower(), T.AttachGlobalSymbol())
    return [*steps, *map(_named, last)]


def _named(one: Any) -> Step:
    return str(one.info.name), one


def _kernel_calls(module: Any) -> list[str]:
    """Return the names of the generated kernels that ``main`` calls, in order."""
    names: list[str] = []

    def visit(expression: Any) -> None:
        if isinstance(expression, relax.Call) and isinstance(expression.op, tvm.ir.GlobalVar):
            names.append(expression.op.name_hint)

    relax.analysis.post_order_visit(module["main"], visit)
    return names


def _planned_bytes(function: Any, upper_bounds: Mapping[str, int]) -> int | None:
    """Return the sum of the storage sizes in a function, symbols at their upper bound."""
    sizes: list[Any] = []
    storage = tvm.ir.Op.get("relax.memory.alloc_storage")

    def visit(expression: Any) -> None:
        if isinstance(expression, relax.Call) and expression.op == storage:
            sizes.append(expression.args[0].values[0])

    relax.analysis.post_order_visit(function, visit)
    total = 0
    for size in sizes:
        analyzer = tvm.sym.Analyzer()
        for variable in tvm.tirx.analysis.undefined_vars(size):
            if variable.name in upper_bounds:
                analyzer.bind(variable, tvm.tirx.IntImm("int64", upper_bounds[variable.name]))
        value = analyzer.simplify(size)
        if not isinstance(value, tvm.tirx.IntImm):
            return None
        total += int(value)
    return total


def _estimate(function: Any) -> dict[str, float]:
    """Return the two totals of TVM's estimator, which gives them as text in GB with four digits."""
    text = relax.analysis.estimate_memory_usage(function)
    totals = [float(figure) * 2**30 for figure in re.findall(r"total size ([0-9.e+-]+) GB", text)]
    return {"unplanned_bytes": totals[0], "planned_bytes": totals[1]}
