"""TVM's passes as its pass context sees them: time, and structural hashes before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tvm
from tvm_ffi import structural_equal, structural_hash

from ablatrix.compilers.passes import PassWatch

SEQUENCE = "sequential"
"""Name of TVM's sequences: only a pass that one of them runs is left out when it is switched off."""


def pass_observer(*, changes: bool = False) -> tuple[Any, PassWatch]:
    """Return an instrument for a pass context, and the watch that it fills.

    Args:
        changes: Whether the module is hashed before and after each pass, so that it is known which changed it.
    """
    watch = PassWatch(_module_digest, _differ) if changes else PassWatch()

    @tvm.ir.instrument.pass_instrument
    class Observer:
        def run_before_pass(self, module: Any, info: Any) -> None:
            watch.enter(str(info.name), module)

        def run_after_pass(self, module: Any, _info: Any) -> None:
            watch.leave(module)

    return Observer(), watch


def limiter(limits: Mapping[str, Any]) -> list[Any]:
    """Return an instrument that lets passes run so many times at most; none where nothing is limited.

    Args:
        limits: Times by the address of a pass.
    """
    left = {name.removeprefix("pass:"): int(times) for name, times in limits.items()}
    if not left:
        return []

    @tvm.ir.instrument.pass_instrument
    class Limiter:
        def should_run(self, _module: Any, info: Any) -> bool:
            name = str(info.name)
            if name not in left:
                return True
            left[name] -= 1
            return left[name] >= 0

    return [Limiter()]


def _differ(before: Any, after: Any) -> bool:
    """Return whether modules with unlike hashes are unlike: equal ones need not have one hash."""
    return bool(before.same_as(after)) or not structural_equal(before, after)  # or one that was changed in place


def _module_digest(module: Any) -> str:
    """Return the structural hash of a module: names of variables are not in it."""
    return f"{structural_hash(module) & (2**64 - 1):016x}"
