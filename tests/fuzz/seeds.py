"""Documents to begin with: many that are small and differ, since time is what a reader takes for their bytes."""

from __future__ import annotations

import io
import itertools
import json
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ablatrix.artifact.contents.environment import make_environment
from ablatrix.artifact.contents.manifest import Command, make_manifest, manifest_text
from ablatrix.artifact.reproduction.reproduction import (
    Claim,
    Difference,
    Figures,
    ReproductionReport,
    Run,
)
from ablatrix.builds import BuildLock, Distribution, write_locks
from ablatrix.documents.load import parse_yaml, plain_value
from ablatrix.errors import AnalysisError
from ablatrix.paper.template.load import DEFAULT_TEMPLATE
from ablatrix.records.journal import record_line
from ablatrix.records.model import Record
from ablatrix.records.schema import MIGRATIONS
from tests.fuzz.literals import TEXTS
from tests.made_study import write_made_study
from tests.synthetic import Plant, make_records
from tests.with_axes import as_variants
from tests.with_builds import with_builds
from tests.with_hosts import Host, over_hosts
from tests.with_tokens import of_context

MADE = 8
"""How many random studies lend their files."""
CUT = 2
"""Of a list or map of a seed so many entries are kept."""


def as_json(documents: Iterable[Any]) -> tuple[bytes, ...]:
    """Return documents as JSON, as short as it can be."""
    return tuple(json.dumps(one, separators=(",", ":")).encode() for one in documents)


def as_text(name: str) -> tuple[bytes, ...]:
    """Return documents of `TEXTS`."""
    return tuple(text.encode() for text in TEXTS[name])


def templates() -> Iterator[dict[str, Any]]:
    """Yield a template for each table, figure and paragraph of the default one, with few columns and short captions."""
    default = plain_value(parse_yaml(DEFAULT_TEMPLATE, AnalysisError))
    for part in ("tables", "figures", "text"):
        for one in default[part]:
            whole: dict[str, Any] = {"version": 1, "tables": [], "figures": [], "text": []}
            entry = one if isinstance(one, str) else {**cut(one), "caption": "C", "title": {"en": "T", "zh": "\u8868"}}
            yield {**whole, part: [entry]}


def cut(value: Any) -> Any:
    """Return a value whose lists have few entries, and whose texts are short."""
    if isinstance(value, dict):
        return {key: cut(one) for key, one in value.items()}
    if isinstance(value, list):
        return [cut(one) for one in value[:CUT]]
    return value[:40] if isinstance(value, str) else value


@cache
def made_results(seed: int) -> dict[str, bytes]:
    """Return the files of a small made-up study's results by their path."""
    with tempfile.TemporaryDirectory() as directory:
        results = write_made_study(random.Random(seed), Path(directory), most_cells=4).results
        files = [file for file in results.rglob("*") if file.is_file()]
        return {file.relative_to(results).as_posix(): file.read_bytes() for file in files}


def results() -> Iterator[bytes]:
    """Yield the records of small made-up studies, each whole."""
    for files in map(made_results, range(MADE)):
        yield files["results.jsonl"]


@cache
def lines() -> tuple[bytes, ...]:
    """Return lines of records that differ in what they have: a newline ends each."""
    found: dict[object, str] = {}
    for record in _records():
        found.setdefault(_kind(record), record_line(record))
    for seed in range(MADE):
        for text in made_results(seed)["results.jsonl"].decode().splitlines(keepends=True):
            found.setdefault(_kind(Record.model_validate_json(text)), text)
    whole = max(found.values(), key=len)
    old = [json.dumps(json.loads(whole) | {"schema_version": one}, separators=(",", ":")) + "\n" for one in MIGRATIONS]
    return tuple(text.encode() for text in (*found.values(), *old))


def _records() -> Iterator[Record]:
    """Yield records of every kind that the tests of readers have."""
    statuses = ("wrong_output", "missing_check", "compile_error", "timeout", "unsupported", "out_of_memory", "crashed")
    for status in statuses:
        yield from make_records(workloads=("attention",), blocks=1, plants=[Plant(status, "attention", "hot", {})])
    plain = make_records(workloads=("attention",), blocks=1, superseded=1, primers=1)
    yield from plain
    yield from as_variants(plain, {"attention": ("base", {"tokens": 16})})
    yield from with_builds(plain)
    yield from over_hosts([Host("one", stratum="x")], blocks_each=1, workloads=("attention",))
    yield from of_context(64, 1.0, "llama")


def _kind(record: Record) -> object:
    facts = record.workload
    return (
        record.mode, record.status, record.role, record.final, record.plan is None, record.compile is None,
        record.meta.place is None, record.meta.build is None, bool(facts.axes), facts.tokens is None,
        record.meta.noise.disturbance is None, record.meta.layout is None,
    )  # fmt: skip


def samples() -> tuple[tuple[bytes, str], ...]:
    """Return lines of raw samples, each with the line of its record."""
    found = []
    for files in map(made_results, range(MADE)):
        for text in files["results.jsonl"].decode().splitlines():
            runtime = json.loads(text)["runtime"]
            named = runtime and runtime["samples"]
            if named:
                own = next(line for line in files[named["file"]].splitlines(keepends=True) if _is_of(line, text))
                found.append((own, text))
                break
    return tuple(found)


def _is_of(line: bytes, record: str) -> bool:
    owner, named = json.loads(line), json.loads(record)
    return bool(owner["trial_id"] == named["trial_id"] and owner["attempt"] == named["attempt"])


