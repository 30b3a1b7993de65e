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
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from ablatrix.builds import Build
from ablatrix.canonical import content_id
from ablatrix.compilers.answers import answer_file, code_in, directory_of, installed_modules, keep_answer
from ablatrix.compilers.catalogue.model import CompilerEntry
from ablatrix.compilers.settings.address import AddressList
from ablatrix.errors import CompilerError
from ablatrix.interpreter import interpreter

TIMEOUT_S = 300.0
ADDRESS_LIST: TypeAdapter[AddressList] = TypeAdapter(AddressList)


def ask_addresses(entry: CompilerEntry, build: Build | None = None) -> AddressList:
    """Return the settings of a compiler as installed, or of a program as it described them; none where there are none.

    Args:
        entry: The compiler.
        build: The build of it that is asked, in its own interpreter; None for this environment.

    Raises:
        CompilerError: It is not installed, or it cannot be asked.
    """
    if entry.program is not None:
        return ADDRESS_LIST.validate_python({"addresses": entry.program.settings})
    if not entry.settings:
        return AddressList(())
    if build is None:
        entry.refuse_absent()
    kept = answer_file("settings", f"{entry.name}-{content_id(_identity(entry, build))}")
    is_kept = build is None or build.is_kept
    if is_kept:
        with suppress(OSError, ValidationError):
            return ADDRESS_LIST.validate_json(kept.read_bytes())
    answer = _ask(entry, build)
    try:
        found = ADDRESS_LIST.validate_json(answer)
    except ValidationError as error:
        raise CompilerError(f"compiler '{entry.name}' does not list its settings as it must: {error}") from None
    if is_kept:
        keep_answer(kept, answer)
    return found


def encode_addresses(found: AddressList) -> bytes:
    """Return a list of settings as JSON."""
    return to_json(found)


def _ask(entry: CompilerEntry, build: Build | None) -> bytes:
    words = ("-m", "ablatrix.compilers.settings.listing", entry.settings)
    command = interpreter(*words) if build is None else build.command_line(*words)
    variables = None if build is None else build.variables(os.environ)
    with tempfile.TemporaryDirectory(prefix="ablatrix-settings-") as directory:
        file = Path(directory) / "settings.json"
        try:
            done = subprocess.run(
                [*command, str(file)],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                cwd=directory,
                env=variables,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CompilerError(
                f"compiler '{entry.name}' did not list its settings within {TIMEOUT_S:.0f} s; its import hangs"
            ) from None
        if done.returncode or not file.exists():
            last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
            raise CompilerError(f"compiler '{entry.name}' cannot be asked for its settings: {last}")
        return file.read_bytes()


def _identity(entry: CompilerEntry, build: Build | None) -> dict[str, Any]:
    """Return what an answer depends on: the compiler's modules, by version and file, and the code that asks."""
    places = [Path(__file__).parent, Path(__file__).parents[1] / "catalogue", directory_of(entry.settings)]
    modules = installed_modules(entry) if build is None else build.digest
    return {"modules": modules, "code": code_in(places), "python": sys.version}
