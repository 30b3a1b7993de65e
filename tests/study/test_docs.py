"""The pages for users are true to the code: keys, limits, defaults, the example, knobs, passes, commands, links."""

import ast
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import annotated_types
import pytest
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ablatrix.builds import BuildSpec, GitSource
from ablatrix.compilers.catalogue import SHIPPED, TVM, CompilerEntry
from ablatrix.documents.about import About, Author
from ablatrix.study import model, stage
from ablatrix.study.design import make_design
from ablatrix.study.input_choice import InputChoice
from ablatrix.study.load import load_study
from ablatrix.study.part import Part
from ablatrix.study.workload_choice import WorkloadChoice
from ablatrix.trials.run.selection import TRIAL_KEYS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
STUDY_PAGE = (DOCS / "study-file.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "The file": model.Study,
    "`workloads[]`": WorkloadChoice,
    "`workloads[].inputs`": InputChoice,
    "`compilers[]`": model.CompilerChoice,
    "`compilers[].knobs`": model.KnobChoice,
    "`builds`": BuildSpec,
    "`builds.git`": GitSource,
    "`knobs`": model.KnobTitles,
    "`stages[]`": stage.Stage,
    "`stages[].factorial_of`": stage.FactorialOf,
    "`checks`": model.Checks,
    "`protocol`": model.Protocol,
    "`protocol.cold`": model.ColdProtocol,
    "`protocol.hot`": model.HotProtocol,
    "`about`": About,
    "`about.authors[]`": Author,
}
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*) \|$", re.MULTILINE)


def section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", STUDY_PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/study-file.md has no section '{title}'"
    return found[1]


def shown_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "its defaults"
    value = list(value) if isinstance(value, tuple) else value
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def shown_limits(field: FieldInfo) -> str:
    limits: dict[type[Any], Any] = {type(one): one for one in field.metadata}
    low, above, high = (limits.get(kind) for kind in (annotated_types.Ge, annotated_types.Gt, annotated_types.Le))
    if high is not None and low is not None:
        return f"{low.ge:,} to {high.le:,}"
    return f"at least {low.ge}" if low is not None else f"more than {above.gt}" if above is not None else ""


def test_study_page_has_section_for_every_model() -> None:
    assert set(SECTIONS.values()) == {*Part.__subclasses__(), About, Author, BuildSpec, GitSource}


@pytest.mark.parametrize("title", SECTIONS)
def test_study_page_has_each_key_with_true_default_and_limits(title: str) -> None:
    rows = {key: (value, default) for key, value, default, _ in ROW.findall(section(title))}
    fields = {field.alias or name: field for name, field in SECTIONS[title].model_fields.items()}
    assert list(rows) == list(fields)
    for key, field in fields.items():
        value, default = rows[key]
        assert default == shown_default(field), key
        kinds: dict[Any, str] = {
            int: "whole number",
            int | None: "whole number",
            float: "number",
            float | None: "number",
        }
        kind = kinds.get(field.annotation)
        if kind is not None:
            assert value == f"{kind}, {shown_limits(field)}", key


