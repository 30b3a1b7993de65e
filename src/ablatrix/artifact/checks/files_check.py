"""Have the files of a bundle the digests of its manifest, and are there no others?"""

from pathlib import Path

from ablatrix.artifact.contents import FileEntry, Manifest, Problem, list_files, read_entry


def check_files(directory: Path, manifest: Manifest) -> list[Problem]:
    """Compare the files with the manifest, by name; a renamed file is reported as such."""
    paths, problems = list_files(directory)
    listed = {entry.path: entry for entry in manifest.files}
    found: dict[str, FileEntry] = {}
    for path in paths:
        try:
            found[path] = read_entry(directory, path)
        except OSError as error:
            problems.append(Problem(path, "unreadable", f"cannot be read: {error.strerror}"))
    odd = {problem.path for problem in problems}
    name_of = {entry.sha256: entry.path for entry in manifest.files}
    for path in sorted(set(paths) - set(listed)):
        origin = name_of.get(found[path].sha256) if path in found else None
        like = f"; its content is that of {origin}" if origin else ""
        problems.append(Problem(path, "extra", f"the manifest does not list it{like}"))
    for path, entry in listed.items():
        if path in found:
            problems += _compare(entry, found[path], name_of)
        elif path not in odd:
            what = "a directory has its name" if (directory / path).is_dir() else "the manifest lists it"
            problems.append(Problem(path, "missing", what))
    return problems


def _compare(entry: FileEntry, found: FileEntry, name_of: dict[str, str]) -> list[Problem]:
    if entry.role != found.role:
        detail = f"role is {entry.role!r} in the manifest, but {found.role!r} by the file's path"
        return [Problem(entry.path, "invalid", detail)]
    if (entry.bytes, entry.sha256) == (found.bytes, found.sha256):
        return []
    origin = name_of.get(found.sha256)
    like = f"; its content is that of {origin}" if origin else ""
    detail = (
        f"{found.bytes} bytes with SHA-256 {found.sha256[:16]}, "
        f"the manifest has {entry.bytes} with {entry.sha256[:16]}{like}"
    )
    return [Problem(entry.path, "changed", detail)]
