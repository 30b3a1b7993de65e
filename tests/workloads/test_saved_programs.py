"""Files of ``torch.export.save`` that somebody crafted: no pickle of theirs is ever run."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ablatrix.errors import WorkloadError
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.saved_programs import load_saved
from ablatrix.workloads.source import read_source


class Trap:
    """An object that leaves a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.file), "w")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("saved") / "net.pt2"
    torch.export.save(torch.export.export(nn.Linear(4, 2), (torch.ones(1, 4),)), file)
    return file


def crafted(saved: Path, target: Path, change: Callable[[str, bytes], bytes | None], **added: bytes) -> Path:
    """Write an archive with changed members; those that are added go into the same folder."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(target, "w") as new:
        folder = old.namelist()[0].partition("/")[0]
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in added.items():
            new.writestr(f"{folder}/{name}", content)
    return target


def listing(change: Callable[[dict[str, object]], None]) -> Callable[[str, bytes], bytes]:
    def edit(name: str, content: bytes) -> bytes:
        if not name.endswith("model_weights_config.json"):
            return content
        held = json.loads(content)
        for entry in held["config"].values():
            change(entry)
        return json.dumps(held).encode()

    return edit


def test_plain_program_is_read(saved: Path) -> None:
    program = load_saved(saved)
    assert program.module()(torch.ones(1, 4)).shape == (1, 2)


def test_program_with_pickled_weight_is_refused(saved: Path, tmp_path: Path) -> None:
    trap = pickle.dumps(Trap(tmp_path / "ran"))

    def swap(name: str, content: bytes) -> bytes:
        edited = listing(lambda entry: entry.update(use_pickle=True))(name, content)
        return trap if "/data/weights/weight_" in name else edited

    file = crafted(saved, tmp_path / "net.pt2", swap)
    with pytest.raises(WorkloadError, match=r"net\.pt2 is not read: .*weight_0 is a pickle of more than tensors"):
        load_saved(file)
    assert not (tmp_path / "ran").exists()


def test_program_with_crafted_inputs_is_refused(saved: Path, tmp_path: Path) -> None:
    """Torch reads them with care first, and then without."""
    trap = pickle.dumps(Trap(tmp_path / "ran"))
    file = crafted(saved, tmp_path / "net.pt2", lambda name, held: trap if "/sample_inputs/" in name else held)
    with pytest.raises(WorkloadError, match="is a pickle of more than tensors"):
        load_saved(file)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("prefix", ["custom_obj_0", "opaque_obj_0"])
def test_program_with_object_as_constant_is_refused(saved: Path, tmp_path: Path, prefix: str) -> None:
    trap = pickle.dumps(Trap(tmp_path / "ran"))
    config = {"config": {"c": {"path_name": prefix, "is_param": False, "use_pickle": True, "tensor_meta": None}}}

    def swap(name: str, content: bytes) -> bytes:
        return json.dumps(config).encode() if name.endswith("model_constants_config.json") else content

    file = crafted(saved, tmp_path / "net.pt2", swap, **{f"data/constants/{prefix}": trap})
    with pytest.raises(WorkloadError, match="is an object, and no tensor"):
        load_saved(file)
    assert not (tmp_path / "ran").exists()


def test_program_of_old_format_with_crafted_state_is_refused(tmp_path: Path) -> None:
    trap = pickle.dumps(Trap(tmp_path / "ran"))
    with zipfile.ZipFile(tmp_path / "net.pt2", "w") as archive:
        archive.writestr("version", "8.14")
        archive.writestr("serialized_exported_program.json", "{}")
        for part in ("state_dict", "constants", "example_inputs"):
            archive.writestr(f"serialized_{part}.pt", trap)
    with pytest.raises(WorkloadError, match=r"serialized_state_dict\.pt is a pickle"):
        load_saved(tmp_path / "net.pt2")
    assert not (tmp_path / "ran").exists()


def test_program_with_compiled_library_is_refused(saved: Path, tmp_path: Path) -> None:
    file = crafted(saved, tmp_path / "net.pt2", lambda _, held: held, **{"data/aotinductor/model/a.so": b"\x7fELF"})
    with pytest.raises(WorkloadError, match="belongs to a compiled library"):
        load_saved(file)


def test_file_that_is_no_archive_is_refused_as_source(tmp_path: Path) -> None:
    (tmp_path / "net.pt2").write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    with pytest.raises(WorkloadError, match=r"no archive of torch\.export\.save"):
        prepare(read_source("net", "net.pt2", {}, tmp_path))
    assert not (tmp_path / "ran").exists()


def test_prepared_program_that_was_changed_is_not_read(saved: Path, tmp_path: Path) -> None:
    program = prepare(read_source("net", "net.pt2", {}, saved.parent), input_sets=1)
    save_program(program, tmp_path / "program")
    assert load_program(tmp_path / "program").facts.digest == program.facts.digest
    file = tmp_path / "program/lowered.pt2"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(WorkloadError, match=r"lowered\.pt2: SHA-256 [0-9a-f]{64}, but [0-9a-f]{64} was written"):
        load_program(tmp_path / "program")
    file.unlink()
    with pytest.raises(WorkloadError, match="it is gone"):
        load_program(tmp_path / "program")
