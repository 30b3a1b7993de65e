"""Warming what Inductor sets up once for each machine or process, so that no trial pays for it.

Inductor compiles a test program for each vector instruction set that the processor may have, and precompiles the
headers that generated kernels include. Both lie on disk afterwards and in this process: forks inherit what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch._functorch import config as functorch_config
from torch._inductor import compile_fx, config
from torch._inductor.cpu_vec_isa import pick_vec_isa
from torch._subclasses.fake_tensor import FakeTensorMode

from ablatrix.compilers.environment import variable
from ablatrix.compilers.inductor.options import ALWAYS

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


def cache_directory(directory: Path | None) -> AbstractContextManager[None]:
    """Let Inductor write what it generates into a directory; None: its default."""
    return variable(CACHE_VARIABLE, None if directory is None else str(directory))


def warm_toolchain(settings: Mapping[str, Any] | None = None) -> None:
    """Have the instruction set chosen and the headers of kernels (of C++ wrappers, if set) precompiled.

    On a machine that has neither this takes tens of seconds of compiling, later a second. It starts no thread.

    Args:
        settings: Entries of Inductor's configuration: some are flags of the C++ compiler, and headers are precompiled
            for each set of flags.
    """
    program, inputs = traced(lambda x: (x + 1,), 16)
    patches = {**ALWAYS, "cpp.threads": 1, **(settings or {})}
    with cache_directory(None), config.patch(ALWAYS), functorch_config.patch(enable_autograd_cache=False):
        pick_vec_isa()
        with torch.no_grad():
            compile_fx.compile_fx(program, inputs, config_patches=patches)


def traced(function: Callable[[Any], Any], *shape: int) -> tuple[Any, list[Any]]:
    """Return a function of one tensor as Inductor takes a program: its graph, and an input without values."""
    program: Any = torch.fx.symbolic_trace(function)
    with FakeTensorMode():
        given = torch.empty(shape)
    for node in program.graph.find_nodes(op="placeholder"):
        node.meta["val"] = given
    return program, [given]
