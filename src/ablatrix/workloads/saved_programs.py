"""The one door for files of ``torch.export.save`` (``.pt2``): none is read that would have to be unpickled freely.

``torch.export.load`` unpickles tensors of unusual kinds, constants that are objects, and inputs that its restricted
reader refuses: a pickle runs whatever its author wrote. What a ``.pt2`` has of these is therefore read first by the
restricted reader (``weights_only``) alone. That does not make the file plain data: its graph may call any function of
torch, and its sizes are evaluated. So one that came with a bundle is code, and is asked for (``study.trust``).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.pt2_archive import constants

from ablatrix.errors import WorkloadError

REMEDY = "if you trust its author, write a function that loads it (file.py:make), and name that"
PICKLED_FOLDERS = (constants.WEIGHTS_DIR, constants.CONSTANTS_DIR, constants.SAMPLE_INPUTS_DIR)
OBJECTS = (constants.CUSTOM_OBJ_FILENAME_PREFIX, constants.OPAQUE_OBJ_FILENAME_PREFIX)
OLD_FORMAT = "serialized_"


def load_saved(path: Path) -> ExportedProgram:
    """Read a program that ``torch.export.save`` wrote.

    Raises:
        WorkloadError: Reading it takes pickles of more than tensors and plain values, or a compiled library.
        Exception: Whatever torch raises on a file that it cannot read.
    """
    _refuse_objects(path)
    return torch.export.load(path)


def _refuse_objects(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise WorkloadError(f"{path.name} is no archive of torch.export.save")
    for name, content in (*_of_archive(path), *_of_old_format(path)):
        if not content:
            continue
        try:
            torch.load(io.BytesIO(content), weights_only=True)
        except Exception as error:  # of the pickle or of what imitates one: whichever, torch would go on without limits
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise _refusal(path, f"{name} is a pickle of more than tensors and plain values ({reason})") from None


def _of_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what ``torch.export.load`` unpickles, by its own reader: the two might see two files in a crafted one."""
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = reader.get_all_records()
    except RuntimeError:
        return  # then it is of the old format, or of none
    for name in names:
        if name.startswith(constants.AOTINDUCTOR_DIR):
            raise _refusal(path, f"{name} belongs to a compiled library, which would be loaded")
        if not name.startswith(PICKLED_FOLDERS):
            continue
        if name.endswith(".json"):
            yield from _listed(path, reader, name)
        elif name.endswith(".pt"):
            yield name, reader.get_record(name)


def _listed(path: Path, reader: Any, config: str) -> Iterator[tuple[str, bytes]]:
    """Yield the pickles that a list of weights or of constants names."""
    try:
        entries = json.loads(reader.get_record(config))["config"].values()
        named = [(str(entry["path_name"]), bool(entry["use_pickle"])) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refusal(path, f"{config} cannot be read ({type(error).__name__})") from None
    for name, is_pickle in named:
        if name.startswith(OBJECTS):
            raise _refusal(path, f"{name} is an object, and no tensor")
        if is_pickle:
            place = f"{config.rpartition('/')[0]}/{name}"
            yield place, reader.get_record(place)


def _of_old_format(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what is unpickled of a file of torch 2.7 or before, which is also tried where the present format fails."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.startswith(OLD_FORMAT) and entry.filename != f"{OLD_FORMAT}exported_program.json":
                yield entry.filename, archive.read(entry)


def _refusal(path: Path, why: str) -> WorkloadError:
    return WorkloadError(f"{path.name} is not read: {why}; {REMEDY}")
