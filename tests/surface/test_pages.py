"""Pages and examples import public names alone, and show examples as they are."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
PUBLIC = ("ablatrix", "ablatrix.plugin", "ablatrix.testing")
FENCED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n|^\n)+", re.MULTILINE)
SHOWN = re.compile(r"^\[`(examples/[\w/.]+)`\]\(\.\./\1\):\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WHOLE = {
    "writing-a-compiler.md": ["examples/compiler/in_place.py", "examples/compiler/test_in_place.py"],
    "writing-a-workload.md": ["examples/workload/polynomial.py", "examples/workload/test_polynomial.py"],
}


def private_imports(code: str) -> Iterator[str]:
    """Yield what a program imports of ablatrix and must not."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names: list[tuple[str, str | None]] = [(name.name, None) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", name.name) for name in node.names]
        else:
            continue
        for module, name in names:
            if module.partition(".")[0] != "ablatrix":
                continue
            if module not in PUBLIC or (name is not None and name not in import_module(module).__all__):
                yield module if name is None else f"{module}.{name}"


def programs_of(page: Path) -> Iterator[str]:
    """Yield the Python of a page: fenced blocks, and indented ones that import something of ablatrix."""
    text = page.read_text(encoding="utf-8")
    yield from FENCED.findall(text)
    for block in INDENTED.findall(FENCED.sub("", text)):
        if re.search(r"^    (?:from|import) ablatrix", block, re.MULTILINE):
            yield textwrap.dedent(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_imports_public_names_only(page: Path) -> None:
    assert [name for code in programs_of(page) for name in private_imports(code)] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_imports_public_names_only(example: Path) -> None:
    assert list(private_imports(example.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from ablatrix.compilers.adapter import CompileFacts", ["ablatrix.compilers.adapter.CompileFacts"]),
        ("import ablatrix.records", ["ablatrix.records"]),
        ("from ablatrix.plugin import Graph, KnobEntry", ["ablatrix.plugin.Graph"]),
        ("def f():\n    from ablatrix.plugin import TaskFacts, gather_facts", []),
        ("import ablatrix, torch", []),
    ],
)
def test_private_import_is_found(code: str, found: list[str]) -> None:
    assert list(private_imports(code)) == found


@pytest.mark.parametrize("page", WHOLE)
def test_page_shows_its_examples_verbatim(page: str) -> None:
    shown = dict(SHOWN.findall((ROOT / "docs" / page).read_text(encoding="utf-8")))
    assert list(shown) == WHOLE[page]
    for name, text in shown.items():
        assert text == (ROOT / name).read_text(encoding="utf-8"), f"docs/{page} shows another text than {name}"


def test_docs_name_every_public_function_of_ablatrix() -> None:
    page = (ROOT / "docs" / "public-surface.md").read_text(encoding="utf-8")
    functions = [name for name in import_module("ablatrix").__all__ if name[0].islower()]
    assert [name for name in functions if f"`{name}`" not in page] == []
