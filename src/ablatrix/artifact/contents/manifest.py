"""MANIFEST.json: the files of an artifact with their digests, and how it was made. Schema 1.3.

Those of 1.1, which has no role ``container``, and of 1.2, which has no role ``finding``, are read as well.

The text is canonical (sorted keys, sorted files, one layout), so any other byte is a fault; paths are
relative. ``root_digest`` covers everything else in the manifest, and through the files' digests the whole
artifact: two artifacts with the same root digest are the same. Publish it with the paper.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, ValidationError

from ablatrix.artifact.contents.names import PAGE_NAME, SIGNATURE_NAME
from ablatrix.artifact.contents.problem import Problem
from ablatrix.canonical import digest_value
from ablatrix.errors import ArtifactError
from ablatrix.foreign_text import is_plain, many_values, shown, twins
from ablatrix.records.kept_findings import FINDINGS
from ablatrix.records.names import (
    BUILDS_NAME,
    CLAIMS_NAME,
    DESIGN_NAME,
    LARGEST_MANIFEST,
    LOCK_NAME,
    MANIFEST_NAME,
    RECORDS_NAME,
    SAMPLES_NAME,
    STUDY_NAME,
    TEMPLATE_NAME,
    WORK_NAME,
)
from ablatrix.regular_files import MEBIBYTE, open_regular, read_regular

MANIFEST_VERSION = "1.3"
JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
CHUNK_BYTES = 1 << 20
MOST_FOLDERS = 50
MOST_FILES = 100_000
"""Files and folders of an artifact, as in a zip (`ablatrix.records.archives`)."""
MOST_OBJECT_BYTES = 96 * MEBIBYTE
"""What the values of a manifest may take as objects: those of `MOST_FILES` files take 78 MiB by the same estimate."""
MOST_KEYS = 5 * MOST_FILES
"""Of `MOST_FILES` files it has four for each. An unknown one takes 1.4 KB until it is refused."""
MOST_FAULTS = 100  # that are named one by one

Role = Literal[
    "records", "design", "study", "claims", "samples", "plan", "table", "figure", "text", "provenance", "page",
    "template", "environment", "readme", "appendix", "citation", "crate", "lock", "software", "example", "licence",
    "container", "finding", "log", "other",
]  # fmt: skip
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
ROLE_OF_NAME: dict[str, Role] = {
    RECORDS_NAME: "records",
    DESIGN_NAME: "design",
    STUDY_NAME: "study",
    CLAIMS_NAME: "claims",
    TEMPLATE_NAME: "template",
    "ablation.csv": "table",
    "paper/macros.tex": "text",
    "paper/paper.tex": "text",
    "paper/latexmkrc": "text",
    "paper/provenance.json": "provenance",
    "environment.json": "environment",
    PAGE_NAME: "page",
    "README.md": "readme",
    "APPENDIX.md": "appendix",
    "appendix.tex": "appendix",
    "appendix_long.tex": "appendix",
    "CITATION.cff": "citation",
    "ro-crate-metadata.json": "crate",
    LOCK_NAME: "lock",
    BUILDS_NAME: "lock",
    "LICENSE": "licence",
}
ROLE_OF_FOLDER: dict[str, Role] = {
    "tables": "table",
    "figures": "figure",
    "text": "text",
    SAMPLES_NAME: "samples",
    "plans": "plan",
    "logs": "log",
    "templates": "template",
    "source": "software",
    "tiny": "example",
    "container": "container",
    FINDINGS: "finding",
}


LONGEST_NAME, LONGEST_PATH = 255, 4000
"""Bytes of a name and of a path, beyond which no usual file system can hold them."""


def _relative(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or str(pure) != path or path == "." or not is_plain(path):
        raise ValueError(f"a path must be relative, plain and inside the artifact, but got {path!r}")
    if any(len(part.encode()) > LONGEST_NAME for part in pure.parts) or len(path.encode()) > LONGEST_PATH:
        raise ValueError(f"a path has names of at most {LONGEST_NAME} bytes, but got {path[:40]!r}...")
    return path


class Part(BaseModel):
    """Base of every part of a document of this room: frozen, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(Part):
    """One file of the artifact."""

    path: Annotated[str, AfterValidator(_relative)] = Field(description="Relative to the manifest, with slashes.")
    role: Role = Field(description="What the file is in the artifact.")
    bytes: Annotated[int, Field(ge=0)] = Field(description="Size.")
    sha256: Digest = Field(description="SHA-256 of the content.")


