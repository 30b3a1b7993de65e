"""Turn a directory of results, tables and figures into an artifact that can be verified."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path, PurePath

from ablatrix.artifact.completeness import check_lines, check_plan, read_design
from ablatrix.artifact.finding import Finding
from ablatrix.artifact.manifest import (
    MANIFEST_NAME,
    Command,
    Manifest,
    list_files,
    make_manifest,
    manifest_text,
)
from ablatrix.artifact.readme import README_NAME, readme_text
from ablatrix.errors import ArtifactError
from ablatrix.records.machine import read_machine
from ablatrix.records.origin import installed_versions, source_state

STUDY_NAME = "study.yaml"
ENVIRONMENT_NAME = "environment.json"
PACKAGES = (
    "ablatrix", "apache-tvm", "matplotlib", "numpy", "polars", "pydantic", "scipy", "torch", "transformers",
)  # fmt: skip


def assemble(
    directory: str | Path, study_file: str | Path, commands: Iterable[Command], findings: Sequence[Finding]
) -> Manifest:
    """Complete an artifact: copy the study, write ``environment.json``, ``README.md``, and the manifest last.

    Args:
        directory: Holds ``results.jsonl``, ``design.json`` and what was made of them.
        study_file: The study that was run.
        commands: What was run. Absolute paths in their words are cut to the last name.
        findings: What the environment check found before the run.

    Returns:
        The manifest as written; its ``root_digest`` is what to print and to publish.

    Raises:
        ArtifactError: The records are not valid, or not exactly what was planned, or a file cannot be read.
    """
    directory, study_file = Path(directory), Path(study_file)
    records, problems = check_lines(directory)
    design, faults = read_design(directory)
    problems += faults
    if design is not None:
        problems += check_plan(records, design)
    if problems or design is None or not records:
        told = [str(problem) for problem in problems] or ["results.jsonl: incomplete: it holds no record"]
        raise ArtifactError("\n".join(f"{directory}/{line}" for line in told))
    (directory / MANIFEST_NAME).unlink(missing_ok=True)  # a torn assembly must not look like a finished one
    _copy_study(study_file, directory / STUDY_NAME)
    _write(directory / ENVIRONMENT_NAME, environment_text(findings))
    _write(directory / README_NAME, readme_text(records, list_files(directory)[0]))
    commit, dirty = source_state()
    manifest = make_manifest(
        directory,
        study=records[0].study,
        study_digest=records[0].study_digest,
        trials=len(design["trials"]),
        records=len(records),
        ablatrix_commit=commit,
        ablatrix_dirty=dirty,
        versions=installed_versions(PACKAGES),
        commands=[portable(command) for command in commands],
    )
    _write(directory / MANIFEST_NAME, manifest_text(manifest))
    return manifest


def environment_text(findings: Sequence[Finding]) -> str:
    """Return ``environment.json``: the machine as it is now, and the findings in order."""
    value = {
        "machine": read_machine().model_dump(mode="json"),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def portable(command: Command) -> Command:
    """Return the command with every absolute path in its words cut to its last name (``--out=/a/b``, too)."""
    return command.model_copy(update={"argv": [_cut(word) for word in command.argv]})


def _cut(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    if not PurePath(value).is_absolute():
        return word
    return f"{option}{equals}{PurePath(value).name}"


def _copy_study(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise ArtifactError(f"{source}: the study cannot be copied into the artifact: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be written: {error.strerror}") from error