def designs() -> Iterator[dict[str, Any]]:
    """Yield designs of two configurations with two trials each."""
    for files in map(made_results, range(MADE)):
        design = json.loads(files["design.json"])
        cells = design["cells"][-CUT:]
        trials = [[one for one in design["trials"] if one["cell_id"] == cell["cell_id"]][:CUT] for cell in cells]
        titles = {part: dict([*held.items()][:1]) for part, held in design["titles"].items()}
        yield design | {"cells": cells, "trials": [*itertools.chain(*trials)], "titles": titles}


def locks() -> bytes:
    """Return the locks of two builds."""
    base = BuildLock(
        name="base", way="as it is", identity="0" * 16, digest="1" * 16, python="3.11.7", torch="2.13.0", lock=(),
        commit=None, dirty=None,
    )  # fmt: skip
    more = (Distribution(name="onnxruntime", version="1.30.0"),)
    other = replace(base, name="other", lock=more, commit="a" * 40)
    return _written("builds.json", lambda file: write_locks([base, other], file))


def manifest() -> bytes:
    """Return the manifest of two files."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "results.jsonl").write_text("{}\n")
        Path(directory, "README.md").write_text("read me\n")
        command = Command(argv=["ablatrix"], started_utc="2026-01-01T00:00:00.000Z", seconds=1.0, exit_code=0)
        made = make_manifest(
            Path(directory), study="made", study_digest="0" * 64, trials=1, records=1, ablatrix_commit=None,
            ablatrix_dirty=None, versions={"python": "3.11.7"}, commands=[command],
        )  # fmt: skip
        return manifest_text(made).encode()


def findings() -> tuple[dict[str, Any], ...]:
    """Return a finding in sentences, and one with an explanation."""
    ms = {"ms": 1.5, "low": 1.0, "high": 2.0}
    of_side = dict.fromkeys(("total", "plain", "profiled", "kernels", "inside", "overhead"), ms)
    side = {"compiler": "tvm", "knobs": {"fusion": "on"}, "calls": 2, "source": "s", **of_side}
    group = {
        "nodes": [0], "label": "add", "a": ms, "b": ms, "difference": ms, "a_kernels": ["k"], "b_kernels": [],
        "flops": 1, "bytes": 2,
    }  # fmt: skip
    block = {f"{one}{what}": 1.0 for one in ("a", "twin", "b") for what in ("", "_plain", "_profiled")}
    tried = {"group": 0, "switched": "x", "predicted_ms": 1.0, "measured": ms, "outcome": "confirmed", "why": "w"}
    sums = dict.fromkeys(("difference", "noise", "kernels_difference", "overhead_difference", "residual"), ms)
    explanation = {
        "workload": "mlp", "parameters": {"batch": 1}, "threads": 2, "blocks": 3, "a": side, "b": side, **sums,
        "groups": [group], "of_blocks": [block], "interventions": [tried], "counters": "c",
        "peak": {"flops_per_s": 1e9, "memory": {"bytes_per_s": 1e9, "last_cache_bytes": 1024}},
    }  # fmt: skip
    told = {"kind": "bisect", "title": "mlp on xla", "lines": ["culprit: pass:fusion"], "command": "ablatrix bisect"}
    return told, {**told, "kind": "explanation", "explanation": explanation}


def environment() -> Any:
    """Return what an artifact says of this machine."""
    return json.loads(make_environment([], None).model_dump_json())


def reports() -> tuple[Any, ...]:
    """Return the report of a reproduction, whole and as short as it can be."""
    figures = Figures(state="holds", factor=2.0, low=1.5, high=2.5, blocks=3, exact=False, reason=None)
    run = Run(
        host="a", cpu="b", cores=2, memory_bytes=1 << 30, kernel="6.1", versions={"python": "3.11"}, statuses={"ok": 3},
        seconds=1.0,
    )  # fmt: skip
    claim = Claim(name="c", outcome="reproduced", id="c", wanted=">= 2", recorded=figures, here=figures, detail="d")
    short = ReproductionReport(schema_version="1.1", study_digest="0" * 64, host="b", claims=(claim,))
    difference = Difference(what="cpu", recorded=("a",), here=("b",))
    whole = short.model_copy(update={"recorded": run, "here": run, "differences": (difference,), "notes": ("n",)})
    return tuple(json.loads(one.model_dump_json()) for one in (short, whole))


def zips() -> Iterator[bytes]:
    """Yield zips of results, of every way to pack, and one of a folder and one with a comment."""
    files = {"x/results.jsonl": b"{}\n", "x/samples/a.jsonl": b"{}\n" * 9, "x/README.md": b"read me\n"}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield _zip(files, method)
    yield _zip({"x/": b"", **files}, zipfile.ZIP_STORED, comment=b"x" * 20)
    yield _zip(files, zipfile.ZIP_STORED, streamed=True)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "x.zip")
        with zipfile.ZipFile(file, "w") as archive, archive.open("x/MANIFEST.json", "w", force_zip64=True) as member:
            member.write(b"{}")
        yield file.read_bytes()


def _zip(files: dict[str, bytes], method: int, comment: bytes = b"", streamed: bool = False) -> bytes:
    content = _Stream() if streamed else io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.comment = comment
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return content.getvalue()


class _Stream(io.BytesIO):
    """What cannot be gone back in: sizes stand behind each member."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def _written(name: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, name)
        write(file)
        return file.read_bytes()
