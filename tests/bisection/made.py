"""A repository whose commits are a compiler, a program on the pipe, and the study of its first and last commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.builds.sources import make_repository

PROGRAM = (Path(__file__).parents[2] / "examples" / "command" / "numpy_compiler.py").read_text()
RELU = "numpy.maximum({0}, 0, out={out})"
assert RELU in PROGRAM
WRONG = PROGRAM.replace(RELU, "numpy.maximum({0}, 0.5, out={out})")
WORK = '        RESULTS[request["set"]] = function(values)\n'
assert WORK in PROGRAM
SLOW = PROGRAM.replace(WORK, WORK * 2)
BUILD = "grep -q good state && cp source.py compiler.py"
LIBRARY = "grep -q bare state || mkdir library"
HOT = {"rounds": 6, "burst_ms": 1, "warm_up_ms": 1, "timeout_s": 120}


@dataclass(frozen=True)
class Made:
    """What a bisection is made with.

    Attributes:
        study: The study file.
        commits: Ids of the commits, the good one first.
        builds: A file that gets a line for each build that is made.
    """

    study: Path
    commits: tuple[str, ...]
    builds: Path


def make_bisection(directory: Path, files: Sequence[Mapping[str, str]], modes: list[str]) -> Made:
    """Make a repository with a commit for each set of files, and a study of its ends.

    Args:
        directory: An empty directory.
        files: ``source.py`` is the program; the build fails unless ``state`` says good, and has
            the directory of its ``pythonpath`` unless it says bare.
        modes: Of the study.
    """
    commits = make_repository(directory / "compiler", files)
    built = directory / "built.txt"
    git = {"repository": "compiler", "build": [f"echo made >> {built}", BUILD, LIBRARY], "pythonpath": ["library"]}
    builds = {
        name: {"git": {**git, "commit": commit}, "command": ["python3", "{source}/compiler.py"]}
        for name, commit in (("good", commits[0]), ("bad", "main"))
    }
    study = {
        "name": "bisected",
        "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
        "builds": builds,
        "compilers": [{"name": "mine", "command": ["python3", "first.py"], "builds": ["good", "bad"]}],
        "modes": modes,
        "stages": [{"name": "builds", "factorial": {"build": ["good", "bad"]}}],
        "checks": {"input_sets": 1},
        "protocol": {"repeats": 0, "threads": 1, "cold": {"replicates": 1, "timeout_s": 120}, "hot": HOT},
    }
    (directory / "first.py").write_text(files[0]["source.py"])
    file = directory / "study.yaml"
    file.write_text(json.dumps(study, indent=1))  # YAML, too
    return Made(file, tuple(commits), built)
