"""A schedule for every generated CPU kernel: parallel outside, vector registers inside.

What legalisation gives is a nest of plain loops, in which a sum is one scalar chain. Three rules replace it:
contractions are tiled and packed (``contraction.py``); other reductions are done row by row, with everything
that belongs to a row inside the row's loop and the sum in vector lanes; what is left is copied or computed
element by element. A kernel that a rule cannot take stays as it came, and ``unscheduled_functions`` names it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tvm
import tvm_ffi
from tvm import ir, s_tir, tirx

from ablatrix.compilers.tvm.contraction import contraction_axes, extent, schedule_contraction, variables
from ablatrix.compilers.tvm.elementary import vectorise_elementary

SCHEDULED = "tirx.is_scheduled"
_MAX_NESTED = 2  # calls of functions within calls of functions
_MAX_LOADS = 64  # of one statement
_MIN_PARALLEL = 8192  # elements below which waking the thread pool costs more than it saves

# What TVM raises when a schedule primitive does not fit: ScheduleError and InternalError are RuntimeErrors.
_REFUSALS = (RuntimeError, ValueError, TypeError, AttributeError, IndexError, AssertionError, StopIteration)


def vectorised_schedule() -> Any:
    """Return the module pass that schedules every PrimFunc for the CPU.

    It runs after FuseTIR (or after FoldConstant, without fusion) and before CallTIRRewrite, under the target
    that the code is generated for. The same module gives the same module.
    """

    @tvm.transform.module_pass(opt_level=0, name="VectorisedSchedule")  # type: ignore[untyped-decorator]
    def schedule_module(mod: Any, _context: Any) -> Any:
        lanes = vector_lanes(tvm.target.Target.current(allow_none=True))
        scheduled = {
            variable: schedule_function(func, lanes)
            for variable, func in mod.functions.items()
            if isinstance(func, tirx.PrimFunc) and not is_scheduled(func)
        }
        result = ir.IRModule(mod.functions, attrs=mod.attrs, global_infos=mod.global_infos)
        for variable in sorted(scheduled, key=lambda v: v.name_hint):
            if scheduled[variable] is not None:
                result.update_func(variable, scheduled[variable])
        return result

    return schedule_module


def unscheduled_functions(mod: Any) -> tuple[str, ...]:
    """Return the names of the PrimFuncs that ``vectorised_schedule`` left as they were, sorted."""
    functions = mod.functions.items()
    return tuple(sorted(v.name_hint for v, f in functions if isinstance(f, tirx.PrimFunc) and not is_scheduled(f)))


def is_scheduled(func: Any) -> bool:
    """Return whether a PrimFunc carries the mark of a schedule."""
    return func.attrs is not None and SCHEDULED in func.attrs


def vector_lanes(target: Any) -> int:
    """Return how many float32 a vector register of the target holds (8 when there is no target)."""
    if target is None or target.kind.name != "llvm":
        return 8
    bits = int(tvm.target.codegen.llvm_get_vector_width(target))
    return max(4, min(16, bits // 32))


def schedule_function(func: Any, lanes: int) -> Any | None:
    """Schedule one PrimFunc.

    Args:
        func: A PrimFunc as legalisation or FuseTIR gives it.
        lanes: float32 lanes of a vector register.

    Returns:
        The scheduled PrimFunc, marked, or None when no rule takes it.
    """
    recipes: tuple[Callable[[Any, int], None], ...] = (_with_epilogue, _without_epilogue, _rows_only, _spatial_only)
    for recipe in recipes:
        try:
            sch = s_tir.Schedule(func)
            _inline_producers(sch)
            recipe(sch, lanes)
            body = vectorise_elementary(sch.mod["main"])
        except _REFUSALS:
            continue
        marked = body.with_attr(SCHEDULED, True)
        if func.attrs is not None and "global_symbol" in func.attrs:
            return marked.with_attr("global_symbol", func.attrs["global_symbol"])
        return marked.without_attr("global_symbol")
    return None


def _blocks(sch: Any) -> list[Any]:
    return list(sch.get_child_blocks(sch.get_sblock("root")))


def _is_spatial(block: Any) -> bool:
    return block.init is None and all(axis.iter_type == 0 for axis in block.iter_vars)


def _inline_producers(sch: Any) -> None:
    """Inline element-wise producers, except where that would repeat costly work or split a contraction's loads.

    What is inlined is written once for each load of it, and TVM looks through all of one statement at once: calls
    within calls, and loads of loads, take time that doubles with each. So their depth and number are limited.
    """
    outputs = {sch.get(b).name_hint for b in sch.get_output_blocks(sch.get_sblock("root"))}
    names = [sch.get(b).name_hint for b in _blocks(sch)]
    own = {name: int(_is_costly(sch.get(sch.get_sblock(name)))) for name in names}
    depth = dict(own)
    for name in names:
        block = sch.get_sblock(name)
        statement = sch.get(block)
        consumers = [sch.get(c) for c in sch.get_consumers(block)]
        if name in outputs or not _is_spatial(statement) or not consumers:
            continue
        if any(contraction_axes(consumer) is not None for consumer in consumers):
            continue
        reduced = any(not _is_spatial(consumer) for consumer in consumers)
        if (len(consumers) > 1 or reduced) and _is_costly(statement):
            continue
        nested = {consumer.name_hint: depth[name] + own[consumer.name_hint] for consumer in consumers}
        if max(nested.values()) > _MAX_NESTED or any(_is_too_long(statement, consumer) for consumer in consumers):
            continue
        try:
            sch.compute_inline(block)
        except _REFUSALS:
            continue
        for consumer, reached in nested.items():
            depth[consumer] = max(depth[consumer], reached)


def _is_too_long(statement: Any, consumer: Any) -> bool:
    """Whether a consumer would load too often with a producer inlined at each of its loads."""
    loads = _loads(consumer)
    output = statement.writes[0].source
    uses = sum(load.source.same_as(output) for load in loads)
    return bool(len(loads) + uses * (len(_loads(statement)) - 1) > _MAX_LOADS)


def _loads(statement: Any) -> list[Any]:
    loads: list[Any] = []
    tvm_ffi.structural_walk(statement.body, (ir.TensorLoad, loads.append))
    return loads


def _is_costly(statement: Any) -> bool:
    """Whether a block calls a function (``exp``, ``erf``); choosing and loading are cheap."""
    calls: list[Any] = []
    tvm_ffi.structural_walk(statement.body, (ir.Call, calls.append))
    return any(getattr(call.op, "name", "") not in ("tirx.if_then_else", "tirx.likely") for call in calls)


def _with_epilogue(sch: Any, lanes: int) -> None:
    _schedule_all(sch, lanes, fuse_epilogue=True)


def _without_epilogue(sch: Any, lanes: int) -> None:
    _schedule_all(sch, lanes, fuse_epilogue=False)


def _schedule_all(sch: Any, lanes: int, *, fuse_epilogue: bool) -> None:
    names = [sch.get(b).name_hint for b in _blocks(sch)]
    done: set[str] = set()
    for name in names:
        block = sch.get_sblock(name)
        axes = contraction_axes(sch.get(block))
        if axes is None:
            continue
        consumers = list(sch.get_consumers(block))
        epilogue = consumers[0] if fuse_epilogue and len(consumers) == 1 else None
        if epilogue is not None and not _takes_tile(sch.get(block), sch.get(epilogue)):
            epilogue = None
        if epilogue is not None:
            done.add(sch.get(epilogue).name_hint)
        done.add(name)
        schedule_contraction(sch, block, axes, lanes, epilogue)
    remaining = {sch.get(b).name_hint for b in _blocks(sch)}
    rest = [n for n in names if n not in done and n in remaining]
    if any(not _is_spatial(sch.get(sch.get_sblock(n))) for n in rest):
        if done:
            raise ValueError("a contraction and another reduction in one kernel")
        _schedule_rows(sch, rest, lanes)
    else:
        for name in rest:
            _schedule_spatial(sch, sch.get_sblock(name), lanes)


def _takes_tile(contraction: Any, consumer: Any) -> bool:
    """Whether the consumer is element-wise over the contraction's output, axis by axis."""
    if not _is_spatial(consumer):
        return False
    output = contraction.writes[0].source
    iterators = [axis.var for axis in consumer.iter_vars]
    for region in consumer.reads:
        if region.source.same_as(output):
            return [r.min for r in region.region] == iterators
    return False


