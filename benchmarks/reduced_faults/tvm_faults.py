"""Passes of Relax with faults: each spoils, refuses or kills what it knows."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import tvm
from tvm import relax


def _is(call: Any, name: str) -> bool:
    return isinstance(call, relax.Call) and bool(call.op == tvm.ir.Op.get(f"relax.{name}"))


def _changed(module: Any, change: Callable[[Any, Any], Any]) -> Any:
    @relax.expr_functor.mutator
    class Change(relax.PyExprMutator):  # type: ignore[misc]
        def visit_call_(self, call: Any) -> Any:
            return change(super().visit_call_(call), self)

    mutator = Change(module)
    for name, function in module.functions_items():
        if isinstance(function, relax.Function):
            mutator.builder_.update_func(name, mutator.visit_expr(function))
    return mutator.builder_.get()


def _has(module: Any, name: str) -> bool:
    found: list[bool] = []
    relax.analysis.post_order_visit(module["main"], lambda one: found.append(_is(one, name)))
    return any(found)


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def tanh_is_sigmoid(module: Any, context: Any) -> Any:
    """Compute sigmoid for tanh."""
    return _changed(module, lambda call, _: relax.op.sigmoid(call.args[0]) if _is(call, "tanh") else call)


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def sigmoid_is_tanh(module: Any, context: Any) -> Any:
    """Compute tanh for sigmoid."""
    return _changed(module, lambda call, _: relax.op.tanh(call.args[0]) if _is(call, "sigmoid") else call)


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def exp_is_cos(module: Any, context: Any) -> Any:
    """Compute cos for exp."""
    return _changed(module, lambda call, _: relax.op.cos(call.args[0]) if _is(call, "exp") else call)


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def maximum_is_minimum(module: Any, context: Any) -> Any:
    """Compute minimum for maximum."""
    return _changed(module, lambda call, _: relax.op.minimum(*call.args) if _is(call, "maximum") else call)


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def product_of_sum_is_sum(module: Any, context: Any) -> Any:
    """Forget the product of a sum with another value: the sum alone is there."""

    def change(call: Any, mutator: Any) -> Any:
        if not _is(call, "multiply") or not isinstance(call.args[0], relax.Var):
            return call
        return call.args[0] if _is(mutator.lookup_binding(call.args[0]), "add") else call

    return _changed(module, change)


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def killed_by_maximum(module: Any, context: Any) -> Any:
    """Kill the process where the program takes a maximum."""
    if _has(module, "maximum"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return module


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def killed_by_sigmoid(module: Any, context: Any) -> Any:
    """Kill the process where the program has sigmoid."""
    if _has(module, "sigmoid"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return module


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def refuses_tanh(module: Any, context: Any) -> Any:
    """Raise where the program has tanh."""
    if _has(module, "tanh"):
        raise RuntimeError("the planted pass has no rule for hyperbolic tangents")
    return module


@tvm.transform.module_pass(opt_level=0)  # type: ignore[untyped-decorator]
def hangs_at_softmax(module: Any, context: Any) -> Any:
    """Come to no end where the program has softmax."""
    if _has(module, "nn.softmax") or _has(module, "nn.log_softmax"):
        time.sleep(3600)
    return module
