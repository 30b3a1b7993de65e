"""From what somebody names to two configurations of one workload, each with a study of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.compilers.catalogue import BUILD, CompilerEntry, Level, plain_level
from ablatrix.errors import StudyError
from ablatrix.study.design import Cell, make_design
from ablatrix.study.design_file import read_design
from ablatrix.study.model import Study
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.trials.results import ResultDirectory

LONGEST_NAME = 64
TOO_MANY = 5
ROUNDS = 20
"""Of a block at least, where the study says nothing; there are more of short programs (`measuring`)."""
_ID = re.compile(r"[0-9a-f]{4,16}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One configuration of a compiler.

    Attributes:
        compiler: Its name.
        levels: Knob -> level, settings by their address among them; other knobs are as the study has them.
    """

    compiler: str
    levels: Mapping[str, Level]

    @property
    def text(self) -> str:
        """As it is written: ``compiler:knob=level,...``."""
        return f"{self.compiler}:" + ",".join(f"{name}={level}" for name, level in self.levels.items())

    def with_levels(self, levels: Mapping[str, Level]) -> Configuration:
        """Return the same with some knobs at other levels."""
        return replace(self, levels={**self.levels, **levels})


@dataclass(frozen=True, kw_only=True)
class Side:
    """A configuration as it is run.

    Attributes:
        resolved: A study of it alone, with its catalogue.
        cell: Its cell.
    """

    configuration: Configuration
    resolved: ResolvedStudy
    cell: Cell

    @property
    def entry(self) -> CompilerEntry:
        """Its compiler, with the settings that it names."""
        return self.resolved.catalogue.compiler(self.cell.compiler)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two configurations of one workload.

    Attributes:
        study: What they are taken from: its workloads, checks, seed and protocol hold.
        catalogue: Compilers and workloads besides those of the study itself.
        known: Those of the study among them.
        workload: Name of the workload in it.
        parameters: What the study gives of its parameters.
        a, b: The first and the second.
    """

    study: Study
    catalogue: Catalogue
    known: Catalogue
    workload: str
    parameters: Mapping[str, Any]
    a: Configuration
    b: Configuration

    def side(self, configuration: Configuration) -> Side:
        """Return a configuration as it is run.

        Raises:
            StudyError: There is no such compiler, knob, level or setting.
        """
        entry = self.known.compiler(configuration.compiler)
        for one in ("eager", entry.name):  # preparing a model takes torch
            self.known.compiler(one).refuse_absent()
        resolved = resolve_study(_single(self, entry, configuration), self.catalogue)
        cells = [one for one in make_design(resolved).cells if one.stage is not None]
        if not cells:
            raise StudyError(f"'{self.workload}' has no dynamic dimension that 'upper_bound' could bound; leave it out")
        return Side(configuration=configuration, resolved=resolved, cell=cells[0])


def pair_of_model(
    model: str, a: str, b: str, catalogue: Catalogue | None = None, directory: Path | None = None
) -> Pair:
    """Return two configurations of a model.

    Args:
        model: Name of a workload, or the source of a model.
        a: ``compiler`` or ``compiler:knob=level,...``.
        b: The same.
        catalogue: Has the compilers and workloads; default: what is installed.
        directory: Where relative paths start; default: the working directory.

    Raises:
        StudyError: A configuration is not written as it must be.
    """
    from ablatrix.study.without_file import make_single_study

    known = catalogue or installed_catalogue()
    one, other = (_read(text, known, None) for text in (a, b))
    study = make_single_study(model, known.compiler(one.compiler), (), directory)
    (variant,) = study.variants
    return _checked(
        Pair(study=study, catalogue=known, known=known, workload=variant.name, parameters={}, a=one, b=other)
    )


def pair_of_study(
    resolved: ResolvedStudy, a: str, b: str, workload: str | None = None, catalogue: Catalogue | None = None
) -> Pair:
    """Return two configurations of a workload of a study, each named by a cell's id or as for `pair_of_model`.

    Args:
        resolved: The study.
        a: Id of a cell or the first characters of one, or ``compiler:knob=level,...`` around the study's baseline.
        b: The same.
        workload: Name of the workload, where neither is a cell.
        catalogue: What the study was resolved with; default: what is installed.

    Raises:
        StudyError: There is no such cell, or it is not known of which workload they are.
    """
    base = catalogue or installed_catalogue()
    return _of_cells(resolved, base, make_design(resolved).cells, {}, (a, b), workload)


def pair_of_results(
    resolved: ResolvedStudy,
    results: Path,
    a: str,
    b: str,
    workload: str | None = None,
    catalogue: Catalogue | None = None,
) -> Pair:
    """Return two configurations, named by ids of cells or trials that are in results, or as for `pair_of_study`.

    Raises:
        StudyError: There is no such cell or trial, or it is not known of which workload they are.
    """
    directory = ResultDirectory(results)
    design = read_design(directory.design, resolved.study) if directory.design.exists() else make_design(resolved)
    trials = {one.trial_id: one.cell_id for one in design.trials}
    return _of_cells(resolved, catalogue or installed_catalogue(), design.cells, trials, (a, b), workload)


def _of_cells(
    resolved: ResolvedStudy,
    base: Catalogue,
    cells: tuple[Cell, ...],
    trials: Mapping[str, str],
    texts: tuple[str, str],
    workload: str | None,
) -> Pair:
    study, catalogue = resolved
    found = [_cell(text, cells, trials, catalogue) for text in texts]
    named = list(dict.fromkeys(one.workload for one in found if one is not None))
    if workload is not None and workload not in {one.name for one in study.variants}:
        known = ", ".join(one.name for one in study.variants)
        raise StudyError(f"study '{study.name}' has no workload '{workload}'; it has: {known}")
    named = [workload] if workload is not None and not named else named
    if not named:
        named = [one.name for one in study.variants]
    if len(named) > 1:
        raise StudyError(
            f"A and B must be of one workload, and there are: {', '.join(named)}; "
            "choose one with --workload, or name cells of one"
        )
    if workload not in (None, named[0]):
        raise StudyError(f"A and B are cells of '{named[0]}', and --workload names '{workload}'; leave it out")
    variant = next(one for one in study.variants if one.name == named[0])
    one, other = (
        _read(text, catalogue, study) if cell is None else _of_cell(cell, catalogue)
        for text, cell in zip(texts, found, strict=True)
    )
    return _checked(
        Pair(
            study=study,
            catalogue=base,
            known=catalogue,
            workload=variant.name,
            parameters=variant.parameters,
            a=one,
            b=other,
        )
    )


def _checked(pair: Pair) -> Pair:
    """Return a pair of configurations that differ.

    Raises:
        StudyError: They are one and the same.
    """
    if pair.side(pair.a).cell.cell_id == pair.side(pair.b).cell.cell_id:
        raise StudyError(f"A and B are the same configuration ({pair.a.text}); name two that differ")
    return pair


def _cell(text: str, cells: tuple[Cell, ...], trials: Mapping[str, str], catalogue: Catalogue) -> Cell | None:
    """Return the cell that an id, or the first characters of one, is of; None where the text is no id."""
    if text in catalogue.compilers or not _ID.fullmatch(text):
        return None
    ids = {one for one in (one.cell_id for one in cells) if one.startswith(text)}
    ids |= {cell for trial, cell in trials.items() if trial.startswith(text)}
    found = [one for one in cells if one.cell_id in ids]
    if len(found) != 1:
        many = ", ".join(one.cell_id for one in found[:TOO_MANY])
        what = f"several do: {many}; give more of it" if found else "see 'ablatrix design' for ids of cells"
        raise StudyError(f"no one cell has an id that begins with '{text}'; {what}")
    if not found[0].knobs:
        raise StudyError(f"cell {found[0].cell_id} is of {found[0].compiler}, which compiles nothing; choose another")
    return found[0]


def _of_cell(cell: Cell, catalogue: Catalogue) -> Configuration:
    if catalogue.compiler(cell.compiler).builds:
        raise StudyError(
            f"cell {cell.cell_id} is of build '{cell.knobs[BUILD]}' of compiler '{cell.compiler}', and only what this "
            "environment has can be explained; take a study without builds"
        )
    return Configuration(compiler=cell.compiler, levels=dict(cell.knobs))


def _read(text: str, catalogue: Catalogue, study: Study | None) -> Configuration:
    """Read ``compiler:knob=level,...``; a name may be the address of a setting, which has a colon in it."""
    compiler, _, rest = text.partition(":")
    entry = catalogue.compiler(compiler)
    if not entry.knobs:
        raise StudyError(f"compiler '{compiler}' compiles nothing, so that there is nothing to explain; choose another")
    levels: dict[str, Level] = {} if study is None else dict(baseline_of(study, entry))
    for part in filter(None, rest.split(",")):
        name, equals, given = part.partition("=")
        if not equals or not name or not given:
            raise StudyError(
                f"'{text}': '{part}' must be of the form knob=level, as in tvm:fusion=on,schedule=vectorised"
            )
        levels[name] = _level(given)
    return Configuration(compiler=compiler, levels=levels)


def _level(text: str) -> Level:
    if not _NUMBER.fullmatch(text):
        return text
    level: Level = plain_level(int(text) if text.removeprefix("-").isdigit() else float(text))
    return level


def knob_name(name: str) -> str:
    """Return the name of the knob of something that is named by a knob, or by the address of a setting."""
    return re.sub(r"\W", "_", name)[:LONGEST_NAME] if ":" in name else name


def _single(pair: Pair, entry: CompilerEntry, configuration: Configuration) -> Study:
    """Return the study of one configuration alone, with what the pair's study says of the workload and the protocol."""
    study = pair.study
    data = study.model_dump(mode="json", exclude_unset=True)
    variant = next(one for one in study.variants if one.name == pair.workload)
    choice = next(one for one in data["workloads"] if one["name"] == variant.base)
    choice = {key: value for key, value in choice.items() if key != "axes"} | {"parameters": dict(variant.parameters)}
    held: dict[str, dict[str, Any]] = {one["name"]: one for one in data["compilers"]}
    own = held.get(entry.name, {"name": entry.name})
    settings: dict[str, Any] = dict(own.get("knobs", {}))
    levels: dict[str, Level] = {}
    for name, level in configuration.levels.items():
        knob = knob_name(name)
        levels[knob] = level
        if ":" in name:
            settings[knob] = {"setting": name, "levels": [level]}
    varied = next(iter(entry.primary), entry.knobs[0].name)
    first = levels.pop(varied, entry.levels(frozenset())[varied])
    chosen = {**{key: value for key, value in own.items() if key != "builds"}, "fixed": levels, "knobs": settings}
    kept: dict[str, Any] = {
        key: data[key] for key in ("name", "seed", "checks", "protocol", "plugins", "device") if key in data
    }
    protocol = dict(kept.get("protocol", {}))
    kept["protocol"] = {**protocol, "hot": {"rounds": ROUNDS, **protocol.get("hot", {})}}
    given: dict[str, Any] = {
        **kept,
        "workloads": [choice],
        "compilers": [chosen],
        "modes": ["hot"],
        "baseline": {varied: first},
        "stages": [{"name": "explained", "factorial": {varied: [first]}}],
        "checks": {**data.get("checks", {}), "input_sets": 1},
    }
    return Study.model_validate(given).at(study.directory)