def _rows_only(sch: Any, lanes: int) -> None:
    _schedule_rows(sch, [sch.get(b).name_hint for b in _blocks(sch)], lanes)


def _spatial_only(sch: Any, lanes: int) -> None:
    for block in _blocks(sch):
        _schedule_spatial(sch, block, lanes)


def _schedule_rows(sch: Any, names: list[str], lanes: int) -> None:
    """Rows in parallel; each reduction of a row in vector lanes where its length allows."""
    statements = [sch.get(sch.get_sblock(n)) for n in names]
    leading = min(_leading_spatial(s) for s in statements)
    reductions = [n for n, s in zip(names, statements, strict=True) if not _is_spatial(s)]
    if not reductions:
        raise ValueError("no reduction")
    last = sch.get_sblock(names[-1])
    if len(names) == 1 and not _reduces_contiguously(statements[0]):
        _schedule_strided_reduction(sch, last, lanes)
        return
    partials: dict[str, Any] = {}
    for name in reductions:
        partial = _split_lanes(sch, sch.get_sblock(name), lanes)
        if partial is not None:
            partials[name] = partial
    partial_names = {sch.get(partial).name_hint for partial in partials.values()}
    order: list[Any] = []
    for name in names:
        if name in partials:
            order.append(partials[name])
        order.append(sch.get_sblock(name))
    loops = sch.get_loops(order[-1])
    row = sch.fuse(*loops[:leading]) if leading else sch.add_unit_loop(loops[0])
    sch.parallel(row)
    for block in reversed(order[:-1]):
        sch.compute_at(block, row, preserve_unit_loops=True)
    for block in order:
        statement = sch.get(block)
        if statement.name_hint in partial_names:
            # rfactor puts the lane first among the block's iterators.
            lane, *others = sch.get_loops(block)[1:]
            sch.reorder(*others, lane)
            sch.vectorize(lane)
            sch.decompose_reduction(block, others[-1])
        elif _is_spatial(statement):
            _vectorise_inner(sch, block, lanes)


