"""Compilers, their knobs and levels as plain data: loads without torch or any compiler.

One module a compiler; adding one is a module with its entry and its name in ``COMPILERS``. A package adds its own
through the entry point group ``ablatrix.compilers``: each entry point names a ``CompilerEntry``. A file adds its own
as a plug-in (see ``ablatrix.plugins``).
"""

from ablatrix.compilers.catalogue.collection import Catalogue
from ablatrix.compilers.catalogue.eager import EAGER
from ablatrix.compilers.catalogue.inductor import INDUCTOR
from ablatrix.compilers.catalogue.knobs import CACHE_TAG, PARTITION, PASS_TIMING, THREADS, UPPER_BOUND
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
    "PASS_TIMING",
    "PRIMARY_KNOBS",
    "THREADS",
    "TVM",
    "UPPER_BOUND",
    "XLA",
    "Catalogue",
    "CompilerEntry",
    "KnobEntry",
    "Level",
    "LevelEntry",
    "add_compiler",
    "get_compiler",
]

COMPILERS = Catalogue({entry.name: entry for entry in (TVM, INDUCTOR, ONNXRUNTIME, XLA, OPENVINO, EAGER)})


def get_compiler(name: str) -> CompilerEntry:
    """Return a compiler's entry.

    Raises:
        CompilerError: There is no compiler of that name.
    """
    if name not in COMPILERS:
        raise CompilerError(f"there is no compiler '{name}'; there are: {', '.join(sorted(COMPILERS))}")
    return COMPILERS[name]


def add_compiler(entry: CompilerEntry, origin: str) -> None:
    """Make a plug-in's compiler known in this process; adding the same again changes nothing.

    Raises:
        CompilerError: Another compiler has the name, or the entry has no knob.
    """
    if not entry.knobs:
        raise CompilerError(
            f"{origin}: compiler '{entry.name}' has no knob, so there is nothing to ablate; give it one"
        )
    there = COMPILERS.get(entry.name)
    if there is not None and there != entry:
        raise CompilerError(f"{origin}: there is a compiler '{entry.name}' already; give yours another name")
    COMPILERS[entry.name] = entry
