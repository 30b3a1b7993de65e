"""Asks a compiler for its settings: in a process of its own, once for each installed version.

Listing settings imports the compiler, which the process that reads a study never does. Answers are kept in the user's
cache directory under a name made of the versions and files of the compiler and of the code that asks.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from ablatrix.canonical import content_id, digest_bytes
from ablatrix.compilers.catalogue.model import CompilerEntry
from ablatrix.compilers.settings.address import AddressList
from ablatrix.errors import CompilerError
from ablatrix.interpreter import interpreter

TIMEOUT_S = 300.0
ADDRESS_LIST: TypeAdapter[AddressList] = TypeAdapter(AddressList)


def ask_addresses(entry: CompilerEntry) -> AddressList:
    """Return the settings of a compiler as installed, or of a program as it described them; none where there are none.

    Raises:
        CompilerError: It is not installed, or it cannot be asked.
    """
    if entry.program is not None:
        return ADDRESS_LIST.validate_python({"addresses": entry.program.settings})
    if not entry.settings:
        return AddressList(())
    entry.refuse_absent()
    kept = _cache_directory() / f"{entry.name}-{content_id(_identity(entry))}.json"
    with suppress(OSError, ValidationError):
        return ADDRESS_LIST.validate_json(kept.read_bytes())
    answer = _ask(entry)
    try:
        found = ADDRESS_LIST.validate_json(answer)
    except ValidationError as error:
        raise CompilerError(f"compiler '{entry.name}' does not list its settings as it must: {error}") from None
    with suppress(OSError):  # a directory that cannot be written costs time alone
        _keep(kept, answer)
    return found


def encode_addresses(found: AddressList) -> bytes:
    """Return a list of settings as JSON."""
    return to_json(found)


def _ask(entry: CompilerEntry) -> bytes:
    command = interpreter("-m", "ablatrix.compilers.settings.listing", entry.settings)
    with tempfile.TemporaryDirectory(prefix="ablatrix-settings-") as directory:
        file = Path(directory) / "settings.json"
        try:
            done = subprocess.run(
                [*command, str(file)], capture_output=True, text=True, timeout=TIMEOUT_S, cwd=directory, check=False
            )
        except subprocess.TimeoutExpired:
            raise CompilerError(
                f"compiler '{entry.name}' did not list its settings within {TIMEOUT_S:.0f} s; its import hangs"
            ) from None
        if done.returncode or not file.exists():
            last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
            raise CompilerError(f"compiler '{entry.name}' cannot be asked for its settings: {last}")
        return file.read_bytes()


def _identity(entry: CompilerEntry) -> dict[str, Any]:
    """Return what an answer depends on: the compiler's modules, by version and file, and the code that asks."""
    distributions = packages_distributions()
    modules: dict[str, Any] = {}
    for name in entry.modules:
        spec = find_spec(name)
        origin = None if spec is None else spec.origin
        versions = {one: version(one) for one in distributions.get(name, ())}
        modules[name] = [versions, origin, Path(origin).stat().st_mtime_ns if origin else None]
    asks = [Path(__file__).parent, Path(__file__).parents[1] / "catalogue", _source_of(entry)]
    code = {str(file): digest_bytes(file.read_bytes()) for place in asks for file in sorted(place.glob("*.py"))}
    return {"modules": modules, "code": code, "python": sys.version}


def _source_of(entry: CompilerEntry) -> Path:
    """Return the directory of the module that lists the settings, without importing it."""
    where = entry.settings.rpartition(":")[0]
    if where.endswith(".py"):
        return Path(where).parent
    spec = find_spec(where)
    return Path(spec.origin).parent if spec is not None and spec.origin else Path(__file__).parent


def _cache_directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ablatrix" / "settings"


def _keep(file: Path, answer: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as stream:
        stream.write(answer)
    Path(stream.name).replace(file)
