"""The readers of files that others hand over, each with documents to begin with."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ablatrix.analysis.claims.check import load_claims
from ablatrix.analysis.table import tidy
from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.checks.difference import describe_difference
from ablatrix.artifact.checks.samples_check import check_samples
from ablatrix.artifact.checks.signature import read_keys
from ablatrix.artifact.contents import SampleLines, check_plan, gather, read_design
from ablatrix.artifact.contents.environment import read_environment
from ablatrix.artifact.contents.manifest import Manifest, manifest_text, read_manifest, root_digest
from ablatrix.artifact.reproduction.reproduction import read_report
from ablatrix.builds import read_locks
from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.documents.load import parse_yaml, plain_value
from ablatrix.errors import AblatrixError, StudyError
from ablatrix.page.explained import explained_parts
from ablatrix.paper.template.load import load_template
from ablatrix.pull_request.policy import load_policy
from ablatrix.records.fast_reader import QuickReader
from ablatrix.records.journal import read_records
from ablatrix.records.kept_findings import read_finding
from ablatrix.records.names import MANIFEST_NAME, RECORDS_NAME
from ablatrix.records.schema import validate_line
from ablatrix.study.design_file import load_design
from ablatrix.study.load import load_study
from tests.fuzz import literals, seeds
from tests.fuzz.changes import Form
from tests.fuzz.commands import run_commands
from tests.fuzz.values import values_for_yaml

RAN = "ran"
"""The file that code of a study makes where it runs."""
LINES_OF_TABLE = 30
LARGE = re.compile(rb"[0-9]{19}")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One reader.

    Attributes:
        file: Name of the file that is changed.
        form: How its content can be parsed.
        seeds: Contents to begin with.
        read: Reads that file. It may raise what the reader may raise; anything else is a fault.
        raises: What the reader may raise.
        beside: Another file in its directory.
        parts: How many changed seeds make one document.
        holds: Whether a changed seed is taken for one; another is drawn where it is not.
    """

    file: str
    form: Form
    seeds: tuple[bytes, ...]
    read: Callable[[Path], object]
    raises: tuple[type[Exception], ...] = (AblatrixError,)
    beside: str | None = None
    parts: int = 1
    holds: Callable[[bytes], bool] | None = None


@cache
def targets() -> dict[str, Target]:
    """Return the readers by name; the documents of the first use are made then."""
    lines, pairs, text = seeds.lines(), seeds.samples(), seeds.as_text
    designs = seeds.as_json(seeds.designs())
    study = partial(_read_study, _installed())
    tables = (b"a,b\n1,2\n", b'workload,ms\nmlp,"1,5"\n"a ""b",2\n', b"x\n" + b"0.1\n" * 9)
    return {
        **_of_yaml("study", seeds.as_json(literals.STUDIES), study, text("study")),
        **_of_yaml("claims", seeds.as_json(literals.CLAIMS), load_claims, text("claims")),
        **_of_yaml("template", seeds.as_json(seeds.templates()), load_template, text("template")),
        "policy": Target(file="policy.yaml", form="values", seeds=seeds.as_json(literals.POLICIES), read=load_policy),
        "foreign_study": Target(
            file="study.yaml", form="values", seeds=seeds.as_json(literals.OF_BUNDLE),
            read=partial(_read_foreign, study), beside=MANIFEST_NAME,
        ),
        "yaml": Target(file="x.yaml", form="text", seeds=tuple(map(str.encode, literals.YAML)), read=_read_yaml),
        "records": Target(file="results.jsonl", form="lines", seeds=lines, read=_read_records),
        "table": Target(
            file="results.jsonl", form="lines", seeds=lines, read=_read_table, parts=LINES_OF_TABLE, holds=_are_records
        ),
        "commands": Target(
            file="results.jsonl", form="lines", seeds=tuple(seeds.results()), read=run_commands, holds=_are_records
        ),
        "design": Target(file="design.json", form="json", seeds=designs, read=_read_design),
        "plan": Target(file="design.json", form="json", seeds=designs, read=_read_plan),
        "samples": Target(
            file="samples.jsonl", form="lines", seeds=tuple(line for line, _ in pairs), read=SamplesReader(pairs)
        ),
        "builds": Target(file="builds.json", form="json", seeds=(seeds.locks(),), read=read_locks),
        "manifest": Target(file=MANIFEST_NAME, form="json", seeds=(seeds.manifest(),), read=_read_manifest),
        "environment": Target(
            file="environment.json", form="json", seeds=seeds.as_json([seeds.environment()]), read=_in_directory
        ),
        "finding": Target(file="x.json", form="json", seeds=seeds.as_json(seeds.findings()), read=_read_finding),
        "shown_finding": Target(
            file="x.json", form="json", seeds=seeds.as_json(seeds.findings()[1:]), read=_show_finding
        ),
        "report": Target(
            file="reproduction.json", form="json", seeds=seeds.as_json(seeds.reports()), read=_read_report
        ),
        "keys": Target(file="keys", form="text", seeds=literals.KEYS, read=read_keys),
        "difference": Target(file="x.csv", form="text", seeds=tables, read=partial(_compare, tables)),
        "archive": Target(file="x.zip", form="zip", seeds=tuple(seeds.zips()), read=examine),
    }  # fmt: skip


