"""The sizes of an ONNX model's inputs: names of free dimensions, and the sizes or bounds that a study gives them."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from onnx import ModelProto, ValueInfoProto

from ablatrix.errors import WorkloadError

Size = int | str
RANGE = re.compile(r"(\d+)\.\.(\d+)(?:@(\d+))?")
HOW = "a whole number from 1 up, or a range for one that stays dynamic: 1..512, or 1..512@128 where 128 is timed"
_NAMELESS = re.compile(r"[\W\d]*|None")  # what exporters write for a dimension of which they know nothing: ?, -1, None
_ARITHMETIC = (ast.Expression, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Name, ast.Load, ast.Constant)


@dataclass(frozen=True)
class Sizes:
    """The sizes of the inputs of a model.

    Attributes:
        axes: For each input by name: the size of each axis, a number or the name of a dynamic dimension.
        bounds: Dynamic dimensions: name -> (smallest, largest) size.
        timed: The size of each of them that is timed.
    """

    axes: Mapping[str, tuple[Size, ...]]
    bounds: Mapping[str, tuple[int, int]]
    timed: Mapping[str, int]

    def shape(self, name: str, sizes: Mapping[str, int] | None = None) -> tuple[int, ...]:
        """Return the shape of an input at some sizes of the dynamic dimensions; default: the timed ones."""
        held = self.timed if sizes is None else sizes
        return tuple(size if isinstance(size, int) else held[size] for size in self.axes[name])

    def dynamic_axes(self, name: str) -> dict[int, str]:
        """Return the dynamic dimensions of an input by axis."""
        return {axis: size for axis, size in enumerate(self.axes[name]) if isinstance(size, str)}


def settle_sizes(model: ModelProto, given: Mapping[str, Any], known: Mapping[str, tuple[int, ...]]) -> Sizes:
    """Give each free dimension of the inputs what a study says, in place; other values follow from them.

    Args:
        model: The model; every input has a rank.
        given: Sizes and ranges by the dimension's name, or by what the file calls it.
        known: Shapes of given inputs, by name: they give the sizes that ``given`` does not.

    Raises:
        WorkloadError: A dimension has no size, a size is none, or there is no such dimension.
    """
    inputs = list(model.graph.input)
    names = _Names(inputs)
    texts = {value.name: [names.text(value, axis) for axis in range(_rank(value))] for value in inputs}
    free = [name for texts_of in texts.values() for name in texts_of if isinstance(name, str) and name.isidentifier()]
    free = list(dict.fromkeys(free))
    chosen = _chosen(free, given, names, _seen(texts, known))
    bounds = {name: (one[0], one[1]) for name, one in chosen.items() if not isinstance(one, int)}
    timed = {name: one[2] for name, one in chosen.items() if not isinstance(one, int)}
    fixed = {name: one for name, one in chosen.items() if isinstance(one, int)}
    axes: dict[str, tuple[Size, ...]] = {}
    for value in inputs:
        axes[value.name] = tuple(
            one if isinstance(one, int) else _size(one, fixed, bounds) for one in texts[value.name]
        )
        for dimension, size in zip(value.type.tensor_type.shape.dim, axes[value.name], strict=True):
            dimension.Clear()
            if isinstance(size, int):
                dimension.dim_value = size
            else:
                dimension.dim_param = size
    if free:
        del model.graph.value_info[:]
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
    return Sizes(axes, bounds, timed)


class _Names:
    """Names of free dimensions that a command line, a study and an exported program can hold."""

    def __init__(self, inputs: Iterable[ValueInfoProto]) -> None:
        dims = [(value, axis, one) for value in inputs for axis, one in enumerate(value.type.tensor_type.shape.dim)]
        found = {_original(one) for _, _, one in dims if not _is_fixed(one)}
        self._alone = {one for one in found if _is_name(one)}
        self.originals = {name: name for name in sorted(self._alone)}
        self._words: dict[str, str] = {}
        for original in sorted(found - self._alone):
            word = _word(original)
            if not _NAMELESS.fullmatch(original) and not self._follows(original) and word not in self.originals:
                self._words[original] = word
                self.originals[word] = original

    def text(self, value: ValueInfoProto, axis: int) -> Size:
        """Return a number, a name, or arithmetic on names that other dimensions have by themselves."""
        dimension = value.type.tensor_type.shape.dim[axis]
        if _is_fixed(dimension):
            return int(dimension.dim_value)
        original = _original(dimension)
        if original in self._alone or self._follows(original):
            return original
        word = self._words.get(original) or f"{_word(value.name)}_{axis}"
        self.originals.setdefault(word, word)
        return word

    def _follows(self, original: str) -> bool:
        try:
            nodes = list(ast.walk(ast.parse(original, mode="eval")))
        except SyntaxError:
            return False
        used = {one.id for one in nodes if isinstance(one, ast.Name)}
        return bool(used) and used <= self._alone and all(isinstance(one, _ARITHMETIC) for one in nodes)


def _rank(value: ValueInfoProto) -> int:
    return len(value.type.tensor_type.shape.dim)


def _is_fixed(dimension: Any) -> bool:
    return bool(dimension.HasField("dim_value") and dimension.dim_value >= 0)


def _original(dimension: Any) -> str:
    return str(dimension.dim_param).strip()


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _word(text: str) -> str:
    word = re.sub(r"\W+", "_", text).strip("_")
    return word if _is_name(word) else f"dim_{word}"


def _seen(texts: Mapping[str, list[Size]], known: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Return the sizes that given inputs have, by the name of the dimension."""
    found: dict[str, int] = {}
    for name, shape in known.items():
        if len(texts.get(name, ())) == len(shape):
            for text, size in zip(texts[name], shape, strict=True):
                if isinstance(text, str):
                    found.setdefault(text, size)
    return found


