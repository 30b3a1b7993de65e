"""The parameters of a function, read from its source: a study is checked before any of its code is imported."""

from __future__ import annotations

import ast
from pathlib import Path

from ablatrix.errors import WorkloadError
from ablatrix.workloads.entry import ParameterSpec

SUMMARY = "Parameter of the function."


def find_parameters(path: Path, function: str) -> dict[str, ParameterSpec]:
    """Return the parameters of a function at the top level of a file.

    A parameter's default is its size where a study gives none; it must be a number, a text or a boolean.

    Raises:
        WorkloadError: The file is not Python, has no such function, or a parameter cannot be given by a study.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise WorkloadError(f"{path}: is not Python that can be read: {error}") from None
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    if function not in functions:
        there = ", ".join(functions) or "none"
        raise WorkloadError(f"{path}: there is no function '{function}' at its top level; there are: {there}")
    found = functions[function]
    arguments = found.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        raise WorkloadError(f"{path}:{found.lineno}: '{function}' must name its parameters: no *, ** or /")
    names = [one.arg for one in (*arguments.args, *arguments.kwonlyargs)]
    missing = [None] * (len(arguments.args) - len(arguments.defaults))
    defaults = [*missing, *arguments.defaults, *arguments.kw_defaults]
    return {
        name: ParameterSpec(_default(path, function, name, node), SUMMARY, minimum=None)
        for name, node in zip(names, defaults, strict=True)
    }


def _default(path: Path, function: str, name: str, node: ast.expr | None) -> int | float | str | bool | None:
    if node is None:
        return None
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if not isinstance(value, (int, float, str, bool)):
        raise WorkloadError(
            f"{path}:{node.lineno}: the default of '{name}' of '{function}' must be a number, a text or a boolean, "
            "for a study to give another"
        )
    return value