def _leading_spatial(statement: Any) -> int:
    count = 0
    for axis in statement.iter_vars:
        if axis.iter_type != 0:
            break
        count += 1
    return count - (1 if _is_spatial(statement) and count else 0)


def _reduces_contiguously(statement: Any) -> bool:
    """Whether the last reduction axis is the last index of what is read."""
    axes = [axis.var for axis in statement.iter_vars if axis.iter_type == 2]
    if not axes:
        return False
    reads = [r for r in statement.reads if any(axes[-1] in variables(x.min) for x in r.region)]
    return bool(reads) and all(r.region[-1].min.same_as(axes[-1]) for r in reads)


def _split_lanes(sch: Any, block: Any, lanes: int) -> Any | None:
    """Factor a row's reduction into one partial result for each lane; None when its length does not allow it."""
    statement = sch.get(block)
    if not _reduces_contiguously(statement) or statement.iter_vars[-1].iter_type != 2:
        return None
    length = extent(statement.iter_vars[-1].dom.extent)
    if length is None or length % lanes or length < 2 * lanes:
        return None
    loop = sch.get_loops(block)[-1]
    outer, lane = sch.split(loop, [None, lanes])
    partial = sch.rfactor(lane, factor_axis=len(statement.writes[0].region))
    del outer
    return partial