def _chosen(
    free: list[str], given: Mapping[str, Any], names: _Names, seen: Mapping[str, int]
) -> dict[str, int | tuple[int, int, int]]:
    """Return the size of each free dimension, or its smallest, largest and timed size."""
    known = {names.originals.get(name, name) for name in free} | set(free)
    unknown = sorted(set(given) - known)
    if unknown:
        raise WorkloadError(f"it has no free dimension {unknown}; it has: {', '.join(sorted(free)) or 'none'}")
    asked = {name: given.get(name, given.get(names.originals.get(name, name), seen.get(name))) for name in free}
    missing = sorted(name for name, one in asked.items() if one is None)
    if missing:
        example = ", ".join(f"{name}: {1 if one is None else one}" for name, one in asked.items())
        raise WorkloadError(
            f"its free dimensions {missing} have no size; give all under 'parameters': {{{example}}}, or behind the "
            f"file: ?{example.replace(': ', '=').replace(', ', '&')}; a range keeps one dynamic: {missing[0]}=1..64"
        )
    return {name: _read(name, one, seen.get(name)) for name, one in asked.items()}


def _read(name: str, given: Any, seen: int | None) -> int | tuple[int, int, int]:
    if type(given) is int and (given >= 1 or given == seen):
        return given
    match = RANGE.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise WorkloadError(f"the size of a dimension is {HOW}; but {name} is {given!r}")
    low, high = int(match[1]), int(match[2])
    inside = seen if seen is not None and low <= seen <= high else high
    timed = inside if match[3] is None else int(match[3])
    if not 1 <= low < high or not low <= timed <= high:
        raise WorkloadError(f"1 <= smallest <= timed <= largest must hold of a range, but {name} is {given!r}")
    return low, high, timed


def _size(text: str, fixed: Mapping[str, int], bounds: Mapping[str, Any]) -> Size:
    """Return the size that a name or arithmetic on names stands for."""
    if text in fixed:
        return fixed[text]
    if text in bounds:
        return text
    used = {one.id for one in ast.walk(ast.parse(text, mode="eval")) if isinstance(one, ast.Name)}
    dynamic = sorted(used & set(bounds))
    if dynamic:
        raise WorkloadError(f"a dimension is '{text}', so {dynamic} cannot stay dynamic; give one size to each")
    return int(eval(compile(text, "dimension", "eval"), {"__builtins__": {}}, dict(fixed)))  # sums of names alone
