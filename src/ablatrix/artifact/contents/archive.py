"""Packing an artifact into one zip, with the same bytes for the same files, and unpacking it.

Members are stored, not compressed: the output of a compressor differs between its versions, and the archive must be
the same everywhere. They are sorted, and have one date and one mode; all are in one folder, which has the artifact's
name.
"""

import io
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from ablatrix.artifact.contents.manifest import list_files
from ablatrix.artifact.contents.names import SIGNATURE_NAME
from ablatrix.errors import ArtifactError
from ablatrix.records.archives import DAMAGES, open_archive
from ablatrix.records.names import MANIFEST_NAME

EPOCH = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644


def archive_path(directory: Path) -> Path:
    """Return the path of an artifact's archive, which is next to its directory."""
    directory = directory.resolve()
    return directory.with_name(directory.name + ".zip")


def write_archive(directory: Path, target: Path, folder: str) -> Path:
    """Write the archive of a directory; the run's working files (`WORK_NAME`) are omitted.

    Args:
        directory: The artifact.
        target: The archive's file; it is replaced once the new archive is complete.
        folder: Name of the folder that the archive unpacks to.

    Raises:
        ArtifactError: It cannot be written.
    """
    draft = target.with_name(target.name + ".draft")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, strict_timestamps=True) as archive:
            signature = [SIGNATURE_NAME] if (directory / SIGNATURE_NAME).exists() else []
            for name in [*list_files(directory)[0], MANIFEST_NAME, *signature]:
                entry = zipfile.ZipInfo(f"{folder}/{name}", EPOCH)
                entry.external_attr = MODE << 16
                entry.create_system = 3  # Unix, wherever it is written
                entry.file_size = (directory / name).stat().st_size  # decides about the 64-bit fields
                with (directory / name).open("rb") as source, archive.open(entry, "w") as sink:
                    shutil.copyfileobj(source, sink)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ArtifactError(f"{target}: the archive cannot be written: {error.strerror}") from error
    return target


def unpack_archive(source: Path, target: Path) -> Path:
    """Unpack an archive into an empty directory and return the one folder that it contains.

    Raises:
        ArtifactError: It is not a zip, is damaged, or contains something other than plain files in one folder.
    """
    try:
        with open_archive(source) as archive:
            names = [entry.filename for entry in archive.infolist()]
            folders = {PurePosixPath(name).parts[0] for name in names if PurePosixPath(name).parts}
            odd = [name for name in names if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name]
            if len(folders) != 1 or odd or len(set(names)) != len(names):
                raise ArtifactError(f"it must contain plain files of one folder, each once; it has {names[:3]} ...")
            archive.extractall(target)
    except DAMAGES as error:
        raise ArtifactError(f"not an archive that can be unpacked: {error}") from error
    return target / folders.pop()


def is_archive_of(source: Path, directory: Path, folder: str) -> bool:
    """Return whether an archive has exactly the bytes of a new archive of a directory's files."""
    made = write_archive(directory, directory.parent / "again.zip", folder)
    with source.open("rb") as one, made.open("rb") as other:
        while True:
            piece, right = one.read(io.DEFAULT_BUFFER_SIZE * 64), other.read(io.DEFAULT_BUFFER_SIZE * 64)
            if piece != right:
                return False
            if not piece:
                return True
