"""Destination passing: a function writes its outputs into storage that its caller provides.

After ``CallTIRRewrite`` every tensor is made by a ``R.builtin.alloc_tensor`` and filled by a call. Where such
a tensor is an output of the function, we put a new parameter in its place, so that the kernel writes straight
into the caller's arena::

    main(x):                                main(x, output_0):
      alloc = R.builtin.alloc_tensor(...)     alloc = output_0
      kernel(x, alloc)                        kernel(x, alloc)
      return (alloc,)                         return (alloc,)

An output that is a reshape of the tensor is traced through the reshape, which is a view: the parameter has
the output's shape and the kernel writes through a view of it. It has to run before ``StaticPlanBlockMemory``,
which would else give outputs a storage of their own.

An output without a tensor of its own (an input passed through, the same tensor twice) keeps no parameter;
the caller copies it from what the function returns.
"""

from __future__ import annotations

from typing import Any

import tvm
from tvm import relax
from tvm_ffi import structural_equal

DESTINATIONS = "ablatrix.destinations"


def pass_destinations(function: str = "main") -> Any:
    """Return the module pass.

    The function's attribute ``ablatrix.destinations`` lists the outputs that are written in place. The new
    parameters ``output_<index>`` come last, in the order of that list.
    """

    @tvm.transform.module_pass(opt_level=0, name="PassDestinations")  # type: ignore[untyped-decorator]
    def rewrite(module: Any, _context: Any) -> Any:
        module[function] = _with_destinations(module[function])
        return module

    return rewrite


def _with_destinations(function: Any) -> Any:
    body = function.body
    values = {binding.var: binding.value for block in body.blocks for binding in block.bindings}
    returned = body.body
    while returned in values:
        returned = values[returned]
    outputs = list(returned.fields) if isinstance(returned, relax.Tuple) else [returned]
    replaced: dict[Any, Any] = {}
    given: list[int] = []
    parameters = []
    for index, output in enumerate(outputs):
        source = _allocation(output, values)
        if source is None or source in replaced:
            continue
        parameter = relax.Var(f"output_{index}", output.ty)
        same = structural_equal(output.ty.shape, source.ty.shape)
        replaced[source] = parameter if same else relax.op.reshape(parameter, source.ty.shape)
        given.append(index)
        parameters.append(parameter)
    blocks = [relax.BindingBlock([_rebind(binding, replaced) for binding in block.bindings]) for block in body.blocks]
    rewritten = relax.Function(
        [*function.params, *parameters],
        relax.SeqExpr(blocks, body.body),
        function.ret_ty,
        function.is_pure,
        function.attrs,
    )
    rewritten = relax.BlockBuilder().normalize(rewritten)
    return rewritten.with_attr(DESTINATIONS, given)


def _allocation(output: Any, values: dict[Any, Any]) -> Any | None:
    """Return the variable of the tensor behind an output, through other names and reshapes."""
    variable = output
    while variable in values:
        value = values[variable]
        if isinstance(value, relax.Var):
            variable = value
        elif isinstance(value, relax.Call) and value.op == tvm.ir.Op.get("relax.reshape"):
            variable = value.args[0]
        elif isinstance(value, relax.Call) and value.op == tvm.ir.Op.get("relax.builtin.alloc_tensor"):
            return variable
        else:
            return None
    return None


def _rebind(binding: Any, replaced: dict[Any, Any]) -> Any:
    if binding.var not in replaced:
        return binding
    value = relax.BlockBuilder().normalize(replaced[binding.var])
    return relax.VarBinding(binding.var, value)
