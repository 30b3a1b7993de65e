"""One zip of an artifact: the same bytes for the same files, and back.

Members are stored, not compressed: what a compressor makes of a file differs between its versions, and the archive is
to be the same everywhere. They are sorted, and have one date and one mode; all lie in one folder, which has the
artifact's name.
"""

import io
import shutil
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ablatrix.artifact.contents.manifest import MANIFEST_NAME, list_files
from ablatrix.errors import ArtifactError

EPOCH = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644
DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError)
"""What `zipfile` raises on archives that are none; an unknown compression or encryption is a `RuntimeError`."""


def archive_path(directory: Path) -> Path:
    """Return where the archive of an artifact lies: beside it."""
    directory = directory.resolve()
    return directory.with_name(directory.name + ".zip")


def write_archive(directory: Path, target: Path, folder: str) -> Path:
    """Write the archive of a directory; the files of the run's own (`WORK_NAME`) are left out.

    Args:
        directory: The artifact.
        target: The archive's file; it is replaced when it is whole.
        folder: Name of the folder that the archive unpacks to.

    Raises:
        ArtifactError: It cannot be written.
    """
    draft = target.with_name(target.name + ".draft")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, strict_timestamps=True) as archive:
            for name in [*list_files(directory)[0], MANIFEST_NAME]:
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


def unpack_archive(source: Path, place: Path) -> Path:
    """Unpack an archive into an empty directory and return the one folder that it holds.

    Raises:
        ArtifactError: It is no zip, is damaged, or holds something else than plain files in one folder.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            names = [entry.filename for entry in archive.infolist()]
            folders = {PurePosixPath(name).parts[0] for name in names if PurePosixPath(name).parts}
            odd = [name for name in names if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name]
            if len(folders) != 1 or odd or len(set(names)) != len(names):
                raise ArtifactError(f"it must hold plain files of one folder, each once; it has {names[:3]} ...")
            archive.extractall(place)
    except DAMAGES as error:
        raise ArtifactError(f"not an archive that can be unpacked: {error}") from error
    return place / folders.pop()


def is_archive_of(source: Path, directory: Path, folder: str) -> bool:
    """Return whether an archive has the very bytes that the files of a directory give."""
    made = write_archive(directory, directory.parent / "again.zip", folder)
    with source.open("rb") as one, made.open("rb") as other:
        while True:
            piece, right = one.read(io.DEFAULT_BUFFER_SIZE * 64), other.read(io.DEFAULT_BUFFER_SIZE * 64)
            if piece != right:
                return False
            if not piece:
                return True
