"""Exports to a compiler's own form that are made once a task: they take longer than what is compiled from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.export import decomp_utils, exported_program

from ablatrix.compilers.cache import task_key
from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.task_building import complete_key_facts
from ablatrix.workloads.program import TaskProgram

COMPUTES_BF16 = "avx512bw" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
"""Whether OpenVINO computes in bfloat16 on this processor; on others the hint changes nothing."""
EXPORTS = (("onnxruntime", "export_model"), ("xla", "lower_task"))
"""Compiler, and the function of its ``build`` that exports a task; what it returns is read and never written."""


def once(function: Callable[..., Any], found: dict[Any, Any]) -> Callable[..., Any]:
    """Return a function of a task that computes once for all that the task's code depends on."""

    @functools.wraps(function)
    def call(task: TaskProgram, *others: Any) -> Any:
        key = (function.__name__, task_key(complete_key_facts(task, {})), others)
        if key not in found:
            found[key] = function(task, *others)
        return found[key]

    return call


@pytest.fixture(autouse=True, scope="session")
def operations_looked_up_once() -> Iterator[None]:
    """Exporters of compilers have torch decompose programs, which looks through all operations twice each time."""
    collect, registered = decomp_utils._collect_all_valid_cia_ops, torch._C._dispatch_get_all_op_names

    @functools.lru_cache(maxsize=1)
    def collected(names: tuple[str, ...]) -> frozenset[Any]:
        return frozenset(collect())

    with pytest.MonkeyPatch.context() as patch:
        for module in (decomp_utils, exported_program):
            patch.setattr(module, "_collect_all_valid_cia_ops", lambda: set(collected(tuple(registered()))))
        yield


@pytest.fixture(scope="module")
def exports() -> dict[Any, Any]:
    return {}


@pytest.fixture
def exported_once(exports: dict[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In one file of tests a task is exported once, for tests of the configurations that it is compiled in."""
    for compiler, name in EXPORTS:
        if SHIPPED[compiler].installed:
            build = import_module(f"ablatrix.compilers.{compiler}.build")
            monkeypatch.setattr(build, name, once(getattr(build, name), exports))
