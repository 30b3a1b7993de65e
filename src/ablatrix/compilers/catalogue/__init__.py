"""Compilers, their knobs and levels as plain data: loads without torch or any compiler.

Each compiler has a module; a new one needs a module with its entry, and its name in ``SHIPPED``. Entries of other
packages, of plug-ins and of a study join them in a ``Catalogue`` (see ``ablatrix.catalogue``).
"""

from collections.abc import Mapping
from types import MappingProxyType

from ablatrix.compilers.catalogue.build import BUILD, BuildChoice
from ablatrix.compilers.catalogue.eager import EAGER
from ablatrix.compilers.catalogue.inductor import INDUCTOR
from ablatrix.compilers.catalogue.knobs import (
    ALWAYS_BEFORE,
    CACHE_TAG,
    PARTITION,
    PASS_TIMING,
    THREADS,
    UPPER_BOUND,
)
from ablatrix.compilers.catalogue.model import (
    ENVIRONMENT,
    CompilerEntry,
    KnobEntry,
    Level,
    LevelEntry,
    Setting,
    SettingValue,
    plain_level,
)
from ablatrix.compilers.catalogue.onnxruntime import ONNXRUNTIME
from ablatrix.compilers.catalogue.openvino import OPENVINO
from ablatrix.compilers.catalogue.program import ProgramDescription, ProgramFile
from ablatrix.compilers.catalogue.tvm import TVM
from ablatrix.compilers.catalogue.xla import XLA

__all__ = [
    "ALWAYS_BEFORE",
    "BUILD",
    "CACHE_TAG",
    "EAGER",
    "ENVIRONMENT",
    "INDUCTOR",
    "ONNXRUNTIME",
    "OPENVINO",
    "PARTITION",
    "PASS_TIMING",
    "SHIPPED",
    "THREADS",
    "TVM",
    "UPPER_BOUND",
    "XLA",
    "BuildChoice",
    "CompilerEntry",
    "KnobEntry",
    "Level",
    "LevelEntry",
    "ProgramDescription",
    "ProgramFile",
    "Setting",
    "SettingValue",
    "plain_level",
]

SHIPPED: Mapping[str, CompilerEntry] = MappingProxyType(
    {entry.name: entry for entry in (TVM, INDUCTOR, ONNXRUNTIME, XLA, OPENVINO, EAGER)}
)
