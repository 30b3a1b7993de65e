"""Turn a directory of results, tables and figures into an artifact that can be verified."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath

from ablatrix.artifact.bundle.anonymity import Pseudonyms, find_names, find_names_in_source, refuse_identity
from ablatrix.artifact.bundle.container import make_recipe, wheels_text
from ablatrix.artifact.bundle.lock import study_lock
from ablatrix.artifact.checks import check_samples, sign_manifest
from ablatrix.artifact.contents import (
    ENVIRONMENT_NAME,
    FOLDER,
    MANIFEST_NAME,
    RECIPE_NAME,
    SIGNATURE_NAME,
    WHEELS_NAME,
    Command,
    Environment,
    Manifest,
    Reading,
    RunCost,
    archive_path,
    check_lines,
    check_plan,
    environment_text,
    list_files,
    make_environment,
    make_manifest,
    manifest_text,
    read_artifact,
    read_design,
    read_entry,
    read_manifest,
    source_file,
    write_archive,
)
from ablatrix.artifact.documents import make_documents, read_facts
from ablatrix.doctor.finding import Finding
from ablatrix.doctor.shipped import CONTAINER, CONTAINER_FILES, SHIPPED_FILES, shipped_bytes
from ablatrix.errors import ArtifactError
from ablatrix.records.names import CLAIMS_NAME, LOCK_NAME, STUDY_NAME, TEMPLATE_NAME
from ablatrix.records.origin import installed_versions, source_state

PACKAGES = (
    "ablatrix", "altair", "apache-tvm", "great-tables", "matplotlib", "numpy", "polars", "pydantic", "rocrate", "scipy",
    "torch", "transformers", "vl-convert-python",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What an artifact is made from, in addition to its results.

    Attributes:
        study: The study that was run.
        claims, template: Files to include; None: no claims, the shipped template.
        commands: What was run. Absolute paths in their arguments are shortened to the last name.
        findings: What the environment check found before the run.
        run: What the run cost; None when nothing was run.
        pseudonyms: Replaces names, for double-blind review; None keeps them.
        companions: The user's models and plug-ins: path relative to the study file -> file.
        packages: What the plug-ins need beside the packages of the lock: name -> version.
        wheels: Folder with the wheels of the lock, for a container that is made without a network; None for none.
        key: File of the SSH key that signs the manifest; None for no signature.
    """

    study: Path
    claims: Path | None = None
    template: Path | None = None
    commands: Sequence[Command] = ()
    findings: Sequence[Finding] = ()
    run: RunCost | None = None
    pseudonyms: Pseudonyms | None = None
    companions: Mapping[str, Path] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    wheels: Path | None = None
    key: Path | None = None


def assemble(directory: str | Path, origin: Origin, reading: Reading | None = None) -> Manifest:
    """Complete an artifact: what it ships, its documents, the manifest, and last the archive next to it.

    Args:
        directory: Contains ``results.jsonl``, ``design.json`` and what was made from them.
        origin: What else goes into it.
        reading: Its records and claims, as read when its tables were made; None reads them now.

    Returns:
        The manifest as written; its ``root_digest`` is what to print and to publish.

    Raises:
        ArtifactError: The records are not valid, or not exactly what was planned, samples are missing, a file cannot be
            read or written, or a name was found that an anonymous artifact must not have.
    """
    directory = Path(directory)
    design, problems = read_design(directory)
    recorded, faults = check_lines(directory)
    problems += faults
    if design is not None:
        problems += check_plan(recorded.lines, design)
    problems += check_samples(directory, recorded.samples)
    if problems or design is None or recorded.start is None:
        lines = [str(problem) for problem in problems] or ["results.jsonl: incomplete: it has no record"]
        raise ArtifactError("\n".join(f"{directory}/{line}" for line in lines))
    for name in (MANIFEST_NAME, SIGNATURE_NAME):  # an interrupted assembly must not look finished
        (directory / name).unlink(missing_ok=True)
    archive_path(directory).unlink(missing_ok=True)
    _include(directory, origin, recorded.trials.compilers)
    _include_container(directory, origin.wheels, recorded.start)
    _write(directory / ENVIRONMENT_NAME, _environment(origin).encode())
    entries = [read_entry(directory, path) for path in list_files(directory)[0]]
    facts = read_facts(reading or read_artifact(directory), recorded, entries)
    if origin.pseudonyms is not None:
        refuse_identity(facts.about, origin.study)
    for name, text in make_documents(facts).items():
        _write(directory / name, text.encode())
    commit, dirty = source_state()
    if origin.pseudonyms is not None:
        commit = origin.pseudonyms.commits.get(commit or "", commit)
    manifest = make_manifest(
        directory,
        study=recorded.study,
        study_digest=recorded.study_digest,
        trials=design.trials.height,
        records=recorded.count,
        ablatrix_commit=commit,
        ablatrix_dirty=dirty,
        versions=installed_versions(PACKAGES),
        commands=[_portable(command, origin.pseudonyms) for command in origin.commands],
    )
    _write(directory / MANIFEST_NAME, manifest_text(manifest).encode())
    if origin.pseudonyms is not None:
        _refuse_names(directory, origin.pseudonyms)
    if origin.key is not None:
        _write(directory / SIGNATURE_NAME, sign_manifest(manifest_text(manifest).encode(), origin.key))
    write_archive(directory, archive_path(directory), directory.resolve().name)
    return manifest


