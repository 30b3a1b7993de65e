"""Compilers, their knobs and levels as plain data: loads without torch or any compiler.

One module a compiler; adding one is a module with its entry and its name in ``COMPILERS``.
"""

from collections.abc import Mapping

from ablatrix.compilers.catalogue.eager import EAGER
from ablatrix.compilers.catalogue.inductor import INDUCTOR
from ablatrix.compilers.catalogue.knobs import CACHE_TAG, PARTITION, THREADS, UPPER_BOUND
from ablatrix.compilers.catalogue.model import PRIMARY_KNOBS, CompilerEntry, KnobEntry, Level, LevelEntry
from ablatrix.compilers.catalogue.onnxruntime import ONNXRUNTIME
from ablatrix.compilers.catalogue.openvino import OPENVINO
from ablatrix.compilers.catalogue.tvm import TVM
from ablatrix.compilers.catalogue.xla import XLA
from ablatrix.errors import CompilerError

__all__ = [
    "CACHE_TAG",
    "COMPILERS",
    "EAGER",
    "INDUCTOR",
    "ONNXRUNTIME",
    "OPENVINO",
    "PARTITION",
    "PRIMARY_KNOBS",
    "THREADS",
    "TVM",
    "UPPER_BOUND",
    "XLA",
    "CompilerEntry",
    "KnobEntry",
    "Level",
    "LevelEntry",
    "get_compiler",
]

COMPILERS: Mapping[str, CompilerEntry] = {
    entry.name: entry for entry in (TVM, INDUCTOR, ONNXRUNTIME, XLA, OPENVINO, EAGER)
}


def get_compiler(name: str) -> CompilerEntry:
    """Return a compiler's entry.

    Raises:
        CompilerError: There is no compiler of that name.
    """
    if name not in COMPILERS:
        raise CompilerError(f"there is no compiler '{name}'; there are: {', '.join(sorted(COMPILERS))}")
    return COMPILERS[name]
