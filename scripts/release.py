"""The version in every place where it stands, and what a wheel and a source distribution must hold.

    python scripts/release.py set VERSION             write the version and today's date into every place
    python scripts/release.py check VERSION           fail unless every place has this version
    python scripts/release.py agree                   fail unless every place has the version of the code
    python scripts/release.py contents DIST VERSION   fail unless DIST has a whole wheel and source distribution

Called by scripts/release.sh. Exit codes: 0 good; 1 something does not hold, with a line on stderr for each fault.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from packaging.metadata import InvalidMetadata, Metadata

from ablatrix.version import __version__

ROOT = Path(__file__).parents[1]
PLACES = {
    "src/ablatrix/version.py": re.compile(r'(?m)^__version__ = "(?P<version>.*)"$'),
    "CITATION.cff": re.compile(r"(?m)^version: (?P<version>.*)$"),
}
CHANGELOG = "CHANGELOG.md"
UNRELEASED = "## [Unreleased]\n"
HEADING = re.compile(r"(?m)^## \[(?P<version>\d[^\]]*)\] - (?P<date>\d{4}-\d\d-\d\d)$")
SOURCE_ONLY = ("CHANGELOG.md", "LICENSE", "pyproject.toml", "requirements.lock", "docs/README.md", "tests/conftest.py")


def set_version(root: Path, version: str, date: str) -> None:
    """Write a version into every place; the changelog gets a heading with the date below the unreleased one.

    Nothing changes where the version stands already.
    """
    for name, pattern in PLACES.items():
        text = (root / name).read_text(encoding="utf-8")
        (root / name).write_text(pattern.sub(lambda found: _with(found, version), text), encoding="utf-8")
    file = root / CHANGELOG
    text = file.read_text(encoding="utf-8")
    if version not in [found["version"] for found in HEADING.finditer(text)]:
        file.write_text(text.replace(UNRELEASED, f"{UNRELEASED}\n## [{version}] - {date}\n", 1), encoding="utf-8")


def check_version(root: Path, version: str, *, released: bool = True) -> list[str]:
    """Return a line for each place that has another version, or none.

    Args:
        root: The checkout.
        version: What every place must have.
        released: Whether the newest dated heading of the changelog must have it, too.
    """
    faults = []
    for name, pattern in PLACES.items():
        found = pattern.search((root / name).read_text(encoding="utf-8"))
        if found is None or found["version"] != version:
            faults.append(f"{name}: has version {found and found['version']}, not {version}")
    heading = HEADING.search((root / CHANGELOG).read_text(encoding="utf-8"))
    if released and (heading is None or heading["version"] != version):
        faults.append(f"{CHANGELOG}: its newest dated heading is of {heading and heading['version']}, not {version}")
    return faults


def check_contents(root: Path, dist: Path, version: str) -> list[str]:
    """Return a line for each fault of the one wheel and the one source distribution in a directory.

    Both must hold every file of the package that git knows, and the wheel's metadata must be valid.
    """
    wheel, source = dist / f"ablatrix-{version}-py3-none-any.whl", dist / f"ablatrix-{version}.tar.gz"
    missing = [f"{file}: was not built" for file in (wheel, source) if not file.is_file()]
    if missing:
        return missing
    listed = subprocess.run(["git", "ls-files", "src"], cwd=root, check=True, capture_output=True, text=True)
    tracked = listed.stdout.splitlines()
    faults = []
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        wanted = {name.removeprefix("src/") for name in tracked}
        faults += [f"{wheel.name}: lacks {name}" for name in sorted(wanted - held)]
        faults += [f"{wheel.name}: must not hold {name}" for name in sorted(held) if not _belongs(name)]
        metadata = archive.read(f"ablatrix-{version}.dist-info/METADATA")
    try:
        if str(Metadata.from_email(metadata).version) != version:
            faults.append(f"{wheel.name}: its metadata has another version")
    except ExceptionGroup as group:
        faults += [f"{wheel.name}: {error}" for error in group.exceptions if isinstance(error, InvalidMetadata)]
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    faults += [f"{source.name}: lacks {name}" for name in sorted({*tracked, *SOURCE_ONLY} - held)]
    return faults


def _with(found: re.Match[str], version: str) -> str:
    start, end = found.span("version")
    return found[0][: start - found.start()] + version + found[0][end - found.start() :]


def _belongs(name: str) -> bool:
    return name.startswith(("ablatrix/", "ablatrix-")) and not name.endswith((".pyc", "~"))


def main(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit code."""
    match arguments:
        case ["set", version]:
            set_version(ROOT, version, f"{datetime.now(UTC):%Y-%m-%d}")
            faults = check_version(ROOT, version)
        case ["check", version]:
            faults = check_version(ROOT, version)
        case ["agree"]:
            faults = check_version(ROOT, __version__, released=False)
        case ["contents", dist, version]:
            faults = check_contents(ROOT, Path(dist), version)
        case _:
            faults = [str(__doc__)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