def sign(directory: str | Path, key: Path) -> Path:
    """Sign the manifest of an artifact that is there, and write its archive again, with the signature in it.

    Args:
        directory: The artifact.
        key: File of the SSH key.

    Returns:
        The archive.

    Raises:
        ArtifactError: It is no artifact, its manifest does not hold by itself, or the key cannot sign.
    """
    directory = Path(directory)
    try:
        manifest = read_manifest(directory)
    except ArtifactError as error:
        raise ArtifactError(f"{directory}: {MANIFEST_NAME}: {error}; give the directory of an artifact") from None
    _write(directory / SIGNATURE_NAME, sign_manifest(manifest_text(manifest).encode(), key))
    return write_archive(directory, archive_path(directory), directory.resolve().name)


def _include(directory: Path, origin: Origin, compilers: Collection[str]) -> None:
    """Copy what people wrote, and what every artifact ships."""
    written = ((origin.study, STUDY_NAME), (origin.claims, CLAIMS_NAME), (origin.template, TEMPLATE_NAME))
    for source, name in written:
        if source is not None:
            _copy(source, directory / name)
        elif name == CLAIMS_NAME:
            (directory / name).unlink(missing_ok=True)
    for name, source in origin.companions.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        _copy(source, directory / name)
    if origin.template is None:
        _write(directory / TEMPLATE_NAME, shipped_template())
    for name, path in SHIPPED_FILES.items():
        content = shipped_bytes(name)
        if content is not None and name == LOCK_NAME:
            content = study_lock(content.decode(), compilers, origin.companions, origin.packages).encode()
        if content is not None:
            _write(directory / path, content)
    software = source_file()
    for stale in (directory / FOLDER).glob("*"):
        stale.unlink()
    _write(directory / FOLDER / software.name, software.content)


def _include_container(directory: Path, wheels: Path | None, day: datetime) -> None:
    """Write the recipe of a container of a day and its scripts; without wheels, remove those of an earlier assembly."""
    shutil.rmtree(directory / CONTAINER, ignore_errors=True)
    if wheels is None:
        return
    lock = (directory / LOCK_NAME).read_text(encoding="utf-8")
    _write(directory / RECIPE_NAME, make_recipe(day).text.encode())
    _write(directory / WHEELS_NAME, wheels_text(lock, wheels).encode())
    for name, path in CONTAINER_FILES.items():
        _write(directory / path, shipped_bytes(name) or b"")


def shipped_template() -> bytes:
    """Return the template of the paper that is used when no other is given."""
    from ablatrix.paper.template.load import DEFAULT_TEMPLATE  # polars loads here

    return DEFAULT_TEMPLATE.read_bytes()


def _environment(origin: Origin) -> str:
    environment = make_environment(origin.findings, origin.run)
    if origin.pseudonyms is not None:
        hidden = origin.pseudonyms.hide_value(environment.model_dump(mode="json"))
        hidden["machine"]["host"] = origin.pseudonyms.hosts[environment.machine.host]
        environment = Environment.model_validate(hidden)
    return environment_text(environment)


def _refuse_names(directory: Path, pseudonyms: Pseudonyms) -> None:
    problems = find_names(directory, pseudonyms)
    if source_state()[1] is not False:  # a clean checkout is the same for everybody, and identifies nobody
        problems += find_names_in_source(source_file(), pseudonyms)
    if problems:
        (directory / MANIFEST_NAME).unlink()
        raise ArtifactError("\n".join(f"{directory}/{problem}" for problem in problems))


def _portable(command: Command, pseudonyms: Pseudonyms | None) -> Command:
    """Return the command with every absolute path in its arguments shortened to its last name (also ``--out=/a/b``)."""
    words = [_cut(word) for word in command.argv]
    return command.model_copy(update={"argv": words if pseudonyms is None else pseudonyms.hide_value(words)})


def _cut(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    if not PurePath(value).is_absolute():
        return word
    return f"{option}{equals}{PurePath(value).name}"


def _copy(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    try:
        content = source.read_bytes()
    except OSError as error:
        detail = f"cannot be copied into the artifact: {error.strerror}"
        raise ArtifactError(f"{source}: {target.stem} {detail}") from error
    _write(target, content)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be written: {error.strerror}") from error
