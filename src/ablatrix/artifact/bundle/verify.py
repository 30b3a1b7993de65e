"""Does an artifact still contain what was measured, all of it, and nothing else?

Three independent questions: do the files have the digests of the manifest; are the records valid and exactly
what was planned; do tables, figures, text and documents follow from the records? The last one also detects a changed
figure whose manifest was changed to match. A changed record with matching tables and a matching manifest is a
different artifact: its root digest differs from the published one, which can be given for comparison.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablatrix.artifact.bundle.made_again import check_made
from ablatrix.artifact.checks import (
    Derive,
    Extent,
    StudyDigest,
    check_builds,
    check_container,
    check_files,
    check_findings,
    check_models,
    check_samples,
    check_shipped,
    check_signature,
    check_study,
    derive,
)
from ablatrix.artifact.contents import (
    ENVIRONMENT_NAME,
    MANIFEST_NAME,
    PAGE_NAME,
    WORK_NAME,
    Manifest,
    Problem,
    Reading,
    Recorded,
    check_lines,
    check_plan,
    is_archive_of,
    read_artifact,
    read_design,
    read_manifest,
    unpack_archive,
)
from ablatrix.errors import ArtifactError
from ablatrix.plugin_sources import read_plugin_source
from ablatrix.records.names import CLAIMS_NAME, DESIGN_NAME, RECORDS_NAME, STUDY_NAME

INPUTS = frozenset({STUDY_NAME, CLAIMS_NAME, ENVIRONMENT_NAME})
"""Files that the documents are made from, in addition to the records."""

SHOWN_DIGESTS = 10
UNCHECKED = f"{WORK_NAME}/ has files of the run that are not part of the artifact: it was not checked"


@dataclass(frozen=True)
class Verification:
    """What `examine` found.

    Attributes:
        problems: What does not hold, by file; empty when the artifact is good.
        notes: What could not be compared, and why.
        files: Files that the manifest lists.
        records: Lines of records that are valid.
        root_digest: The manifest's own; None without a manifest that can be read.
        signer: Fingerprint of the SSH key whose signature of the manifest holds; None without one.
        unchecked: What was not checked as there are too many records for it, each in a few words; a note says more.
    """

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    files: int
    records: int
    root_digest: str | None
    signer: str | None = None
    unchecked: tuple[str, ...] = ()

    @property
    def holds(self) -> bool | None:
        """Whether everything holds; None where nothing was found and not everything was checked."""
        return False if self.problems else None if self.unchecked else True


def verify(directory: str | Path, root_digest: str | None = None) -> list[Problem]:
    """Return everything in an artifact that does not hold; empty when it is good. See `examine`."""
    return list(examine(directory, root_digest).problems)


def examine(
    directory: str | Path,
    root_digest: str | None = None,
    derive: Derive = derive,
    reading: Reading | None = None,
    study_digest: StudyDigest | None = None,
    signed_by: Path | None = None,
    extent: Extent | None = None,
) -> Verification:
    """Re-hash every file, validate every record, compare with the plan, make the tables again and compare.

    Args:
        directory: The artifact, or the zip of one.
        root_digest: The digest that was published; None accepts the manifest's own.
        derive: Makes tables, figures and text from the records.
        reading: Its records; None reads them.
        study_digest: Reads the digest of the study file, to be compared with that in the records; None: it is not.
        signed_by: File of public SSH keys, of which one must have signed the manifest; None: that is not asked.
        extent: Most records from which everything is made again, which is ``unchecked`` with more; None: any number.

    Raises:
        ArtifactError: There is no such directory, it was never an artifact, or the keys cannot be read.
    """
    directory = Path(directory)
    asked = _Asked(root_digest, derive, study_digest, signed_by, extent)
    return _examine_archive(directory, asked) if directory.is_file() else _examine_directory(directory, asked, reading)


@dataclass(frozen=True)
class _Asked:
    """What is asked of an artifact; see `examine`."""

    root_digest: str | None
    derive: Derive
    study_digest: StudyDigest | None
    signed_by: Path | None
    extent: Extent | None


def _examine_directory(directory: Path, asked: _Asked, reading: Reading | None = None) -> Verification:
    refuse_plain_results(directory)
    reading = reading or read_artifact(directory, None if asked.extent is None else asked.extent.processes)
    manifest, problems = _check_manifest(directory, asked.root_digest)
    signer, of_signature, notes = check_signature(directory, asked.signed_by)
    problems += of_signature
    notes += [UNCHECKED] if (directory / WORK_NAME).is_dir() else []
    design, design_faults = read_design(directory)  # first: what its text takes as objects is free again then
    recorded, line_faults = check_lines(directory)
    faults = [*design_faults, *line_faults, *check_samples(directory, recorded.samples)]
    faults += [*check_builds(directory, recorded.builds), *check_findings(directory)]
    if design is not None:
        faults += [*check_plan(recorded.lines, design), *_check_plugins(directory, design.rest)]
    rest = {} if design is None else design.rest
    if manifest is not None:
        foreign, foreign_notes = _check_inputs(directory, recorded, manifest, rest, asked.study_digest)
        problems, notes = [*problems, *foreign], [*notes, *foreign_notes]
    if manifest is not None and design is not None:
        faults += _check_facts(manifest, recorded, design.trials.height)
    unchecked: tuple[str, ...] = ()
    if faults:
        notes.append("the records or findings do not hold, so tables, figures and text were not made again")
    else:
        inputs_hold = not {problem.path for problem in problems} & INPUTS
        made = check_made(reading, recorded, manifest, asked.derive, inputs_hold=inputs_hold, extent=asked.extent)
        faults, notes, unchecked = [*faults, *made.problems], [*notes, *made.notes], made.unchecked
    return Verification(
        problems=tuple(sorted({*problems, *faults})),
        notes=tuple(notes),
        files=len(manifest.files) if manifest else 0,
        records=recorded.count,
        root_digest=manifest.root_digest if manifest else None,
        signer=signer,
        unchecked=unchecked,
    )


def _check_manifest(directory: Path, root_digest: str | None) -> tuple[Manifest | None, list[Problem]]:
    """Return the manifest, None where it cannot be read, and what does not hold of it and of its files."""
    try:
        manifest = read_manifest(directory)
    except ArtifactError as error:
        exists = (directory / MANIFEST_NAME).is_file()
        return None, [Problem(MANIFEST_NAME, "invalid" if exists else "missing", str(error))]
    problems = check_files(directory, manifest)
    if root_digest is not None and manifest.root_digest != root_digest:
        detail = f"its root digest is {manifest.root_digest}, but {root_digest} was published"
        problems.append(Problem(MANIFEST_NAME, "changed", detail))
    return manifest, problems


def _check_inputs(
    directory: Path,
    recorded: Recorded,
    manifest: Manifest,
    design: Mapping[str, Any],
    study_digest: StudyDigest | None,
) -> tuple[list[Problem], list[str]]:
    """Compare what a bundle was made with (study, models, lock, what is shipped) with what records and software say."""
    problems, notes = check_shipped(directory, recorded.packages, manifest, has_plugins=bool(design.get("plugins")))
    if study_digest is not None:
        found, noted = check_study(directory, recorded.study_digests, manifest, study_digest)
        problems += found
        notes += noted
    return [*problems, *check_container(directory), *check_models(directory, recorded.models)], notes


def _refuse_records(file: Path) -> None:
    """Refuse a file of records, of which no part can be verified without the rest of its artifact."""
    with file.open("rb") as stream:
        if stream.read(1) == b"{":
            raise ArtifactError(
                f"{file}: not an artifact but JSON; name the directory that contains {MANIFEST_NAME}, or its zip"
            )


def refuse_plain_results(directory: Path) -> None:
    """Refuse a directory that was never an artifact; one that has lost its manifest has a problem instead.

    Raises:
        ArtifactError: There is no such directory, or it has nothing that only an artifact has.
    """
    if not directory.is_dir():
        raise ArtifactError(f"{directory}: no such directory; give the one that contains {MANIFEST_NAME}, or its zip")
    if any((directory / name).exists() for name in (MANIFEST_NAME, ENVIRONMENT_NAME, PAGE_NAME)):
        return
    remedy = f"name the directory that contains {MANIFEST_NAME}, or its zip"
    if (directory / RECORDS_NAME).is_file():
        remedy = "it contains plain results; 'ablatrix artifact STUDY --out ARTIFACT' makes an artifact"
    raise ArtifactError(f"{directory}: not an artifact: there is no {MANIFEST_NAME}; {remedy}")


def _examine_archive(archive: Path, asked: _Asked) -> Verification:
    """Unpack an archive, examine the artifact in it, and compare the archive with one made from its files."""
    _refuse_records(archive)
    with tempfile.TemporaryDirectory(prefix="ablatrix-verify-") as scratch:
        inner = Path(scratch, "inner")
        try:
            directory = unpack_archive(archive, inner)
        except ArtifactError as error:
            return Verification((Problem(archive.name, "unreadable", str(error)),), (), 0, 0, None)
        found = _examine_directory(directory, asked)
        if found.problems or is_archive_of(archive, directory, directory.name):
            return found
        detail = "its files hold, but its own bytes (order, dates, modes, comments) are not those of an archive of them"
        return replace(found, problems=(Problem(archive.name, "changed", detail),))


def _check_plugins(directory: Path, design: Mapping[str, Any]) -> list[Problem]:
    """Compare each plug-in, with what it imports from beside it, with the one that the design was made with."""
    problems = []
    for plugin, digest in design.get("plugins", {}).items():
        file = directory / plugin
        try:
            if not file.is_file() or not file.resolve().is_relative_to(directory.resolve()):
                raise OSError(0, "it is no file of this artifact")
            found = read_plugin_source(file).digest
        except OSError as error:
            problems.append(Problem(plugin, "unreadable", f"the plug-in cannot be read: {error.strerror}"))
            continue
        if found != digest:
            detail = f"it or a file beside it that it imports is not what was measured: SHA-256 {found[:16]}, "
            problems.append(Problem(plugin, "changed", f"{detail}in the design {digest[:16]}"))
    return problems


def _check_facts(manifest: Manifest, recorded: Recorded, planned: int) -> list[Problem]:
    digests = recorded.study_digests | {manifest.study_digest}
    problems = []
    if len(digests) > 1:
        named = ", ".join(sorted(digests)[:SHOWN_DIGESTS]) + (", ..." if len(digests) > SHOWN_DIGESTS else "")
        detail = f"manifest and records have {len(digests)} study digests: {named}"
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    if manifest.trials != planned:
        detail = f"{planned} trials, but the manifest has {manifest.trials}"
        problems.append(Problem(DESIGN_NAME, "invalid", detail))
    if manifest.records != recorded.count:
        detail = f"{recorded.count} valid lines, but the manifest has {manifest.records}"
        problems.append(Problem(RECORDS_NAME, "incomplete", detail))
    return problems
