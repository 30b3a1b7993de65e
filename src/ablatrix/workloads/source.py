"""Sources: how a study names a user's model. Plain text in, an entry out; nothing is imported here.

Five forms: ``file.py:function`` or ``module:function``, ``file.pt2``, ``file.onnx?tokens=32`` (sizes of its free
dimensions, where it has any; ``1..512`` keeps one dynamic), ``hf:llama?layers=2&hidden=256``, and
``hf:path/to/checkpoint?tokens=32``.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ablatrix.canonical import digest_bytes
from ablatrix.errors import WorkloadError
from ablatrix.regular_files import is_existing_file
from ablatrix.workloads.entry import Origin, ParameterSpec, Size, Tier, WorkloadEntry
from ablatrix.workloads.numeric_types import as_common
from ablatrix.workloads.onnx.parts import find_parts
from ablatrix.workloads.shipped import PHASE_PARAMETERS
from ablatrix.workloads.signature import find_parameters

DEFAULT_TIER: Tier = "hard"
ARCHITECTURE = "hf:"
SAVED = ".pt2"
ONNX = ".onnx"
FILES = (".py", SAVED, ONNX)
PLAIN_FUNCTION = "make"
CONFIG = "config.json"
"""The file that makes a directory a checkpoint of transformers."""
FORMS = (
    "file.py:function, module:function, file.pt2, file.onnx?tokens=32, hf:architecture?layers=2&hidden=256, or "
    "hf:path/to/checkpoint"
)
_FUNCTION = re.compile(r"^(?P<where>[^:?]+):(?P<function>[A-Za-z_]\w*)$")
_CONFIGURATION = re.compile(r'"([\w.-]+)", "\w+Config"')
_NO_WORD = re.compile(r"[^A-Za-z0-9._]+")


def is_source(text: str) -> bool:
    """Return whether a text is meant as a source and not as the name of a workload."""
    return text.startswith(ARCHITECTURE) or ":" in text or "/" in text or is_file(file_of(text))


def is_file(where: str) -> bool:
    """Return whether the first part of a source is a file: of Python, or by a suffix in small or capital letters."""
    return where.endswith(FILES) or where.lower().endswith((SAVED, ONNX))


def is_checkpoint(source: str) -> bool:
    """Return whether a source names a directory with a configuration and weights; a plain name is an architecture."""
    named = source.removeprefix(ARCHITECTURE).partition("?")[0]
    return source.startswith(ARCHITECTURE) and ("/" in named or named.startswith("."))


def file_of(source: str) -> str:
    """Return the part of a source that is a file or a module, without function and sizes."""
    return source.partition("?")[0].partition(":")[0]


def derive_name(source: str) -> str:
    """Return a short name: the file's or architecture's, with the function's unless that is ``make``."""
    if source.startswith(ARCHITECTURE):
        named = source.removeprefix(ARCHITECTURE).partition("?")[0]
        return _word(Path(named).name if is_checkpoint(source) else named)
    where, function = file_of(source), source.partition(":")[2]
    stem = Path(where).stem if is_file(where) else where.rpartition(".")[2]
    return _word(stem if function in {"", PLAIN_FUNCTION} else f"{stem}-{function}")


def read_source(
    name: str,
    source: str,
    parameters: Mapping[str, Size],
    directory: Path,
    tier: Tier | None = None,
    dynamic: Sequence[str] = (),
) -> WorkloadEntry:
    """Return the entry of a user's own model.

    Args:
        name: Its name in the study.
        source: As the study writes it.
        parameters: Sizes that the study gives; they define an architecture, and fix the free dimensions of an ONNX
            model.
        directory: Directory that paths are relative to.
        tier: As the study says, ``hard`` where it does not.
        dynamic: Names of its dynamic dimensions, as the study says.

    Raises:
        WorkloadError: The source has none of the forms, or its file, function or architecture does not exist.
    """
    make = partial(WorkloadEntry, name=name, tier=tier or DEFAULT_TIER, dynamic=tuple(dynamic))
    if source.startswith(ARCHITECTURE):
        return make(**_of_transformers(source, parameters, directory))
    if source.lower().endswith(SAVED):
        path = _existing(source, directory / source)
        origin = Origin(source, "saved", str(path), digest_bytes(path.read_bytes()))
        return make(summary=f"Saved program {path.name}.", parameters={}, builder=str(path), origin=origin)
    if file_of(source).lower().endswith(ONNX):
        path = _existing(source, directory / file_of(source))
        sizes = {**_read_query(source, source.partition("?")[2]), **parameters}
        origin = _onnx_origin(source, path)
        return make(summary=f"ONNX model {path.name}.", parameters=_as_given(sizes), builder=str(path), origin=origin)
    match = _FUNCTION.match(source)
    if match is None:
        raise WorkloadError(f"source '{source}' has none of the forms: {FORMS}")
    where, function = match["where"], match["function"]
    if where.endswith(".py"):
        path = _existing(source, directory / where)
        place = str(path)
    else:
        path = _module_file(source, where)
        place = f"{_folder_of(path, where)}/{where}"
    return make(
        summary=f"Function {function} of {path.name}.",
        parameters=find_parameters(path, function),
        builder=f"{place}:{function}",
        origin=Origin(source, "function", str(path), digest_bytes(path.read_bytes())),
    )


