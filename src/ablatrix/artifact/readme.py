"""README.md of an artifact: what it is, how to check it, how to run it again, how long that takes.

It is made of the records and the list of files alone, so that verification can make it again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ablatrix.artifact.manifest import MANIFEST_NAME, Role, role_of
from ablatrix.records.journal import final_records
from ablatrix.records.model import Record

README_NAME = "README.md"
MEANING: dict[Role, str] = {
    "records": "one JSON object a line and trial: everything that was measured",
    "design": "what was planned, in which order",
    "study": "the study, as it was run",
    "samples": "raw samples of hot trials, unrounded, by block",
    "plan": "plans of the workloads",
    "table": "tables, made of the records",
    "figure": "figures, made of the records",
    "text": "text, made of the records",
    "template": "what the tables, figures and text are made of",
    "environment": "the machine, and what the environment check found before the run",
    "readme": "this file",
    "log": "what the run printed",
    "other": "other files",
}


TEMPLATE = """# Artifact of the study `{study}`

{trials} trials ({statuses}), run on {cpu}, {cores} cores, {memory:.1f} GiB,
with {versions}.

## Check it

With Python 3.11 or later and ablatrix installed; no compiler and no torch are needed:

    ablatrix verify .

hashes every file again, validates every record, compares the records with the plan, makes all tables, figures
and text again and compares them. It exits 0 when all of it holds, and else 1 with a list. It prints the root
digest, which stands in `MANIFEST.json` and covers everything: compare it with the published one.

## Run it again

With torch, the compilers of the study and a C++ compiler:

    ablatrix artifact study.yaml --out again

In a clone of ablatrix, `scripts/run_artifact.sh STUDY OUT` installs and runs everything. The trials took this
long; your times will differ, ratios less so.

{times}

## What is here

{files}
"""


def readme_text(records: Sequence[Record], paths: Iterable[str]) -> str:
    """Return the README.

    Args:
        records: All valid records, earlier attempts included, at least one.
        paths: Files of the artifact, relative; this README and the manifest may be among them or not.
    """
    final = final_records(records)
    machine = final[0].meta.machine
    statuses = Counter(record.status for record in final)
    versions = {name: text for record in final for name, text in record.meta.versions.items()}
    return TEMPLATE.format(
        study=final[0].study,
        trials=len(final),
        statuses=", ".join(f"{count} {status}" for status, count in sorted(statuses.items())),
        cpu=machine.cpu,
        cores=machine.cores,
        memory=machine.memory_bytes / 2**30,
        versions=", ".join(f"{name} {text}" for name, text in sorted(versions.items())),
        times=_times(records),
        files=_map(paths),
    )


def _times(records: Sequence[Record]) -> str:
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in records:
        seconds[record.workload.name, record.mode].append(record.wall_s)
    rows = [
        f"| {workload} | {mode} | {len(walls)} | {sum(walls):.1f} |"
        for (workload, mode), walls in sorted(seconds.items())
    ]
    total = [wall for walls in seconds.values() for wall in walls]
    head = ["| workload | mode | attempts | seconds |", "| --- | --- | ---: | ---: |"]
    return "\n".join([*head, *rows, f"| all | | {len(total)} | {sum(total):.1f} |"])


def _map(paths: Iterable[str]) -> str:
    entries: Counter[tuple[str, Role]] = Counter()
    for path in {*paths, README_NAME} - {MANIFEST_NAME}:
        folder, slash, _ = path.rpartition("/")
        entries[folder + slash or path, role_of(path)] += 1
    rows = [f"| `{entry}` | {count} | {MEANING[role]} |" for (entry, role), count in sorted(entries.items())]
    head = [
        "| file or folder | files | what it is |",
        "| --- | ---: | --- |",
        f"| `{MANIFEST_NAME}` | 1 | SHA-256, size and role of every file, commands, versions, root digest |",
    ]
    return "\n".join([*head, *rows])
