"""A study without a file: from a few words of a command line, and back to the text of a study file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.compilers.catalogue import CompilerEntry, Level, plain_level
from ablatrix.errors import StudyError
from ablatrix.study.functions import function_source
from ablatrix.study.model import Study

STAGE = "primary"
FURTHER = "further"
LONGEST_NAME = 64
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def make_study(
    models: Sequence[str | Mapping[str, Any] | Callable[..., Any]],
    compilers: Sequence[str],
    knobs: Sequence[str] | Mapping[str, Sequence[Level]] = (),
    modes: Sequence[str] = (),
    plugins: Sequence[str] = (),
    directory: Path | None = None,
    catalogue: Catalogue | None = None,
    **further: Any,
) -> Study:
    """Return the study of some models on some compilers: a factorial of primary knobs, then further ones around it.

    Where the compilers have no primary knob in common, the first of the knobs that are given takes their place.

    Args:
        models: Names of workloads or sources of your own models; maps, as a study has them; or functions that return
            a module with its inputs. A function of a notebook or script is written to a file under ``models/``, with
            what it uses, for the workers to import it: see `ablatrix.study.functions.function_source`.
        compilers: Names of compilers.
        knobs: Knob -> levels, or ``name=level,level``; the first level of each is the baseline's. Default: every
            primary knob that all the compilers have, with the levels that all of them support.
        modes: ``cold``, ``hot``; default: both.
        plugins: Python files that add compilers or workloads.
        directory: Where relative paths start; default: the working directory.
        catalogue: Has the compilers, including those of the plug-ins; default: what is installed.
        further: Other keys of a study.

    Raises:
        StudyError: A knob is not written as it must be, a function cannot be named by a file, or the study is not
            valid.
        CompilerError: There is no such compiler.
    """
    folder = directory or Path.cwd()
    entries = [(catalogue or installed_catalogue()).compiler(name) for name in compilers]
    given = {knob: list(found) for knob, found in knobs.items()} if isinstance(knobs, Mapping) else _read_knobs(knobs)
    levels = given or _primary_knobs(entries)
    primary = {knob: levels[knob] for knob in _primary_names(entries) if knob in levels}
    factorial = primary or _one_level(entries) or dict(list(levels.items())[:1])
    if not factorial:
        names = ", ".join(entry.name for entry in entries)
        raise StudyError(f"compilers {names} have no primary knob with one default in common; give one with --knob")
    secondary = {knob: found for knob, found in levels.items() if knob not in factorial}
    stages: list[dict[str, Any]] = [{"name": STAGE, "factorial": factorial}]
    if secondary:
        around = {knob: found[0] for knob, found in levels.items()}
        stages.append({"name": FURTHER, "around": around, "vary": secondary})
    data = {
        "name": "quick",
        "workloads": [_named_by_source(model, folder) for model in models],
        "compilers": list(compilers),
        "modes": list(modes) or ["cold", "hot"],
        "baseline": {knob: found[0] for knob, found in levels.items()},
        "stages": stages,
        **({"plugins": list(plugins)} if plugins else {}),
        **further,
    }
    return _validated(data, folder)


def make_single_study(
    model: str, compiler: CompilerEntry, knobs: Sequence[str] = (), directory: Path | None = None
) -> Study:
    """Return the study of one model in one configuration of a compiler.

    Args:
        model: Name of a workload, or the source of a model.
        compiler: The compiler.
        knobs: ``name=level`` each; a name with a colon is the address of a setting. Others have their defaults.
        directory: Where relative paths start; default: the working directory.

    Raises:
        StudyError: A knob is not written as it must be, is given twice, or the study is not valid.
    """
    levels: dict[str, Level] = {}
    settings: dict[str, Any] = {}
    for text in knobs:
        name, equals, given = text.partition("=")
        if not equals or not name or not given:
            raise StudyError(f"--knob {text}: must be of the form knob=level, such as fusion=off")
        knob = re.sub(r"\W", "_", name)[:LONGEST_NAME] if ":" in name else name
        if knob in levels:
            raise StudyError(f"--knob {text}: '{name}' is given twice; give it once")
        levels[knob] = read_level(given)
        if ":" in name:
            settings[knob] = {"setting": name, "levels": [levels[knob]]}
    own = next(iter(compiler.primary), compiler.knobs[0].name)  # a stage varies something
    varied = {own: [levels.pop(own, compiler.defaults()[own])]}
    return _validated(
        {
            "name": "single",
            "workloads": [model],
            "compilers": [{"name": compiler.name, "fixed": levels, "knobs": settings}],
            "modes": ["cold"],
            "baseline": {knob: found[0] for knob, found in varied.items()},
            "stages": [{"name": STAGE, "factorial": varied}],
            "checks": {"input_sets": 1},
        },
        directory or Path.cwd(),
    )


def study_text(study: Study) -> str:
    """Return a study as the text of its file: what it says, without defaults. Loaded again it has the same digest."""
    from ruamel.yaml import YAML

    writer = YAML(pure=True)
    writer.default_flow_style = None
    writer.width = 110
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    writer.dump(study.model_dump(mode="json", exclude_unset=True), stream)
    return stream.getvalue()


def _validated(data: Mapping[str, Any], directory: Path) -> Study:
    try:
        return Study.model_validate(data).at(directory)
    except ValidationError as error:
        raise StudyError(*(fault["msg"].removeprefix("Value error, ") for fault in error.errors())) from None


def _named_by_source(model: str | Mapping[str, Any] | Callable[..., Any], directory: Path) -> str | Mapping[str, Any]:
    """Return a model as a study has it: a function by the source that names it, under its own name."""
    given = model if isinstance(model, Mapping) else {"source": model}
    source = given.get("source")
    if isinstance(source, str) or not callable(source):
        return model if isinstance(model, str) else given
    named = function_source(source, directory)
    return {"name": source.__name__.strip("_"), **given, "source": named}


def _read_knobs(texts: Sequence[str]) -> dict[str, list[Level]]:
    return dict(map(_read_knob, texts))


def _read_knob(text: str) -> tuple[str, list[Level]]:
    name, equals, levels = text.partition("=")
    found = [read_level(one) for one in levels.split(",") if one]
    if not equals or not name or not found:
        raise StudyError(f"--knob {text}: must be of the form knob=level,level, such as fusion=off,on")
    return name, found


def read_level(text: str) -> Level:
    """Return a level as a study file would have it: digits are a number."""
    if not _NUMBER.fullmatch(text):
        return text
    level: Level = plain_level(int(text) if text.removeprefix("-").isdigit() else float(text))
    return level


def _primary_names(entries: Sequence[CompilerEntry]) -> list[str]:
    """Return the names of the knobs that are primary in a compiler, in the order of the catalogue."""
    return list(dict.fromkeys(name for entry in entries for name in entry.primary))


def _primary_knobs(entries: Sequence[CompilerEntry]) -> Mapping[str, list[Level]]:
    """Return the primary knobs of all compilers with two or more levels that all support, the default first."""
    found: dict[str, list[Level]] = {}
    for name in _primary_names(entries):
        knobs = [entry.knob(name) for entry in entries]
        if not all(knobs):
            continue
        sets = [{level.name for level in knob.levels if not level.unsupported} for knob in knobs if knob is not None]
        common = set.intersection(*sets)
        first = knobs[0]
        assert first is not None
        order = [level.name for level in first.levels]
        levels: list[Level] = sorted(common, key=lambda level: (level != first.default, order.index(level)))
        if len(levels) > 1:
            found[name] = levels
    return found


def _one_level(entries: Sequence[CompilerEntry]) -> dict[str, list[Level]]:
    """Return a factorial of one configuration, for a study whose knobs are all secondary; none where none can be."""
    for name in _primary_names(entries):
        knobs = [entry.knob(name) for entry in entries]
        defaults = {knob.default for knob in knobs if knob is not None}
        if all(knobs) and len(defaults) == 1:
            return {name: [defaults.pop()]}
    return {}
