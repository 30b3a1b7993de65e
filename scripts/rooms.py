"""Rooms, circles and arrows back of the source: ``python scripts/rooms.py``.

A room is a package under ``src/ablatrix``, or a top-level module. Prints each room with its modules and lines; then
what must not be, and exits 1 when there is any of it: circles between modules or rooms; imports against the order of
rooms that ``pyproject.toml`` declares (its exhaustive ``layers`` contract); modules and functions that are too long.
Imports for type checkers alone do not count.
"""

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import grimp

PACKAGE = "ablatrix"
ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
MAX_LINES = 400
MAX_FUNCTION_LINES = 60

Arrows = Mapping[str, set[str]]


def main() -> int:
    """Print the rooms and the faults; return 1 where there is a fault."""
    files = source_files()
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True)
    modules = {one: set(graph.find_modules_directly_imported_by(one)) for one in sorted(graph.modules)}
    packages = {one for one, path in files.items() if path.name == "__init__.py"} - {PACKAGE}
    print_rooms(files, packages)
    faults = [
        *(f"circle of modules: {' <-> '.join(one)}" for one in circles(modules)),
        *circles_of_rooms(modules, packages),
        *(f"arrow back: {one}" for one in arrows_back(modules, declared_layers())),
        *(f"module of {count} lines (most {MAX_LINES}): {name}" for name, count in long_modules(files)),
        *(f"function of {count} lines (most {MAX_FUNCTION_LINES}): {name}" for name, count in long_functions(files)),
    ]
    print("\n" + ("\n".join(faults) or "no circle, no arrow back, nothing too long"))
    return int(bool(faults))


def source_files() -> dict[str, Path]:
    """Return the file of each module by its dotted name."""
    found = {}
    for path in sorted((SOURCE / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def print_rooms(files: Mapping[str, Path], packages: Iterable[str]) -> None:
    """Print each room and the rooms in it, with their modules and lines; rooms in a room count in both."""
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()}
    single = [one for one in files if one.count(".") == 1 and one not in packages]
    for room in sorted([*packages, *single]):
        own = [one for one in files if one == room or one.startswith(f"{room}.")]
        depth = room.count(".") - 1
        name = "  " * depth + room.removeprefix(f"{PACKAGE}.")
        print(f"{name:<40}{len(own):>4} modules{sum(lines[one] for one in own):>7} lines")


def circles(arrows: Arrows) -> list[list[str]]:
    """Return the strongly connected components of more than one node, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            place = stack.index(node)
            if len(stack) - place > 1:
                found.append(sorted(stack[place:]))
            del stack[place:]

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return found


def circles_of_rooms(modules: Arrows, packages: set[str]) -> Iterator[str]:
    """Yield the circles between what stands in a package, with an import for each of their arrows."""
    for package in sorted({PACKAGE, *packages}):
        between: dict[str, dict[str, str]] = defaultdict(dict)
        for importer, imported in pairs(modules):
            one, other = child(importer, package), child(imported, package)
            if one and other and one != other:
                between[one].setdefault(other, f"{importer} -> {imported}")
        for circle in circles({one: set(others) for one, others in between.items()}):
            if packages & set(circle):  # else it is a circle of modules, and reported as one
                closing = [between[one][other] for one in circle for other in circle if other in between[one]]
                yield f"circle of rooms: {' <-> '.join(circle)}: {'; '.join(closing)}"


def pairs(modules: Arrows) -> Iterator[tuple[str, str]]:
    """Yield each import as (importer, imported)."""
    for importer, targets in modules.items():
        for imported in sorted(targets):
            yield importer, imported


def child(module: str, package: str) -> str | None:
    """Return the room or module directly in a package that a module belongs to; None where it is not in there."""
    if not module.startswith(f"{package}."):
        return None
    return f"{package}.{module.removeprefix(f'{package}.').partition('.')[0]}"


def declared_layers() -> list[list[str]]:
    """Return the layers of the exhaustive contract, the highest first; rooms of one layer stand side by side."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    contract = next(one for one in settings["contracts"] if one["type"] == "layers" and one.get("exhaustive"))
    return [
        [f"{PACKAGE}.{name.strip()}" for name in layer.replace(":", "|").split("|")] for layer in contract["layers"]
    ]


def arrows_back(modules: Arrows, layers: list[list[str]]) -> Iterator[str]:
    """Yield the imports of a room by one that stands below it, and rooms that the layers do not name."""
    rank = {room: number for number, layer in enumerate(layers) for room in layer}
    tops = {top for one in modules if (top := child(one, PACKAGE))}
    yield from (f"{one} is in no layer of pyproject.toml" for one in sorted(tops - rank.keys()))
    for importer, imported in pairs(modules):
        above, below = child(imported, PACKAGE), child(importer, PACKAGE)
        if above in rank and below in rank and rank[above] < rank[below]:
            yield f"{importer} -> {imported}"


def long_modules(files: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    """Yield modules that are too long, with their lines."""
    for name, path in files.items():
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > MAX_LINES:
            yield name, count


def long_functions(files: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    """Yield functions that are too long, with their lines from the first decorator's end to the last statement."""
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > MAX_FUNCTION_LINES:
                    yield f"{name}.{node.name} (line {node.lineno})", count


if __name__ == "__main__":
    sys.exit(main())
