"""The readers of files that others hand over, each with documents to begin with."""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ablatrix.analysis.claims.check import load_claims
from ablatrix.analysis.table import load_design as load_planned
from ablatrix.analysis.table import tidy
from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.checks.samples_check import check_samples
from ablatrix.artifact.contents import SampleLines, check_plan, gather, read_design
from ablatrix.artifact.contents.manifest import (
    Command,
    Manifest,
    make_manifest,
    manifest_text,
    read_manifest,
    root_digest,
)
from ablatrix.builds import BuildLock, Distribution, read_locks, write_locks
from ablatrix.documents.load import parse_yaml, plain_value
from ablatrix.errors import AblatrixError, StudyError
from ablatrix.paper.template.load import load_template
from ablatrix.pull_request.policy import load_policy
from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.records.names import RECORDS_NAME
from ablatrix.records.schema import validate_line
from ablatrix.study.design_file import load_design
from ablatrix.study.load import load_study
from tests.made_study import write_made_study
from tests.synthetic import write_records

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One reader.

    Attributes:
        file: Name of the file that is changed.
        form: How its content can be parsed; see `changes.changed`.
        seeds: Contents to begin with.
        read: Reads that file. It may raise what the reader may raise; anything else is a fault.
        raises: What the reader may raise.
    """

    file: str
    form: str
    seeds: tuple[bytes, ...]
    read: Callable[[Path], object]
    raises: tuple[type[Exception], ...] = (AblatrixError,)


@cache
def targets() -> dict[str, Target]:
    """Return the readers by name; the documents of the first use are made then."""
    made = [_made_results(seed) for seed in range(8)]
    load = partial(load_study, trust=False)
    studies = [ROOT / "studies" / f"{name}.yaml" for name in ("tiny", "quick", "axes", "phases", "compilers")]
    claims = [ROOT / "studies" / f"{name}.claims.yaml" for name in ("tiny", "quick")]
    templates = [ROOT / "src/ablatrix/paper/default.yaml", ROOT / "docs/results.template.yaml"]
    policies = [ROOT / "examples/pr/policy.yaml"]
    samples = _samples(made)
    return {
        "study": Target(file="study.yaml", form="json", seeds=_as_json(studies), read=load),
        "study_text": Target(file="study.yaml", form="text", seeds=_as_text(studies), read=load),
        "claims": Target(file="claims.yaml", form="json", seeds=_as_json(claims), read=load_claims),
        "claims_text": Target(file="claims.yaml", form="text", seeds=_as_text(claims), read=load_claims),
        "template": Target(file="template.yaml", form="json", seeds=_as_json(templates), read=load_template),
        "template_text": Target(file="template.yaml", form="text", seeds=_as_text(templates), read=load_template),
        "policy": Target(file="policy.yaml", form="json", seeds=_as_json(policies), read=load_policy),
        "records": Target(
            file="results.jsonl", form="lines", seeds=tuple(one["results.jsonl"] for one in made), read=_read_records
        ),
        "design": Target(
            file="design.json",
            form="json",
            seeds=tuple(one["design.json"] for one in made),
            read=_read_designs,
        ),
        "samples": Target(
            file="samples.jsonl", form="lines", seeds=samples, read=partial(_read_samples, _hot_record(made))
        ),
        "builds": Target(file="builds.json", form="json", seeds=(_locks(),), read=read_locks),
        "manifest": Target(file="MANIFEST.json", form="json", seeds=(_manifest(),), read=_read_manifest),
        "archive": Target(file="x.zip", form="text", seeds=(_archive(made[0]),), read=examine),
    }


def _as_text(files: Iterable[Path]) -> tuple[bytes, ...]:
    return tuple(file.read_bytes() for file in files)


def _as_json(files: Iterable[Path]) -> tuple[bytes, ...]:
    """Return YAML documents as JSON, which is YAML, too, and has places that can be changed."""
    return tuple(json.dumps(plain_value(parse_yaml(file, StudyError))).encode() for file in files)


@cache
def _made_results(seed: int) -> dict[str, bytes]:
    """Return the files of a small made-up study's results by their path."""
    with tempfile.TemporaryDirectory() as directory:
        results = write_made_study(random.Random(seed), Path(directory), most_cells=4).results
        files = [file for file in results.rglob("*") if file.is_file()]
        return {file.relative_to(results).as_posix(): file.read_bytes() for file in files}


def _samples(made: Iterable[dict[str, bytes]]) -> tuple[bytes, ...]:
    """Return the largest file of samples of each study that has some, with the records that name it."""
    found = []
    for files in made:
        names = [name for name in files if name.startswith("samples/")]
        if names:
            found.append(files[max(names, key=lambda name: len(files[name]))])
    return tuple(found)


def _read_records(file: Path) -> None:
    """Read records one by one, and as the table that every command reads."""
    with suppress(AblatrixError):
        list(read_records(file, report=lambda _: None))
    tidy([file])


def _read_designs(file: Path) -> None:
    """Read a design as the runner does, as the table does, and as ``verify`` does with the records of the plan."""
    planned, _ = read_design(file.parent, file.name)
    if planned is not None:
        check_plan(gather([]).lines, planned)
    for read in (load_planned, load_design):
        with suppress(AblatrixError, ValueError):
            read(file)


def _hot_record(made: Iterable[dict[str, bytes]]) -> Record:
    """Return a record that names a line of samples."""
    lines = (line for files in made for line in files["results.jsonl"].decode().splitlines())
    records = map(validate_line, lines)
    return next(one for one in records if one.runtime is not None and one.runtime.samples is not None)


def _read_samples(record: Record, file: Path) -> None:
    """Check the record against each line of the file."""
    write_records(file.parent / RECORDS_NAME, [record])
    lines = file.read_bytes().splitlines()
    named = SampleLines(
        names=(file.name,),
        files=np.zeros(len(lines), np.uint32),
        offsets=np.zeros(len(lines), np.uint64),  # all are named by this one record
        digests=b"".join(sha256(line).digest() for line in lines),
    )
    check_samples(file.parent, named)


def _read_manifest(file: Path) -> None:
    """Read a manifest, and once more with the root digest that fits what it says."""
    try:
        read_manifest(file.parent)
    except AblatrixError:
        with suppress(ValidationError):
            manifest = Manifest.model_validate_json(file.read_bytes(), strict=True)
            fitting = manifest.model_copy(update={"root_digest": root_digest(manifest)})
            file.write_text(manifest_text(fitting), encoding="utf-8")
            read_manifest(file.parent)


def _locks() -> bytes:
    base = BuildLock(
        name="base",
        way="as it is",
        identity="0" * 16,
        digest="1" * 16,
        python="3.11.7",
        torch="2.13.0",
        lock=(),
        commit=None,
        dirty=None,
    )
    more = (Distribution(name="onnxruntime", version="1.30.0"),)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "builds.json")
        write_locks([base, replace(base, name="other", lock=more, commit="a" * 40)], file)
        return file.read_bytes()


def _manifest() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "results.jsonl").write_text("{}\n")
        Path(directory, "README.md").write_text("read me\n")
        command = Command(argv=["ablatrix"], started_utc="2026-01-01T00:00:00.000Z", seconds=1.0, exit_code=0)
        manifest = make_manifest(
            Path(directory),
            study="made",
            study_digest="0" * 64,
            trials=1,
            records=1,
            ablatrix_commit=None,
            ablatrix_dirty=None,
            versions={"python": "3.11.7"},
            commands=[command],
        )
        return manifest_text(manifest).encode()


def _archive(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"x/{name}", data)
    return content.getvalue()