def _of_transformers(source: str, parameters: Mapping[str, Size], directory: Path) -> dict[str, Any]:
    """Return what is particular to the entry of an architecture or a checkpoint."""
    named, _, query = source.removeprefix(ARCHITECTURE).partition("?")
    given = {**_read_query(source, query), **parameters}
    found: dict[str, Any] = {"parameters": _as_given(given) | _phase_parameters(source, given)}
    if is_checkpoint(source):
        config = _checkpoint_config(source, directory / named)
        # The weights are in the digest of the program; here it is of what says which program it is.
        origin = Origin(source, "checkpoint", str(config), digest_bytes(config.read_bytes()))
        summary = f"Checkpoint {config.parent.name} of transformers."
        return {**found, "summary": summary, "builder": str(config.parent), "origin": origin}
    _refuse_unknown(source, named)
    summary = f"Architecture {named} of transformers, random weights."
    return {**found, "summary": summary, "builder": named, "origin": Origin(source, "architecture")}


def _onnx_origin(source: str, path: Path) -> Origin:
    content = path.read_bytes()
    parts = {name: path.parent / name for name in find_parts(path, content)}
    missing = sorted(name for name, part in parts.items() if not is_existing_file(part))
    if missing:
        raise WorkloadError(
            f"source '{source}': its weights are in other files, and {missing} are not beside {path.name}; put them "
            "there"
        )
    digests = tuple((name, digest_bytes(part.read_bytes())) for name, part in parts.items())
    return Origin(source, "onnx", str(path), digest_bytes(content), digests)


def _refuse_unknown(source: str, architecture: str) -> None:
    """Refuse an architecture that no table of the installed transformers names; importing it would take seconds."""
    spec = find_spec("transformers")
    tables = Path(spec.origin).parent / "models" / "auto" if spec is not None and spec.origin else None
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(tables.glob("*.py"))) if tables else ""
    names = sorted(set(_CONFIGURATION.findall(text)))
    if names and f'"{architecture}"' not in text:
        raise WorkloadError(f"source '{source}': {no_architecture(architecture, names, most=3)}")


def _checkpoint_config(source: str, directory: Path) -> Path:
    config = directory.resolve() / CONFIG
    if not is_existing_file(config):
        raise WorkloadError(
            f"source '{source}': there is no {config}; weights are read from a local directory, relative to the study "
            f"file, never from the network: 'hf download ORGANISATION/NAME --local-dir {directory.name}' fetches them"
        )
    return config


def no_architecture(architecture: str, known: Sequence[str], most: int) -> str:
    """Return that there is no such architecture, with at most so many of those that are called like it."""
    near = difflib.get_close_matches(architecture, known, n=most, cutoff=0.5)
    there = f"similar names: {', '.join(near)}" if near else f"it has {len(known)}, such as bert, llama, vit, resnet"
    return f"transformers has no architecture '{architecture}'; {there}"


def _as_given(parameters: Mapping[str, Size]) -> dict[str, ParameterSpec]:
    return {
        key: as_common(key, value) or ParameterSpec(value, "As given.", minimum=None)
        for key, value in parameters.items()
    }


def _phase_parameters(source: str, given: Mapping[str, Size]) -> dict[str, ParameterSpec]:
    """Return the parameters of a phase, where one is given, with the rules that hold for shipped models.

    Raises:
        WorkloadError: A parameter of a phase is given without one.
    """
    alone = [key for key in PHASE_PARAMETERS if key in given]
    if "phase" not in given:
        if alone:
            raise WorkloadError(f"source '{source}': '{alone[0]}' goes with 'phase'; give both")
        return {}
    if "tokens" in given:
        raise WorkloadError(f"source '{source}': 'tokens' has no meaning beside 'phase'; give 'context' in its place")
    filled = {key: given.get(key, spec.default) for key, spec in PHASE_PARAMETERS.items()}
    return {
        key: replace(PHASE_PARAMETERS[key], default=value, optional=None, beside=None)
        for key, value in filled.items()
        if value is not None
    }


def with_sizes(entry: WorkloadEntry, sizes: Mapping[str, Size]) -> WorkloadEntry:
    """Return an entry with other sizes, where those that are given define it: an architecture, or an ONNX model."""
    if entry.origin is None or entry.origin.kind not in {"architecture", "onnx"}:
        return entry
    return replace(entry, parameters={**entry.parameters, **_as_given(sizes)})


def seen_from(directory: Path, source: str) -> str:
    """Return a source whose path is relative to the working directory as one that is relative to another directory."""
    if is_checkpoint(source):
        named, mark, query = source.removeprefix(ARCHITECTURE).partition("?")
        seen = Path(os.path.relpath(Path(named).resolve(), directory)).as_posix()
        return f"{ARCHITECTURE}{seen if '/' in seen else f'./{seen}'}{mark}{query}"
    where = file_of(source)
    if source.startswith(ARCHITECTURE) or not is_file(where):
        return source
    return f"{Path(os.path.relpath(Path(where).resolve(), directory)).as_posix()}{source.removeprefix(where)}"


def _existing(source: str, path: Path) -> Path:
    path = path.resolve()
    if not is_existing_file(path):
        raise WorkloadError(f"source '{source}': there is no file {path}; paths are relative to the study file")
    return path


def _module_file(source: str, module: str) -> Path:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError) as error:
        raise WorkloadError(f"source '{source}': module '{module}' cannot be found: {error}") from None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise WorkloadError(
            f"source '{source}': there is no module '{module}'; install it, or name its file: file.py:function"
        )
    return Path(spec.origin).resolve()


def _folder_of(file: Path, module: str) -> Path:
    """Return the folder that a module is imported from: other processes do not look in the working directory."""
    return file.parents[module.count(".") + (file.name == "__init__.py")]


def _read_query(source: str, query: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        key, equals, text = part.partition("=")
        if not equals or not key.isidentifier() or not text:
            raise WorkloadError(f"source '{source}': '{part}' must be of the form field=value")
        found[key] = _value(text)
    return found


def _value(text: str) -> Size:
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _word(text: str) -> str:
    return _NO_WORD.sub("-", text).strip("-._")[:64]