def test_worked_example_loads_with_counts_of_page(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(name: worked-example\n.*?)```", STUDY_PAGE, re.DOTALL)
    assert example is not None
    path = tmp_path / "study.yaml"
    path.write_text(example[1])
    design = make_design(load_study(path))
    cells = {cell.cell_id: (cell.workload, cell.compiler, cell.stage or "reference") for cell in design.cells}
    counted = Counter(cells.values())
    modes = Counter((*cells[trial.cell_id], trial.mode) for trial in design.trials)
    rows = re.findall(
        r"^\| (\w+) \| (\w+) \| ([\w-]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", STUDY_PAGE, re.MULTILINE
    )
    shown = {tuple(row[:3]): tuple(map(int, row[3:])) for row in rows}
    expected = {}
    for key, number in counted.items():
        cold, hot = modes[*key, "cold"], modes[*key, "hot"]
        expected[key] = (number, cold, hot, cold + hot)
    assert shown == expected


def test_study_page_names_every_key_of_only() -> None:
    part = STUDY_PAGE.partition("## Selecting trials")[2].partition("\n## ")[0]
    assert [key for key in TRIAL_KEYS if f"`{key}`" not in part] == []


def test_tvm_page_names_every_knob_level_and_pass() -> None:
    page = (DOCS / "compilers-tvm.md").read_text(encoding="utf-8")
    names = [knob.name for knob in TVM.knobs]
    names += [f"{knob.name}: {level.name}" for knob in TVM.knobs for level in knob.levels]
    source = (ROOT / "src/ablatrix/compilers/tvm/pipeline.py").read_text(encoding="utf-8")
    sequence = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[1]
    passes = [name for name in re.findall(r"\w+", sequence) if name not in {"library", "schedule"}]
    assert len(passes) > 15
    assert [name for name in [*names, *passes] if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", sorted((DOCS / "compilers").glob("*.md")), ids=lambda page: page.stem)
def test_compiler_page_names_every_knob_and_level(page: Path) -> None:
    entry: CompilerEntry = SHIPPED[page.stem]
    text = page.read_text(encoding="utf-8")
    for knob in entry.knobs:
        assert f"`{knob.name}" in text
        for level in knob.levels:
            assert f"`{knob.name}: {level.name}`" in text or f"`{level.name}`" in text, (knob.name, level.name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_commands_exist_with_their_options(page: Path) -> None:
    from ablatrix.cli.main import app

    group: Any = typer.main.get_command(app)
    for line in re.findall(r"^(?:    |\$ )ablatrix (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        name, *arguments = shlex.split(line.partition(" > ")[0].partition(" | ")[0], comments=True)
        if name.startswith("-"):
            continue
        assert name in group.commands, line
        command = group.commands[name]
        if hasattr(command, "commands"):  # a group: one of its commands, or the one that stands for none
            command = command.commands.get(arguments[0], command.commands.get("make"))
        options = {option for parameter in command.params for option in parameter.opts}
        given = {one.partition("=")[0] for one in arguments if one.startswith("-") and one != "-"}
        assert given <= options | {"-h", "--help"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def texts_of_the_code() -> str:
    """Return every string constant of the package and every line of its scripts."""
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "scripts").glob("*.sh")]
    for file in (ROOT / "src").rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        texts += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(texts)


def test_troubleshooting_page_quotes_messages_of_code() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    symptoms = re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
    quoted = [part.strip() for one in symptoms for text in re.findall(r"`(.*?)`", one) for part in text.split("…")]
    texts = texts_of_the_code()
    assert len(quoted) > 30
    assert [part for part in quoted if part not in texts] == []


def test_how_to_add_page_names_existing_files() -> None:
    page = (DOCS / "how-to-add.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`([\w/.-]+\.(?:py|md|yaml|toml|sh)|[\w/]+/)`", page))
    assert len(names) > 30
    homes = (
        ROOT,
        ROOT / "src/ablatrix",
        ROOT / "src/ablatrix/paper/tables",
        ROOT / "tests/paper",
        ROOT / "tests/compilers",
    )
    loose = {"options.py", "build.py", "passes.py", "pipeline.py", "compiler.py", "rules.py", "settings.py"}
    assert sorted(name for name in names - loose if not any((home / name).exists() for home in homes)) == []


def test_pages_that_show_fusion_say_whether_weights_are_constants() -> None:
    results = (DOCS / "results.md").read_text(encoding="utf-8")
    assert "constants for TVM, ONNX Runtime and OpenVINO" in results.split("## Run time")[0]
    template = " ".join((DOCS / "results.template.yaml").read_text(encoding="utf-8").split())
    assert template.count("Weights are as each compiler is deployed.") == 2
    for page in ("compilers/onnxruntime.md", "compilers/openvino.md"):
        text = " ".join((DOCS / page).read_text(encoding="utf-8").split())
        assert re.search(r"`weights: constant` \(default\)", text), page
        assert re.search(r"weights are not found at `weights: input`|at `weights: input` these find", text), page
