"""A commit of a repository, checked out on its own: by git, from a mirror that is kept beside the builds."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ablatrix.builds.commands import Workshop
from ablatrix.builds.spec import GitSource
from ablatrix.canonical import content_id
from ablatrix.errors import BuildError


def find_commit(name: str, git: GitSource, directory: Path, base: Path, *, offline: bool) -> tuple[Path, str]:
    """Return the mirror of a repository and the commit that a name means in it.

    A commit that the mirror has is taken from it. Any other name is looked up anew, but where that must not be.

    Args:
        name: Of the build, for messages.
        git: The repository and the commit's name.
        directory: Where mirrors are kept.
        base: Directory that relative paths start from.
        offline: Whether nothing may be fetched; a directory on this machine is read all the same.

    Raises:
        BuildError: There is no git, no such repository or no such commit.
    """
    repository = _located(git.repository, base)
    mirror = directory / "repositories" / f"{content_id(repository)}.git"
    mirror.parent.mkdir(parents=True, exist_ok=True)
    may_fetch = not offline or "://" not in repository
    with mirror.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (mirror / "HEAD").exists():
            held = _resolve(mirror, git.commit)
            if held is not None and (held.startswith(git.commit) or not may_fetch):
                return mirror, held
            if may_fetch:
                _git(name, git, ["--git-dir", str(mirror), "fetch", "--quiet", "--prune", "origin"])
        elif may_fetch:
            _git(name, git, ["clone", "--quiet", "--mirror", repository, str(mirror)])
        found = _resolve(mirror, git.commit)
    if found is None:
        far = "" if may_fetch else " in what was fetched before, and nothing is fetched now"
        raise BuildError(f"build '{name}': repository {git.repository} has no commit '{git.commit}'{far}; name another")
    return mirror, found


def check_out(workshop: Workshop, mirror: Path, commit: str, source: Path) -> None:
    """Check a commit out into a new directory, with its submodules.

    Raises:
        BuildFailedError: git failed, as on a submodule that it cannot fetch.
    """
    origin = subprocess.run(
        ["git", "--git-dir", str(mirror), "config", "remote.origin.url"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(os.environ),
    ).stdout.strip()
    parent = source.parent
    workshop.run(
        ["git", "clone", "--quiet", "--no-checkout", "--shared", str(mirror), str(source)], parent, "git clone"
    )
    # Submodules with relative addresses are found from where the repository really is.
    workshop.run(["git", "remote", "set-url", "origin", origin], source, "git remote")
    workshop.run(["git", "checkout", "--quiet", "--detach", commit], source, f"git checkout {commit[:12]}")
    if (source / ".gitmodules").exists():
        words = ["git", "submodule", "--quiet", "update", "--init", "--recursive"]
        workshop.run(words, source, "git submodule update")


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which git asks nobody, and looks at no repository but the one it is pointed to."""
    kept = {name: value for name, value in variables.items() if not name.startswith("GIT_")}
    return kept | {"GIT_TERMINAL_PROMPT": "0"}


def _located(repository: str, base: Path) -> str:
    path = base / repository
    return str(path.resolve()) if path.exists() else repository


def _resolve(mirror: Path, commit: str) -> str | None:
    words = ["git", "--git-dir", str(mirror), "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=clean_environment(os.environ))
    return done.stdout.strip() or None


def _git(name: str, git: GitSource, words: list[str]) -> None:
    try:
        done = subprocess.run(
            ["git", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=clean_environment(os.environ),
        )
    except OSError as error:
        raise BuildError(f"build '{name}': git cannot be started: {error.strerror}; install it") from None
    if done.returncode:
        last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise BuildError(f"build '{name}': repository {git.repository} cannot be read: {last}; give a path or URL")