class Command(Part):
    """One command that had a part in making the artifact."""

    argv: list[str] = Field(description="The words of the command, absolute paths cut to their last name.")
    started_utc: str = Field(description="Start, ISO 8601, UTC.")
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(description="Wall time.")
    exit_code: int = Field(description="0: done; 1: done, but trials failed.")


class Manifest(Part):
    """The whole manifest."""

    manifest_version: Literal["1.1", "1.2", "1.3"] = Field(description="Version of this schema, major.minor.")
    study: str = Field(description="Name of the study.")
    study_digest: Digest = Field(description="SHA-256 of the study as loaded, defaults filled in.")
    trials: Annotated[int, Field(ge=0)] = Field(description="Trials planned.")
    records: Annotated[int, Field(ge=0)] = Field(description="Lines of results.jsonl, earlier attempts included.")
    ablatrix_commit: str | None = Field(description="Commit of ablatrix that assembled it, null when installed.")
    ablatrix_dirty: bool | None = Field(description="Whether that checkout had uncommitted changes.")
    versions: dict[str, str] = Field(description="Versions of python and of the packages that made the files.")
    commands: Annotated[list[Command], FailFast()] = Field(description="What was run, in order.")
    files: Annotated[list[FileEntry], FailFast()] = Field(description="Every file but this one, sorted by path.")
    root_digest: Digest = Field(description="SHA-256 of the canonical JSON of all fields above.")


def role_of(path: str) -> Role:
    """Return the role of a file from its path in the artifact."""
    return ROLE_OF_NAME.get(path) or ROLE_OF_FOLDER.get(path.removeprefix("paper/").partition("/")[0], "other")


def list_files(directory: Path) -> tuple[list[str], list[Problem]]:
    """Return the relative paths of all plain files but the manifest and its signature, sorted, and what is not one.

    The folder ``work`` is omitted: it has the run's working files (prepared programs, caches), not results.
    A link is a problem, symbolic or hard: what it names can change without any change in the artifact.
    """
    paths: list[str] = []
    problems: list[Problem] = []
    for entry, relative in _walk(directory, problems):
        found = entry.stat(follow_symlinks=False)
        if not is_plain(relative):  # a line break could imitate a line of what is printed about it
            problems.append(Problem(shown(relative), "unreadable", "its name cannot be printed; rename it"))
        elif stat.S_ISLNK(found.st_mode):
            problems.append(Problem(relative, "unreadable", "a symbolic link; put the file itself here"))
        elif stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            problems.append(Problem(relative, "unreadable", "a hard link; put a copy of the file here"))
        elif stat.S_ISREG(found.st_mode):
            paths.append(relative)
        elif not stat.S_ISDIR(found.st_mode):
            problems.append(Problem(relative, "unreadable", "neither a file nor a directory"))
    problems += [
        Problem(other, "unreadable", f"some file systems take it for {one}, whose name is the same in other letters")
        for one, other in twins(paths)
    ]
    return sorted(path for path in paths if path not in (MANIFEST_NAME, SIGNATURE_NAME)), sorted(problems)


def _walk(directory: Path, problems: list[Problem]) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield whatever is in a directory and below, with its relative path, and add what could not be looked at.

    Names come one by one, so that a directory of ten million is left as soon as it is seen to have too many.
    """
    pending, count = [("", 0)], 0
    while pending:
        folder, depth = pending.pop()
        if depth > MOST_FOLDERS:
            problems.append(Problem(shown(folder), "unreadable", f"more than {MOST_FOLDERS} folders deep"))
            continue
        try:
            with os.scandir(directory / folder) as entries:
                for entry in entries:
                    count += 1
                    if count > MOST_FILES:
                        detail = f"more than {MOST_FILES} files and folders; what follows was not looked at"
                        problems.append(Problem(shown(folder or "."), "unreadable", detail))
                        return
                    relative = f"{folder}/{entry.name}" if folder else entry.name
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if is_folder and relative == WORK_NAME:
                        continue
                    if is_folder:
                        pending.append((relative, depth + 1))
                    yield entry, relative
        except OSError as error:
            detail = f"the directory cannot be listed: {error.strerror}"
            problems.append(Problem(shown(folder or "."), "unreadable", detail))


def read_entry(directory: Path, path: str) -> FileEntry:
    """Return a file's entry, read in pieces.

    Raises:
        OSError: The file cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(directory / path):
        digest.update(piece)
        size += len(piece)
    return FileEntry(path=path, role=role_of(path), bytes=size, sha256=digest.hexdigest())


