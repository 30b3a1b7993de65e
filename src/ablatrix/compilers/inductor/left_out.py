"""What a study switches off in Inductor: passes of the graph, and lowerings, for which torch's own kernels are called.

torch can leave a pass out by its name, but by any name that is part of another one, and at all three points at once
(``disabled_passes``). Here a pass is named as torch's own timing names it: ``post_grad_passes.remove_noop_ops``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import torch
from torch._functorch import config as functorch_config
from torch._inductor import compile_fx, config
from torch._inductor.decomposition import decompositions, select_decomp_table
from torch._inductor.lowering import fallback_handler, lowerings
from torch.fx.passes.graph_transform_observer import GraphTransformObserver

from ablatrix.compilers.inductor.options import ALWAYS
from ablatrix.compilers.inductor.toolchain import traced
from ablatrix.compilers.settings import LIMIT, Applied

PASS, LOWERING = "pass", "lowering"
NO_LIMITS: Mapping[str, int] = MappingProxyType({})
NO_SETTING = re.compile(r"^None|custom|cuda")  # without a point, a study's own, of another device


@contextmanager
def left_out(settings: Applied) -> Iterator[None]:
    """Leave out, inside the block, what a configuration switches off."""
    passes, limits = settings.switched_off(PASS), _limits(settings, PASS)
    watched = _watched(passes, limits) if passes or limits else nullcontext()
    with watched, _replaced_lowerings(settings.switched_off(LOWERING), _limits(settings, LOWERING)):
        yield


def _limits(settings: Applied, kind: str) -> dict[str, int]:
    """Return how often passes or lowerings are applied at most, by name."""
    given = settings.building(LIMIT)
    return {name.removeprefix(f"{kind}:"): int(times) for name, times in given.items() if name.startswith(f"{kind}:")}


def decomposition_table(settings: Applied) -> dict[Any, Any] | None:
    """Return torch's decompositions without those of operators that are not lowered; None where all are."""
    operators = set(settings.switched_off(LOWERING))
    if not operators:
        return None
    return {one: function for one, function in select_decomp_table().items() if _operator(one) not in operators}


def graph_passes() -> list[str]:
    """Return the names of the passes that a compilation runs on its graph, as far as one can be left out.

    A small program is compiled, up to the generation of code.
    """
    reached: list[int] = []

    def stop(nodes: Sequence[Any]) -> None:
        reached.append(len(nodes))
        raise RuntimeError("nothing more is needed")

    program, inputs = traced(lambda x: (torch.softmax(x @ x, -1) + 1,), 8, 8)
    switches = {**ALWAYS, "_post_fusion_custom_pass": stop}
    with _watched(()) as seen, torch.no_grad(), config.patch(switches):
        try:
            with functorch_config.patch(enable_autograd_cache=False):
                compile_fx.compile_fx(program, inputs)
        except Exception:
            if not reached:
                raise
    return sorted({name for name in seen if not NO_SETTING.search(name)})


def lowered_operators() -> list[str]:
    """Return the operators that Inductor decomposes or lowers, and that a kernel of torch's can compute instead."""
    known = [one for one in (*lowerings, *decompositions) if _is_pure(one)]
    return sorted({_operator(one) for one in known if not _falls_back(one)})


@contextmanager
def _watched(names: Sequence[str], limits: Mapping[str, int] = NO_LIMITS) -> Iterator[list[str]]:
    """Leave out passes by name; the list that is returned is filled with the names of those that there are."""
    seen: list[str] = []
    shipped = GraphTransformObserver._check_disable_pass

    def is_left_out(observer: GraphTransformObserver) -> bool:
        name = f"{observer.subsystem}.{observer.passname}"
        seen.append(name)
        return name in names or seen.count(name) > limits.get(name, len(seen)) or bool(shipped(observer))

    with patch.object(GraphTransformObserver, "_check_disable_pass", is_left_out):
        yield seen


@contextmanager
def _replaced_lowerings(operators: Sequence[str], limits: Mapping[str, int]) -> Iterator[None]:
    """Have torch's own kernel called for each overload of an operator, where it has not been decomposed before.

    Args:
        operators: That are not lowered at all.
        limits: How many of its calls are lowered, by operator.
    """
    overloads = [one for name in (*operators, *limits) for one in _packet(name).op_overloads()]
    held: Mapping[Any, Callable[..., Any]] = {one: lowerings[one] for one in overloads if one in lowerings}
    lowerings.update({one: fallback_handler(one, add_to_fallback_set=False) for one in overloads})
    for name, times in limits.items():
        own = [one for one in _packet(name).op_overloads() if one in held]
        left = itertools.chain(itertools.repeat(True, times), itertools.repeat(False))
        lowerings.update({one: _first_lowered(held[one], lowerings[one], left) for one in own})
    try:
        yield
    finally:
        for one in overloads:
            del lowerings[one]
        lowerings.update(held)


def _first_lowered(lower: Callable[..., Any], call: Callable[..., Any], left: Iterator[bool]) -> Callable[..., Any]:
    """Return what lowers the first calls of an operator, and has torch's kernel called for those behind."""

    def choose(*arguments: Any, **keywords: Any) -> Any:
        return (lower if next(left) else call)(*arguments, **keywords)

    return choose


def _packet(name: str) -> Any:
    namespace, _, operator = name.partition(".")
    return getattr(getattr(torch.ops, namespace), operator)


def _operator(one: Any) -> str:
    """Return the name of an operator that an overload is of; empty for anything else."""
    return str(one.overloadpacket) if isinstance(one, torch._ops.OpOverload) else ""


def _is_pure(one: Any) -> bool:
    """Return whether something is an overload of ATen that gives tensors, none of which is an argument.

    One that torch itself takes apart before any compiler sees it (``softmax``, of which ``_softmax`` is left) is none.
    """
    if not isinstance(one, torch._ops.OpOverload) or one.namespace != "aten":
        return False
    try:
        if one._can_decompose():
            return False
    except RuntimeError:  # it is of TorchScript alone, and has no kernel
        return False
    results = one._schema.returns
    is_changing = one._schema.is_mutable or any(result.alias_info for result in results)
    return not is_changing and any("Tensor" in str(result.type) for result in results)


def _falls_back(one: Any) -> bool:
    return one not in decompositions and bool(getattr(lowerings[one], "_is_fallback_handler", False))
