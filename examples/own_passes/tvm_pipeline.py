"""A pipeline for TVM: a function that is given the compiler's passes, in order, and returns those that run."""

from typing import Any


def unfused(passes: list[Any]) -> list[Any]:
    """Leave out what fuses operators."""
    return [one for one in passes if one.info.name not in ("FuseOps", "FuseTIR")]
