"""Reading the wrapper: the Python program that Inductor generates around its kernels.

What is kept is canonical: comments, Inductor's benchmark and the lines that set up its own compiling are gone,
so that the same code is the same text whichever graph of a process it was, and it can be run with stored kernels.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

COMPILER = "async_compile"
CPP_CACHE = "CppWrapperCodeCache"
BUILDING = {"cpp_pybinding", "load_pybinding"}
ALLOCATIONS = {"empty_strided_cpu", "empty_strided_cpu_pinned"}
BENCHMARK = {"get_args", "benchmark_compiled_module"}
MAKERS = {COMPILER, "AsyncCompile", CPP_CACHE}


def canonical_source(source: str) -> str:
    """Return the wrapper without what does not belong to a run. ``async_compile`` is left for the loader to define."""
    tree = ast.parse(source)
    tree.body = [statement for statement in tree.body if not _is_dropped(statement)]
    return ast.unparse(tree) + "\n"


def kernel_names(source: str) -> list[str]:
    """Return the names that the wrapper gives its compiled kernels, in order."""
    return [
        statement.targets[0].id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Attribute)
        and statement.value.func.attr in BUILDING
    ]


def kernel_sources(source: str) -> str:
    """Return the C++ that a wrapper holds as text, each under the name that the wrapper has for it."""
    parts = []
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign):
            texts = [one.value for one in ast.walk(statement.value) if isinstance(one, ast.Constant)]
            code = [text for text in texts if isinstance(text, str) and "#include" in text]
            parts += [f"// {ast.unparse(statement.targets[0])}\n{text.strip()}\n" for text in code]
    return "\n".join(parts)


def allocated_bytes(source: str, sizes: Mapping[str, int], item_sizes: Mapping[str, int]) -> int | None:
    """Return the sum of all allocations of one run, symbols at the sizes given; None where a size is not known.

    Args:
        source: The wrapper, in Python.
        sizes: Upper bound of each symbol.
        item_sizes: Bytes of an element by the dtype's name (``torch.float32``).
    """
    total = 0
    names: dict[str, Any] = {**sizes, "align": _align, "max": max}
    for call in _allocations(ast.parse(source)):
        shape, strides, dtype = call.args[:3]
        try:
            given = [eval(ast.unparse(one), {"__builtins__": {}}, names) for one in (shape, strides)]
        except (NameError, TypeError):
            return None
        elements = 1 + sum((size - 1) * stride for size, stride in zip(*given, strict=True))
        total += item_sizes[ast.unparse(dtype)] * (elements if all(given[0]) else 0)
    return total


def _allocations(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ALLOCATIONS:
            yield node


def _is_dropped(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.If, ast.FunctionDef)):  # the benchmark, and the call to it
        return isinstance(statement, ast.If) or statement.name in BENCHMARK
    if isinstance(statement, ast.ImportFrom):
        return any(alias.name in MAKERS for alias in statement.names)
    if isinstance(statement, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == COMPILER for target in statement.targets)
    return isinstance(statement, ast.Delete) and ast.unparse(statement) == f"del {COMPILER}"


def _align(size: int) -> int:
    """Return Inductor's alignment of a buffer in a pool (``codegen.memory_planning.ALIGN_BYTES``)."""
    return (size + 63) // 64 * 64
