"""The lock of one study: of the exact versions that ablatrix is tested with, those that the study needs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "ablatrix"
TINY = ("workloads", "tvm")
"""Extras of ablatrix that the tiny study of every artifact needs."""
MODELS = {".onnx": "onnxruntime"}
"""Extra that a model file needs, by its suffix, whichever compiler it is for."""
BUILDS = ("setuptools",)  # the source of ablatrix is built without fetching anything
LINE = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==")
HEAD = """\
# Exact versions of what this study needs: a part of the lock that ablatrix {version} is tested with.
# Extras of ablatrix that are in it: {extras}.
"""
OF_PLUGINS = "# For the plug-ins of this study:"

Node = tuple[str, str]
"""Canonical name of a package, and one of its extras or nothing."""


def study_lock(lock: str, compilers: Collection[str], companions: Collection[str], packages: Mapping[str, str]) -> str:
    """Return the lock of a study: the lines of the whole one that it needs, and those of its plug-ins.

    What a package needs is asked of the metadata of what is installed here.

    Args:
        lock: The whole lock, as pip reads it.
        compilers: Those of the study; those that are extras of ablatrix bring their packages.
        companions: Paths of the user's models and plug-ins.
        packages: What the plug-ins need: name -> version.

    Returns:
        The whole lock where a package is not installed here, since what that needs is then not known.
    """
    of_models = {MODELS[suffix] for suffix in MODELS if any(name.lower().endswith(suffix) for name in companions)}
    offered = set(metadata.metadata(ROOT).get_all("Provides-Extra") or ())
    chosen = sorted(offered & {*compilers, *TINY, *of_models})
    known = _locked(lock)
    start = [*BUILDS, *(_name(one) for one in packages if _name(one) in known)]
    try:
        needed = set(_needed([*((ROOT, one) for one in ("", *chosen)), *((one, "") for one in start)]))
    except metadata.PackageNotFoundError:
        text = lock
    else:
        lines = [line for line in lock.splitlines() if (found := LINE.match(line)) and _name(found["name"]) in needed]
        text = HEAD.format(version=metadata.version(ROOT), extras=", ".join(chosen)) + "\n".join([*lines, ""])
    further = [f"{name}=={at}" for name, at in sorted(packages.items()) if _name(name) not in {*_locked(text), ROOT}]
    return text + ("\n".join([OF_PLUGINS, *further, ""]) if further else "")


def _locked(lock: str) -> frozenset[str]:
    return frozenset(_name(found["name"]) for line in lock.splitlines() if (found := LINE.match(line)))


def _needed(start: Collection[Node]) -> Iterator[str]:
    """Yield the canonical names of packages and of all that they need on this system.

    Raises:
        PackageNotFoundError: One of them is not installed.
    """
    seen: set[Node] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        name, extra = node
        yield name
        for text in metadata.requires(name) or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                waiting += [(_name(one.name), further) for further in ("", *sorted(one.extras))]


def _name(name: str) -> str:
    return str(canonicalize_name(name))