def _of_yaml(
    name: str, values: tuple[bytes, ...], read: Callable[[Path], object], texts: tuple[bytes, ...]
) -> dict[str, Target]:
    """Return a reader of YAML twice: given values, and given text."""
    file = f"{name}.yaml"
    return {
        name: Target(file=file, form="values", seeds=values, read=read),
        f"{name}_text": Target(file=file, form="text", seeds=texts, read=read),
    }


def _installed() -> Catalogue:
    """Return what is installed, whose settings are not asked for: that takes a process and seconds."""
    held = installed_catalogue()
    return held.holding(compilers={name: replace(one, settings="") for name, one in held.compilers.items()})


def _read_study(catalogue: Catalogue, file: Path) -> None:
    """Read a study, given what is installed: asking the disk for that takes longer than all else."""
    load_study(file, catalogue)


def _read_foreign(study: Callable[[Path], None], file: Path) -> None:
    """Read a study of a bundle, of which nothing may run."""
    try:
        study(file)
    finally:
        assert not file.with_name(RAN).exists(), "code of a study that is not trusted has run"


def _read_yaml(file: Path) -> None:
    """Parse a document, and take its values as plain ones."""
    plain_value(parse_yaml(file, StudyError))


def _read_records(file: Path) -> None:
    """Read records one by one, and as the table's quick reader does, which takes nothing that this one refuses."""
    quick = QuickReader()
    taken = [quick.read(line) for line in file.read_bytes().split(b"\n")]
    whole = [one for one in taken if one is not None]
    records = list(read_records(file, report=lambda _: None))
    known = [record.model_dump(mode="json") for record in records]
    for one in whole:
        # A line without its newline is torn, and no record of the file.
        held = {**one.own, "meta": {**one.own.get("meta", {}), **one.shared["meta"]}}
        held |= {name: one.shared[name] for name in ("workload", "config")}
        assert held in known or len(whole) > len(records), "the quick reader takes another record"


def _are_records(content: bytes) -> bool:
    """Return whether lines hold, and have no number of more than 64 bits, for which a table is refused as a whole."""
    try:
        for line in content.removesuffix(b"\n").split(b"\n"):
            validate_line(line.decode())
    except (AblatrixError, UnicodeDecodeError):
        return False
    return content.endswith(b"\n") and LARGE.search(content) is None


def _read_table(file: Path) -> None:
    """Read records that hold, strange as they are, as the table that every command reads."""
    tidy([file])


def _read_design(file: Path) -> None:
    """Read a design as the runner does, and as ``verify`` and the table do."""
    read_design(file.parent, file.name)
    with suppress(AblatrixError):
        load_design(file)


def _read_plan(file: Path) -> None:
    """Hold a design against no records, as ``verify`` does."""
    planned, _ = read_design(file.parent, file.name)
    if planned is not None:
        check_plan(gather([]).lines, planned)


class SamplesReader:
    """Checks the record that has a line's samples, or the first, against each line of a file."""

    def __init__(self, pairs: Iterable[tuple[bytes, str]]) -> None:
        """Write the records once: the lines of their samples come with them."""
        known = [(str(json.loads(line)["trial_id"]).encode(), record.encode() + b"\n") for line, record in pairs]
        self._trials = [trial for trial, _ in known]
        self._records = b"".join(record for _, record in known)
        self._offsets = [0, *itertools.accumulate(len(record) for _, record in known)]

    def __call__(self, file: Path) -> None:
        """Check each line of a file."""
        file.with_name(RECORDS_NAME).write_bytes(self._records)
        lines = file.read_bytes().split(b"\n")
        named = [next((place for place, trial in enumerate(self._trials) if trial in line), 0) for line in lines]
        held = SampleLines(
            names=(file.name,),
            files=np.zeros(len(lines), np.uint32),
            offsets=np.array([self._offsets[place] for place in named], np.uint64),
            digests=b"".join(sha256(line).digest() for line in lines),
        )
        check_samples(file.parent, held)


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


def _in_directory(file: Path) -> None:
    read_environment(file.parent)


def _read_finding(file: Path) -> None:
    read_finding(file.read_bytes())


def _show_finding(file: Path) -> None:
    """Show a finding as the page does."""
    explained_parts([read_finding(file.read_bytes())])


def _read_report(file: Path) -> None:
    """Read a report, and say what it says of claims."""
    for claim in read_report(file).claims:
        for figures in (claim.recorded, claim.here):
            if figures is not None:
                figures.text()


def _compare(made: Sequence[bytes], file: Path) -> None:
    """Say how a table differs from those that records give, by bytes and by numbers."""
    with file.open("rb") as found:
        for one in map(BytesIO, made):
            for tolerance in (0.0, 1e-9):
                describe_difference(file.name, found, one, tolerance)
            describe_difference("x.txt", found, one)


def read_as(target: Target, file: Path) -> object:
    """Read a file as a target does; a document of values, in the place of YAML."""
    if target.form != "values":
        return target.read(file)
    with values_for_yaml():
        return target.read(file)
