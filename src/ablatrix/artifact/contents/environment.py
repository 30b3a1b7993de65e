"""environment.json: the machine, what the environment check found before the run, and what the run cost."""

import csv
import functools
import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from ablatrix.artifact.contents.manifest import JSON_SCHEMA_DIALECT, Part
from ablatrix.doctor.finding import Finding
from ablatrix.doctor.shipped import locked_versions
from ablatrix.errors import ArtifactError
from ablatrix.records.machine import read_machine
from ablatrix.records.model import Machine
from ablatrix.regular_files import MEBIBYTE, read_regular

ENVIRONMENT_NAME = "environment.json"
ENVIRONMENT_VERSION = "1.1"
LARGEST = MEBIBYTE
Amount = Annotated[int, Field(ge=0)]


class RunCost(Part):
    """What one run of a study cost, beyond what stands in its records."""

    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="Wall time of the run: imports, preparing of programs and all trials."
    )
    trials: Amount = Field(description="Attempts that this run recorded; fewer than all when it resumed another.")
    largest_process_bytes: Amount | None = Field(description="Peak resident set of its largest process; null: unknown.")
    work_bytes: Amount | None = Field(description="Prepared programs and caches that it left on disk; null: unknown.")


class Environment(Part):
    """The whole file."""

    environment_version: Literal["1.0", "1.1"] = Field(description="Version of this schema, major.minor.")
    machine: Machine
    findings: tuple[Finding, ...] = Field(description="What the environment check found before the run.")
    run: RunCost | None = Field(description="What the run cost; null when nothing was run.")
    installed_bytes: Amount | None = Field(
        description="Size of the installed packages that the lock names; null when packages do not tell."
    )


def make_environment(findings: Sequence[Finding], run: RunCost | None) -> Environment:
    """Return the environment as it is now."""
    return Environment(
        environment_version=ENVIRONMENT_VERSION,
        machine=read_machine(),
        findings=tuple(findings),
        run=run,
        installed_bytes=_installed_bytes(),
    )


def environment_text(environment: Environment) -> str:
    """Return the canonical text of an environment."""
    value = environment.model_dump(mode="json")
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read_environment(directory: Path) -> Environment:
    """Read and check the environment of an artifact.

    Raises:
        ArtifactError: It is missing or breaks the schema.
    """
    try:
        return Environment.model_validate_json(read_regular(directory / ENVIRONMENT_NAME, LARGEST))
    except OSError as error:
        raise ArtifactError(f"cannot be read: {error.strerror}") from error
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'text'}: {fault['msg']}" for fault in error.errors())
        raise ArtifactError("; ".join(faults)) from error


def environment_schema_text() -> str:
    """Return the JSON Schema of an environment of this version: the same text on every machine."""
    schema = Environment.model_json_schema()
    schema = {"$schema": JSON_SCHEMA_DIALECT, "$id": f"ablatrix/environment-{ENVIRONMENT_VERSION}", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


@functools.cache
def _installed_bytes() -> int | None:
    """Add up the file sizes in the metadata of the installed packages of the lock; no file is read."""
    total = 0
    for name in locked_versions():
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        # Read as it is: its list of files would ask the disk for each of them, a hundred thousand times.
        rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
        total += sum(int(row[2]) for row in rows if len(row) == 3 and row[2].isdigit())
    return total or None
