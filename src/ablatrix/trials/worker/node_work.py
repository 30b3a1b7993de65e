"""What each node of a program computes: floating-point operations of products, and bytes of the values it touches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.profiling.marks import is_view
from ablatrix.trials.messages import NodeWork

if TYPE_CHECKING:
    from ablatrix.workloads.program import Program


def node_work(program: Program) -> tuple[NodeWork, ...]:
    """Return the work of the nodes of a program, at the sizes that are timed."""
    from ablatrix.workloads.capture import capture_nodes

    graph, nodes = capture_nodes(program.lowered)
    sizes = {
        symbol: program.facts.timed_sizes.get(name, program.dynamic_bounds.get(symbol, 0))
        for symbol, name in program.symbol_names.items()
    }
    return tuple(
        NodeWork(
            operation=str(getattr(node.target, "_opname", "") or node.target),
            region=one.region,
            reads=one.reads,
            writes=one.writes,
            value_bytes={value: graph.values[value].bytes for value in (*one.reads, *one.writes)},
            flops=_flops(node, sizes),
            is_view=is_view(node),
        )
        for one, node in zip(graph.nodes, nodes, strict=True)
    )


def _flops(node: Any, sizes: dict[str, int]) -> int:
    """Return the operations of a product, a convolution or attention, by torch's own formulas; 0 of anything else."""
    from torch.utils.flop_counter import flop_registry

    packet = getattr(node.target, "overloadpacket", None)
    out = _shape(node.meta.get("val"), sizes)
    if getattr(packet, "__name__", "") in ("matmul", "linear") and out is not None:
        inner = _shape(node.args[0].meta["val"], sizes)
        return 0 if not inner else 2 * math.prod(out) * inner[-1]
    formula = flop_registry.get(packet)
    if formula is None:
        return 0
    try:
        given = [_plain(one, sizes) for one in node.args]
        named = {name: _plain(one, sizes) for name, one in node.kwargs.items()}
        return int(formula(*given, **named, out_val=out))
    except Exception:  # a formula that takes other arguments than the operation has
        return 0


def _plain(argument: Any, sizes: dict[str, int]) -> Any:
    import torch

    if isinstance(argument, torch.fx.Node):
        return _shape(argument.meta.get("val"), sizes)
    return argument


def _shape(value: Any, sizes: dict[str, int]) -> Any:
    import torch

    if not isinstance(value, torch.Tensor):
        return None
    return tuple(one if isinstance(one, int) else _size(one, sizes) for one in value.shape)


def _size(size: Any, sizes: dict[str, int]) -> int:
    expression = size.node.expr
    return int(expression.subs({symbol: sizes.get(str(symbol), 1) for symbol in expression.free_symbols}))
