"""The CPU schedule of a contraction: matrix products and convolutions as one tiled, packed matrix product.

A contraction writes ``out[.., rows, columns] += rowwise[.., rows, k] * columnwise[.., k, columns]``. Columns are the
trailing axes of the output that only one operand uses: the last axis of a matrix product, height and width of an
NCHW convolution. That operand is copied, a panel of ``width`` columns at a time, into a layout in which the columns
are contiguous (for a convolution this is im2col, with the padding inlined); then ``rows x width`` accumulators stay
in registers over the whole reduction, which is the scheme of GotoBLAS (Goto and van de Geijn, 2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import tvm_ffi
from tvm import ir, tirx

# Estimated cost of a multiply-add in a tile of so many vectors, against the best: narrow tiles load more of the
# rows, wide ones more of the columns. Widths that are no whole vectors (28 or 56 lanes) are omitted: with them
# ResNet-50's convolutions were 19 to 50 times slower.
_TILE_COST = {2: 1.0, 3: 1.02, 4: 1.05, 1: 1.15}
_ACCUMULATORS = 24  # vector registers for one tile of the output; AVX-512 has 32
_MAX_ROWS = 12
_PANELS = 4  # fewer panels than this would leave threads idle, so that rows are shared out instead


@dataclass(frozen=True, kw_only=True)
class Axes:
    """How the iterators of a contraction are used, as positions among the block's iterators.

    Attributes:
        outer: Spatial axes outside the tile (batch, heads).
        row: The spatial axis that the other operand uses, or None (a matrix-vector product).
        columns: Trailing spatial axes that only the packed operand uses.
        reduction: Axes summed over.
        packed: Which read buffer has the columns.
        contiguous: The operand's last index is the one column axis, so that it can be read where it is.
    """

    outer: tuple[int, ...]
    row: int | None
    columns: tuple[int, ...]
    reduction: tuple[int, ...]
    packed: int
    contiguous: bool


def variables(expression: Any) -> set[Any]:
    """Return the variables that an expression uses."""
    found: set[Any] = set()
    tvm_ffi.structural_walk(expression, (tirx.Var, found.add))
    return found


def extent(value: Any) -> int | None:
    """Return a static extent, or None when it is symbolic."""
    return int(value.value) if isinstance(value, tirx.IntImm) else None


def contraction_axes(block: Any) -> Axes | None:
    """Return the axes of a multiply-accumulate block, or None when it is something else."""
    product = _product(block)
    if product is None:
        return None
    iterators = [axis.var for axis in block.iter_vars]
    reduction = tuple(i for i, axis in enumerate(block.iter_vars) if axis.iter_type == 2)
    spatial = tuple(i for i in range(len(iterators)) if i not in reduction)
    if any(block.iter_vars[i].iter_type != 0 for i in spatial) or not reduction:
        return None
    stored = list(block.body.indices)
    if [iterators[i] for i in spatial] != stored:
        return None
    uses = [set().union(*(variables(index) for index in operand.indices)) for operand in product]
    columns: list[int] = []
    packed = next((i for i in (1, 0) if stored[-1] in uses[i] and stored[-1] not in uses[1 - i]), None)
    if packed is None:
        return None
    for i in reversed(spatial):
        if iterators[i] not in uses[packed] or iterators[i] in uses[1 - packed]:
            break
        columns.insert(0, i)
    others = [i for i in spatial if i not in columns]
    rows = [i for i in others if iterators[i] in uses[1 - packed] and iterators[i] not in uses[packed]]
    row = rows[-1] if rows else None
    buffers = [region.source for region in block.reads]
    if not all(any(operand.source.same_as(buffer) for buffer in buffers) for operand in product):
        return None
    position = next(i for i, buffer in enumerate(buffers) if product[packed].source.same_as(buffer))
    last = product[packed].indices[-1]
    return Axes(
        outer=tuple(i for i in others if i != row),
        row=row,
        columns=tuple(columns),
        reduction=reduction,
        packed=position,
        contiguous=len(columns) == 1 and last.same_as(iterators[columns[0]]),
    )


def _product(block: Any) -> tuple[Any, Any] | None:
    """Return the two operand loads of ``out += left * right``, or None."""
    if block.init is None or not isinstance(block.body, tirx.BufferStore):
        return None
    value = block.body.value
    if not isinstance(value, tirx.Add) or not isinstance(value.b, tirx.Mul):
        return None
    loads = (value.a, value.b.a, value.b.b)
    if not all(isinstance(load, ir.TensorLoad) for load in loads):
        return None
    if not value.a.source.same_as(block.body.buffer) or loads[1].source.same_as(loads[2].source):
        return None
    return loads[1], loads[2]


def column_width(columns: int | None, lanes: int) -> int:
    """Return how many columns a tile has: a few whole vectors, with little padding of the last tile."""
    if columns is None:
        return 2 * lanes
    if columns < lanes:
        return columns
    return lanes * min(_TILE_COST, key=lambda n: -(-columns // (lanes * n)) * n * _TILE_COST[n])


def row_count(rows: int | None, width: int, lanes: int) -> int:
    """Return how many rows a tile has, so that its accumulators fit the vector registers."""
    registers = _ACCUMULATORS if lanes >= 16 else _ACCUMULATORS // 2
    most = max(1, min(_MAX_ROWS, registers // -(-width // lanes)))
    if rows is None:
        return most
    divisor = next(r for r in range(min(most, rows), 0, -1) if rows % r == 0)
    return divisor if divisor >= min(4, rows) else min(most, rows)


def schedule_contraction(sch: Any, block: Any, axes: Axes, lanes: int, epilogue: Any | None) -> None:
    """Tile, pack, vectorise and parallelise one contraction, with its epilogue inside the tile.

    Args:
        sch: Schedule that is changed.
        block: The contraction.
        axes: As ``contraction_axes`` returns them.
        lanes: float32 lanes of a vector register.
        epilogue: The one spatial consumer of the contraction, or None.

    Raises:
        Exception: Whatever TVM raises when a primitive cannot be applied.
    """
    extents = [extent(axis.dom.extent) for axis in sch.get(block).iter_vars]
    sizes = [axis.dom.extent for axis in sch.get(block).iter_vars]
    columns = _product_of([extents[i] for i in axes.columns])
    width = column_width(columns, lanes)
    rows = extents[axes.row] if axes.row is not None else 1
    row_tile = row_count(rows, width, lanes)
    padded = columns is not None and columns % width != 0
    in_place = axes.contiguous and not padded and _reads_in_place(rows, columns, width)
    pack = None if in_place else _pack(sch, block, axes, sizes)
    if epilogue is None:
        epilogue = sch.cache_write(block, 0, "global")
    spatial = len(axes.outer) + (axes.row is not None) + len(axes.columns)
    if len(axes.columns) > 1:
        _flatten_columns(sch, block, epilogue, len(axes.columns), spatial)
    order = sorted((*axes.outer, *(() if axes.row is None else (axes.row,))))
    if padded:
        pack = _pad_columns(sch, block, pack, len(order), width)
    loops = sch.get_loops(block)
    outer = [loops[order.index(i)] for i in axes.outer]
    row = sch.add_unit_loop(block) if axes.row is None else loops[order.index(axes.row)]
    column, reduction = loops[len(order)], sch.fuse(*loops[len(order) + 1 :])
    row_outer, row_inner = sch.split(row, [None, row_tile])
    column_outer, column_inner = sch.split(column, [None, width])
    sch.reorder(*outer, column_outer, row_outer, reduction, row_inner, column_inner)
    panels = _product_of([extents[i] for i in axes.outer])
    panels = None if panels is None or columns is None else panels * -(-columns // width)
    share_rows = panels is not None and panels < _PANELS
    parallel = sch.fuse(*outer, column_outer, *([row_outer] if share_rows else []))
    sch.parallel(parallel)
    if not share_rows and rows is not None and rows % row_tile:
        sch.annotate(row_outer, "pragma_loop_partition_hint", 1)
    sch.reverse_compute_at(epilogue, parallel if share_rows else row_outer)
    sch.set_scope(block, 0, "local")
    if pack is not None:
        if not share_rows:
            sch.compute_at(pack, parallel)
        _vectorise_copy(sch, pack, lanes, parallel=share_rows)
    # Vectorised before the split into initial value and update: an update alone is no reduction to TVM.
    sch.unroll(row_inner)
    _vectorise(sch, column_inner, width, lanes)
    sch.decompose_reduction(block, reduction)
    *copied, last = sch.get_loops(epilogue)
    if axes.row is not None:
        sch.unroll(copied[-1])
    # A vector that lies on both sides of the last column would be taken apart, lane by lane.
    _vectorise(sch, last, width, lanes if columns is None or not padded else math.gcd(columns, lanes))


def _product_of(extents: list[int | None]) -> int | None:
    product = 1
    for value in extents:
        if value is None:
            return None
        product *= value
    return product


def _reads_in_place(rows: int | None, columns: int | None, width: int) -> bool:
    """A panel that is used by few row tiles, or that is the whole operand, is not worth a copy."""
    return (rows is not None and rows <= 2 * _MAX_ROWS) or columns == width


def _pack(sch: Any, block: Any, axes: Axes, sizes: list[Any]) -> Any:
    """Copy the packed operand to [outer.., reduction, columns], and inline what pads it."""
    copy = sch.reindex(block, ("read", axes.packed))
    used = [i for i, _ in enumerate(sizes) if _copy_uses(sch, block, axes, i)]
    outer = [used.index(i) for i in used if i not in axes.columns and i not in axes.reduction]
    reduction = [used.index(i) for i in axes.reduction if i in used]
    columns = [used.index(i) for i in axes.columns if i in used]

    def layout(*index: Any) -> list[Any]:
        flat = tirx.const(0, "int64")
        for position in columns:
            flat = flat * sizes[used[position]] + index[position]
        return [*(index[i] for i in outer), *(index[i] for i in reduction), flat]

    index_map = tirx.IndexMap.from_func(layout, ndim=len(used), index_dtype="int64")
    sch.transform_layout(block, ("read", axes.packed), index_map)
    sch.transform_block_layout(copy, index_map)
    for producer in sch.get_producers(copy):
        sch.compute_inline(producer)
    return copy


def _pad_columns(sch: Any, block: Any, pack: Any, position: int, width: int) -> Any:
    """Round the columns up to whole tiles: the copy fills up with zeros, the epilogue skips them."""
    name = sch.get(pack).name_hint
    sch.pad_einsum(block, [width if i == position else 1 for i in range(len(sch.get(block).iter_vars))])
    padded = next(
        producer
        for producer in sch.get_producers(block)
        if any(sch.get(source).name_hint == name for source in sch.get_producers(producer))
    )
    sch.compute_inline(pack)
    sch.compute_inline(sch.get_consumers(block)[0])
    return padded


def _copy_uses(sch: Any, block: Any, axes: Axes, position: int) -> bool:
    statement = sch.get(block)
    variable = statement.iter_vars[position].var
    region = statement.reads[axes.packed].region
    return any(variable in variables(r.min) for r in region)


def _flatten_columns(sch: Any, block: Any, epilogue: Any, columns: int, spatial: int) -> None:
    """Make one column axis of several, in the contraction, its accumulators and its epilogue."""
    lengths = [axis.dom.extent for axis in sch.get(block).iter_vars][spatial - columns : spatial]

    def flatten(*index: Any) -> list[Any]:
        flat = index[spatial - columns]
        for length, value in zip(lengths[1:], index[spatial - columns + 1 : spatial], strict=True):
            flat = flat * length + value
        return [*index[: spatial - columns], flat, *index[spatial:]]

    output = tirx.IndexMap.from_func(flatten, ndim=spatial, index_dtype="int64")
    sch.transform_layout(block, ("write", 0), output)
    sch.transform_block_layout(epilogue, output)
    count = len(sch.get(block).iter_vars)
    sch.transform_block_layout(block, tirx.IndexMap.from_func(flatten, ndim=count, index_dtype="int64"))


def _vectorise(sch: Any, loop: Any, width: int, lanes: int) -> None:
    if lanes == 1:
        return
    if width > lanes and width % lanes == 0:
        repeat, vector = sch.split(loop, [None, lanes])
        sch.unroll(repeat)
        sch.vectorize(vector)
    elif width > 1:
        sch.vectorize(loop)


def _vectorise_copy(sch: Any, copy: Any, lanes: int, *, parallel: bool) -> None:
    loops = sch.get_loops(copy)
    size = extent(sch.get(loops[-1]).extent)
    if parallel and len(loops) > 1:
        sch.parallel(sch.fuse(*loops[:-1]))
    if size is not None and size > 1:
        _vectorise(sch, loops[-1], size, lanes)
