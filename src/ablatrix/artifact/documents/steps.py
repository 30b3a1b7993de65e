"""The commands that the documents of an artifact ask a third party to type, each defined once."""

import re

from ablatrix.artifact.documents.facts import Facts
from ablatrix.foreign_text import shell_word
from ablatrix.records.names import LOCK_NAME, RECORDS_NAME

VENV = "../ablatrix-venv"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_PATH = re.compile(r"[^A-Za-z0-9._-]+")
TINY = ("ablatrix doctor", "ablatrix verify .", "ablatrix reproduce . --study tiny --out ../tiny-again")


def installation(facts: Facts) -> tuple[str, ...]:
    """Return the commands that install the versions of the lock, run in the artifact's folder."""
    pip = f"{VENV}/bin/pip install"
    return (
        f"python3 -m venv {VENV}",
        f"{pip} -r {LOCK_NAME}",
        f"{pip} --no-deps --no-build-isolation {shell_word(facts.source_path)}",
        f". {VENV}/bin/activate",
    )


def without_network() -> tuple[str, ...]:
    """Return the commands that make a file tree with everything in it, and kick the tires in it."""
    return (
        "sh container/base.sh ../base.tar",
        "sudo sh container/tree.sh ../base.tar ../*-wheels ../tree",
        "sudo sh container/tires.sh ../tree",
    )


def full(facts: Facts) -> tuple[str, ...]:
    """Return the commands that run the whole study again and hold it against this one, by its claims if it has any."""
    if facts.claims:
        return ("ablatrix reproduce . --out ../again",)
    return ("ablatrix run study.yaml --out ../again", f"ablatrix compare {RECORDS_NAME} ../again/{RECORDS_NAME}")


def about_torch(facts: Facts) -> str:
    """Return advice on installing torch; empty if the recorded build is the one on PyPI."""
    if not facts.trials.versions.get("torch", "").endswith("+cpu"):
        return ""
    return (
        "PyPI's build of torch for Linux comes with several gigabytes of CUDA libraries. To install the recorded CPU "
        f"build instead, run `export PIP_EXTRA_INDEX_URL={CPU_INDEX}` before the second command. "
    )


def of_claims(workload: str | None, modes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commands that rerun what claims about a workload in some modes need, and check the claims."""
    only = f" --only mode={modes[0]}" if len(modes) == 1 else ""
    only += f" --only {shell_word(f'workload={workload}')}" if workload else ""
    # A name is part of a path here: what would leave the folder is not in it, nor are the brackets of a variant.
    named = [_PATH.sub("-", workload).strip("-")] if workload else []
    out = shell_word("-".join(["../again", *named, *modes]))
    return (f"ablatrix run study.yaml --out {out}{only}", f"ablatrix claims {out} --claims claims.yaml")
