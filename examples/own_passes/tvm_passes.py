"""Three passes for TVM: one rewrites within rounding, one changes what is computed, one does nothing."""

from typing import Any

import tvm
from tvm import relax


def is_call(call: Any, name: str) -> bool:
    """Return whether a call is of an operator of Relax."""
    return bool(call.op == tvm.ir.Op.get(f"relax.{name}"))


@relax.expr_functor.mutator
class _Reciprocal(relax.PyExprMutator):
    def visit_call_(self, call: Any) -> Any:
        call = super().visit_call_(call)
        if is_call(call, "divide") and isinstance(call.args[1], tvm.ir.GenericConst):
            scale = relax.const(1.0 / call.args[1].value.numpy(), "float32")
            return relax.op.multiply(call.args[0], scale)
        return call


@relax.expr_functor.mutator
class _TanhGelu(relax.PyExprMutator):
    def visit_call_(self, call: Any) -> Any:
        call = super().visit_call_(call)
        return relax.op.nn.gelu_tanh(call.args[0]) if is_call(call, "nn.gelu") else call


def _rewritten(module: Any, mutator_class: Any) -> Any:
    mutator = mutator_class(module)
    for name, function in module.functions_items():
        if isinstance(function, relax.Function):
            mutator.builder_.update_func(name, mutator.visit_expr(function))
    return mutator.builder_.get()


@tvm.transform.module_pass(opt_level=0)
def reciprocal(module: Any, _context: Any) -> Any:
    """Multiply by the reciprocal of a constant instead of dividing by it."""
    return _rewritten(module, _Reciprocal)


@tvm.transform.module_pass(opt_level=0)
def tanh_gelu(module: Any, _context: Any) -> Any:
    """Approximate GELU by tanh: faster, and another function."""
    return _rewritten(module, _TanhGelu)


@tvm.transform.module_pass(opt_level=0)
def nothing(module: Any, _context: Any) -> Any:
    """Leave the module as it is."""
    return module