def entry_of(path: str, content: bytes) -> FileEntry:
    """Return the entry that a file with some content would have."""
    return FileEntry(path=path, role=role_of(path), bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def make_manifest(directory: Path, **facts: Any) -> Manifest:
    """Return the manifest of a directory as it is now.

    Args:
        directory: The artifact.
        facts: The other fields of `Manifest`.

    Raises:
        ArtifactError: Something in the directory is not a plain readable file.
    """
    paths, problems = list_files(directory)
    if problems:
        raise ArtifactError("\n".join(f"{directory}/{problem}" for problem in problems))
    try:
        files = [read_entry(directory, path) for path in paths]
    except OSError as error:
        raise ArtifactError(f"{error.filename}: cannot be read into the manifest: {error.strerror}") from error
    fields = {"manifest_version": MANIFEST_VERSION, **facts, "files": files, "root_digest": "0" * 64}
    return seal(Manifest.model_validate(fields))


def seal(manifest: Manifest) -> Manifest:
    """Return the manifest with the root digest of its other fields."""
    return manifest.model_copy(update={"root_digest": root_digest(manifest)})


def root_digest(manifest: Manifest) -> str:
    """Return the SHA-256 of all fields of the manifest except ``root_digest``."""
    return digest_value(manifest.model_dump(mode="json", exclude={"root_digest"}))


def manifest_text(manifest: Manifest) -> str:
    """Return the canonical text of a manifest."""
    value = manifest.model_dump(mode="json")
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read_manifest(directory: Path) -> Manifest:
    """Read and check the manifest of an artifact.

    Raises:
        ArtifactError: It is missing, is not UTF-8 JSON, breaks the schema, is not in canonical form, lists a
            file twice, or its root digest is not that of its content.
    """
    path = directory / MANIFEST_NAME
    try:
        content = read_regular(path, LARGEST_MANIFEST)
        if many_values(content, MOST_OBJECT_BYTES) is not None or content.count(b":") > MOST_KEYS:
            raise ArtifactError(f"it has more values than the manifest of {MOST_FILES} files")
        text = content.decode()
        manifest = Manifest.model_validate_json(text, strict=True)
    except FileNotFoundError as error:
        raise ArtifactError(f"missing: {directory} is not an artifact, or an incomplete one") from error
    except OSError as error:
        raise ArtifactError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ArtifactError(f"not UTF-8: {error}") from error
    except ValidationError as error:
        raise ArtifactError(_faults(error)) from None
    if manifest.root_digest != root_digest(manifest):
        raise ArtifactError(f"changed: root_digest is {manifest.root_digest}, its content's is {root_digest(manifest)}")
    paths = [entry.path for entry in manifest.files]
    if paths != sorted(set(paths)) or text != manifest_text(manifest):
        raise ArtifactError("its text is not in canonical form: it was changed by hand")
    return manifest


def _faults(error: ValidationError) -> str:
    if error.error_count() > MOST_FAULTS:
        return f"it has {error.error_count()} faults, more than can be named"
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'text'}: {fault['msg']}" for fault in error.errors())


def manifest_schema_text() -> str:
    """Return the JSON Schema of a manifest of this version: the same text on every machine."""
    schema = Manifest.model_json_schema()
    schema = {"$schema": JSON_SCHEMA_DIALECT, "$id": f"ablatrix/manifest-{MANIFEST_VERSION}", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _pieces(path: Path) -> Iterator[bytes]:
    with open_regular(path) as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece
