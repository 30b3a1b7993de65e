"""The line of commits from the good one to the bad one, as git has it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablatrix.bisection.question import Settled
from ablatrix.builds import find_commit
from ablatrix.errors import StudyError

FIELD = "\x1f"


@dataclass(frozen=True)
class Commit:
    """A commit.

    Attributes:
        sha: Its full id.
        subject: First line of its message.
        parents: How many parents it has; with several it is a merge.
    """

    sha: str
    subject: str
    parents: int

    @property
    def name(self) -> str:
        """Its short id."""
        return self.sha[:12]


def read_line(settled: Settled, builds: Path) -> tuple[Commit, ...]:
    """Return the commits from the good one to the bad one, by first parents: what was merged counts as its merge.

    Args:
        settled: What is asked.
        builds: Where builds, and copies of their repositories, are kept.

    Raises:
        BuildError: The repository cannot be read, or has no such commit.
        StudyError: The good commit is not behind the bad one.
    """
    ends = []
    for name, spec in ((settled.good, settled.good_spec), (settled.bad, settled.bad_spec)):
        assert spec.git is not None
        ends.append(find_commit(name, spec.git, builds, settled.study.directory, offline=False))
    (_, good), (mirror, bad) = ends
    if good == bad or not _succeeds(mirror, "merge-base", "--is-ancestor", good, bad):
        raise StudyError(
            f"build '{settled.good}' is commit {good[:12]} and '{settled.bad}' is {bad[:12]}: the good commit has "
            "to come before the bad one in its history; exchange them, or take their common ancestor (git merge-base)"
        )
    listed = _git(mirror, "rev-list", "--first-parent", "--reverse", f"{good}..{bad}").split()
    return tuple(_commit(mirror, sha) for sha in (good, *listed))


def _commit(mirror: Path, sha: str) -> Commit:
    subject, parents = _git(mirror, "show", "--no-patch", f"--format=%s{FIELD}%P", sha).rstrip("\n").rsplit(FIELD, 1)
    return Commit(sha, subject, len(parents.split()))


def _succeeds(mirror: Path, *words: str) -> bool:
    return _run(mirror, words).returncode == 0


def _git(mirror: Path, *words: str) -> str:
    done = _run(mirror, words)
    if done.returncode:
        said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise StudyError(
            f"{mirror}: git {words[0]} failed: {said}; delete this copy of the repository to fetch it anew"
        )
    return done.stdout


def _run(mirror: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "--git-dir", str(mirror), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=variables,
    )
