"""The smallest artifact that has every kind of file: for changes by the thousand, each of which is verified whole.

Its study never ran; what follows from its records is made as it always is. It has no signature, since that alone would
give every change away.
"""

from __future__ import annotations

import random
from pathlib import Path

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.checks.remake import derive
from ablatrix.artifact.contents.manifest import Command
from ablatrix.artifact.contents.reading import Reading
from ablatrix.catalogue import COMPILER_FAMILY, WORKLOAD_FAMILY, Catalogue, Entries
from ablatrix.compilers.catalogue import EAGER, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.doctor.shipped import locked_versions
from ablatrix.records.kept_findings import KeptFinding, keep_finding
from ablatrix.records.names import BUILDS_NAME
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.workloads.shipped import SHIPPED
from tests.fuzz.seeds import locks
from tests.made_study import Truth, write_results

STUDY = {
    "name": "made",
    "workloads": ["mlp"],
    "compilers": ["mine"],
    "modes": ["cold", "hot"],
    "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
    "protocol": {"cold": {"replicates": 1}, "hot": {"blocks": 1, "max_blocks": 1}},
    "about": {"authors": [{"name": "Lovelace, Ada"}], "licence": "CC-BY-4.0"},
}
CLAIMS = """\
version: 1
claims:
  - {id: correct, correct: all}
  - {id: bytes, workload: mlp, compiler: mine, metric: physical_bytes_est, knob: fusion, within: 0.9}
"""
TEMPLATE = """\
version: 1
tables:
  - {number: 1, title: {en: Workloads, zh: \u8d1f\u8f7d}, source: workloads, columns: [{column: workload}], caption: C.}
figures:
  - {number: 1, title: Memory, kind: memory, width: column, caption: C.}
text: [setup]
"""
FINDING = KeptFinding(kind="bisect", title="mlp on mine", lines=("culprit: pass:x",), command="ablatrix bisect")


def make_bundle(directory: Path) -> Path:
    """Make an artifact in an empty directory and return it; its zip is beside it."""
    made = write_results(
        random.Random(1), _resolved(), directory, Truth({("fusion", "on"): 0.8}, frozenset({"fusion"})), (None,)
    )
    claims, template, wheels = (directory / name for name in ("claims.yaml", "template.yaml", "wheels"))
    claims.write_text(CLAIMS, encoding="utf-8")
    template.write_text(TEMPLATE, encoding="utf-8")
    wheels.mkdir()
    for name, version in locked_versions().items():
        (wheels / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_bytes(b"")
    keep_finding(made.results, "a", FINDING)
    (made.results / BUILDS_NAME).write_bytes(locks())
    derive(Reading(made.results, claims), made.results, template)
    command = Command(argv=["ablatrix", "artifact"], started_utc="2026-01-01T00:00:00.000Z", seconds=1.0, exit_code=0)
    origin = Origin(study=made.study, claims=claims, template=template, wheels=wheels, commands=[command])
    assemble(made.results, origin)
    return made.results


def _resolved() -> ResolvedStudy:
    fusion = KnobEntry(
        name="fusion",
        kind="primary",
        summary="A knob.",
        levels=(LevelEntry("off", "A level."), LevelEntry("on", "A level.")),
        default="off",
        affects="code",
    )
    mine = CompilerEntry(name="mine", summary="Mine.", modules=(), extra="", adapter="a:B", knobs=(fusion,))
    catalogue = Catalogue(
        Entries(COMPILER_FAMILY, {one.name: one for one in (EAGER, mine)}, {}),
        Entries(WORKLOAD_FAMILY, dict(SHIPPED), {}),
    )
    return resolve_study(Study.model_validate(STUDY), catalogue)
