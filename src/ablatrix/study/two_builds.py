"""A study between two builds: those that it names, or that a command line makes up, and nothing else of its builds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablatrix.builds import BuildSpec
from ablatrix.documents.faults import closest
from ablatrix.errors import StudyError
from ablatrix.regular_files import is_existing_file, is_there
from ablatrix.study.model import Study

BUILD = "build"
HERE = "here"
PIP, GIT, AT = "pip:", "git:", "@"
FORMS = "an interpreter's path, pip:onnxruntime==1.23.0, git:COMMIT or NAME@COMMIT, or here"
LONGEST = 64
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


def between_builds(study: Study, base: str, head: str) -> tuple[Study, str, str]:
    """Return a study of two builds of its compilers, and what the builds are called in it.

    Each of the two is a build of the study by its name; ``pip:`` and requirements with commas between them; ``git:``
    and a commit, of the repository of the study's only build of one; ``NAME@COMMIT``, a build of the study at another
    commit; the path of an interpreter; or ``here``, this environment. Every stage spans both.

    Args:
        study: The study, with or without builds.
        base: What the other is compared with.
        head: The build with the change.

    Raises:
        StudyError: No such build, both are one, or a stage that cannot have two builds.
    """
    specs = dict(_found(study, given) for given in (base, head))
    if len(specs) < 2:
        raise StudyError(f"--base {base} and --head {head} are one build; give two")
    names = list(specs)
    if [*study.builds] == names and all(choice.builds == names for choice in study.compilers if choice.builds):
        return study, names[0], names[1]
    data = study.model_dump(mode="json")
    data["builds"] = {name: _anchored(spec, study.directory) for name, spec in specs.items()}
    chosen = [choice for choice in data["compilers"] if choice.get("builds")] or data["compilers"]
    for choice in data["compilers"]:
        choice.pop("builds", None)
        if choice.get("command"):
            choice["command"] = _from_outside(choice["command"], study.directory)
    for choice in chosen:
        choice["builds"] = names
    data["baseline"].pop(BUILD, None)
    spanned = [stage for stage in data["stages"] if BUILD in _table(stage)]
    for stage in spanned or data["stages"]:
        _span(stage, names)
    try:
        return Study.model_validate(data).at(study.directory), names[0], names[1]
    except ValidationError as wrong:
        fault = wrong.errors()[0]
        raise StudyError(f"--base {base}, --head {head}: {fault['msg']}") from None


def _anchored(spec: BuildSpec, directory: Path) -> dict[str, Any]:
    """Return a build whose paths out of the study's directory are absolute: its study may be kept elsewhere."""
    data = spec.model_dump(mode="json")
    if spec.env:
        data["env"] = spec.variables(directory, None)
    if spec.python is not None and os.sep in spec.python:
        data["python"] = os.path.abspath(directory / spec.python)  # noqa: PTH100 - a link makes the interpreter
    if spec.git is not None and is_there(directory / spec.git.repository):
        data["git"]["repository"] = str((directory / spec.git.repository).resolve())
    for key in ("pip", "command"):
        if data.get(key):
            data[key] = _from_outside(data[key], directory)
    return data


def _from_outside(words: Iterable[str], directory: Path) -> list[str]:
    """Return words of which paths that lead out of a directory are absolute."""
    return [str((directory / word).resolve()) if word.startswith("../") else word for word in words]


def _found(study: Study, given: str) -> tuple[str, BuildSpec]:
    """Return the name and the making of a build that is named or made up."""
    if given in study.builds:
        return given, study.builds[given]
    try:
        made = next(_made_up(study, given), None)
    except ValidationError as wrong:
        raise StudyError(f"build {given}: {wrong.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    if made is not None:
        return made
    there = list(study.builds)
    known = f"it has: {', '.join(there)}{closest(given, there)}" if there else "it has none"
    raise StudyError(f"the study has no build '{given}' ({known}), and it is none of: {FORMS}")


def _made_up(study: Study, given: str) -> Iterator[tuple[str, BuildSpec]]:
    name, at, commit = given.partition(AT)
    if given.startswith(PIP):
        requirements = tuple(one.strip() for one in given.removeprefix(PIP).split(",") if one.strip())
        yield _name(given.removeprefix(PIP).replace("==", "-"), PIP), BuildSpec(pip=requirements)
    elif given.startswith(GIT):
        yield _name(given.removeprefix(GIT), "git-"), _only_of_git(study, given).at_commit(given.removeprefix(GIT))
    elif at and commit and name in study.builds:
        if study.builds[name].git is None:
            raise StudyError(f"build {given}: '{name}' is of no repository, so that it has no commits")
        yield _name(f"{name}-{commit}", "git-"), study.builds[name].at_commit(commit)
    elif given == HERE:
        yield HERE, BuildSpec()
    elif os.sep in given and os.access(given, os.X_OK) and is_existing_file(Path(given)):
        # Not resolved: the interpreter of a virtual environment is a link, and what it is linked to is another one.
        path = Path(given).absolute()
        yield _name("-".join(path.parts[-3:]), "python-"), BuildSpec(python=str(path))
    elif os.sep in given and AT not in given:
        raise StudyError(f"build {given}: there is no such program; give the path of a Python that has ablatrix")


def _only_of_git(study: Study, given: str) -> BuildSpec:
    found = [(name, spec) for name, spec in study.builds.items() if spec.git is not None]
    if len(found) != 1:
        named = " or ".join(f"{name}@{given.removeprefix(GIT)}" for name, _ in found)
        remedy = f"write {named}" if found else "give one build of it 'git' with a repository and its commands"
        raise StudyError(f"build {given}: the study has {len(found)} builds of a repository; {remedy}")
    return found[0][1]


def _name(text: str, prefix: str) -> str:
    plain = _ODD.sub("-", text).strip("-.")
    plain = plain if plain[:1].isalpha() else f"{prefix.rstrip(':-')}-{plain}"
    return plain[:LONGEST].rstrip("-.")


def _table(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((stage[form] for form in ("factorial", "vary") if stage.get(form)), {})


def _span(stage: dict[str, Any], names: list[str]) -> None:
    """Let a stage span the builds, before its other knobs."""
    for form in ("factorial", "vary"):
        if stage.get(form):
            stage[form] = {BUILD: names, **{knob: levels for knob, levels in stage[form].items() if knob != BUILD}}
            return
    raise StudyError(
        f"stage '{stage['name']}' is a screening or its confirmation, which does not compare builds; give a study of a "
        "factorial, or of knobs that vary around a configuration"
    )
