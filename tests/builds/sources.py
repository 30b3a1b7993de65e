"""Small things that builds are made of: a wheel of one module, and a repository of several commits."""

import base64
import hashlib
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def make_wheel(directory: Path, name: str, version: str, source: str, module: str | None = None) -> Path:
    """Return a wheel whose one module, of its name or another, has this source."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{module or name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    wheel = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


def make_repository(directory: Path, commits: Sequence[Mapping[str, str]]) -> list[str]:
    """Make a repository with a commit for each set of files (path -> text), and return the commits."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    found = []
    for number, files in enumerate(commits):
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
        git(directory, "add", "--all")
        git(directory, "commit", "--quiet", "--message", f"change {number}")
        found.append(git(directory, "rev-parse", "HEAD"))
    return found


def git(directory: Path, *words: str) -> str:
    """Run git in a directory as somebody, and return what it prints."""
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, "-C", str(directory), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