def _schedule_strided_reduction(sch: Any, block: Any, lanes: int) -> None:
    """A lone reduction over outer axes or windows (pooling): lanes along the last output axis."""
    loops = sch.get_loops(block)
    statement = sch.get(block)
    spatial = [loop for loop, axis in zip(loops, statement.iter_vars, strict=True) if axis.iter_type == 0]
    reduction = [loop for loop, axis in zip(loops, statement.iter_vars, strict=True) if axis.iter_type == 2]
    if not spatial or not reduction:
        raise ValueError("nothing to share out")
    *outer, inner = spatial
    sch.reorder(*outer, *reduction, inner)
    size = extent(sch.get(inner).extent)
    if size is not None and size > 1:
        _take_vector(sch, inner, size, lanes)
    if outer:
        sch.parallel(sch.fuse(*outer))
    sch.decompose_reduction(block, reduction[0])


def _take_vector(sch: Any, loop: Any, size: int, lanes: int) -> None:
    width = next((w for w in (lanes, lanes // 2) if size % w == 0), None)
    if width is not None and size > width:
        _, inner = sch.split(loop, [None, width])
        sch.vectorize(inner)
    elif size <= 4 * lanes:
        sch.vectorize(loop)


def _vectorise_inner(sch: Any, block: Any, lanes: int) -> None:
    loops = sch.get_loops(block)
    size = extent(sch.get(loops[-1]).extent)
    if size is not None and size > 1 and size % lanes == 0:
        _, inner = sch.split(loops[-1], [None, lanes])
        sch.vectorize(inner)


def _schedule_spatial(sch: Any, block: Any, lanes: int) -> None:
    """Element by element: vectors along the last axis, the rest in parallel when it is worth the wake-up."""
    loops = sch.get_loops(block)
    sizes = [extent(sch.get(loop).extent) for loop in loops]
    total = 1
    for size in sizes:
        total *= _MIN_PARALLEL if size is None else size
    if not loops or total <= 1:
        return
    last = sizes[-1]
    transposed = _transposed_axis(sch.get(block))
    height = None if transposed is None else sizes[transposed]
    if transposed is not None and _divides(lanes, height) and _divides(lanes, last):
        row_outer, row_inner = sch.split(loops[transposed], [None, lanes])
        column_outer, column_inner = sch.split(loops[-1], [None, lanes])
        others = [loop for i, loop in enumerate(loops) if i not in (transposed, len(loops) - 1)]
        sch.reorder(*others, row_outer, column_outer, row_inner, column_inner)
        sch.vectorize(column_inner)
        if total >= _MIN_PARALLEL:
            sch.parallel(sch.fuse(*others, row_outer))
        return
    width = _vector_width(last, lanes)
    rest = loops[:-1]
    if width is not None:
        outer, inner = sch.split(loops[-1], [None, width])
        sch.vectorize(inner)
        rest = [*rest, outer]
    if rest and total >= _MIN_PARALLEL:
        sch.parallel(sch.fuse(*rest))


def _divides(lanes: int, size: int | None) -> bool:
    return size is not None and size % lanes == 0


def _vector_width(size: int | None, lanes: int) -> int | None:
    """The vector register where it divides the axis, else its longest divisor of up to four registers.

    A vector never crosses a row: its addresses would have to be computed lane by lane. LLVM takes an odd vector
    apart into powers of two. None where only short vectors would do; LLVM then finds what it can.
    """
    if size is None:
        return None
    if size % lanes == 0:
        return lanes
    divisor = next(w for w in range(min(size, 4 * lanes), 0, -1) if size % w == 0)
    return divisor if divisor >= min(size, 4) and divisor > 1 else None


def _transposed_axis(statement: Any) -> int | None:
    """The output axis that is the last index of a read, when the output's own last axis is not."""
    iterators = [axis.var for axis in statement.iter_vars]
    for region in statement.reads:
        if region.region and iterators:
            last = region.region[-1].min
            for i, iterator in enumerate(iterators[:-1]):
                if last.same_as(iterator) and any(iterators[-1] in variables(r.min) for r in region.region[:-1]):
                    return i
    return None
