"""The commands that the documents of an artifact ask a third party to type, each defined once."""

import re
import shlex

from ablatrix.artifact.documents.facts import Facts
from ablatrix.records.names import LOCK_NAME, RECORDS_NAME

VENV = "../ablatrix-venv"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
TINY = ("ablatrix doctor", "ablatrix verify .", "ablatrix reproduce . --study tiny --out ../tiny-again")


def installation(facts: Facts) -> tuple[str, ...]:
    """Return the commands that install the versions of the lock, run in the artifact's folder."""
    pip = f"{VENV}/bin/pip install"
    return (
        f"python3 -m venv {VENV}",
        f"{pip} -r {LOCK_NAME}",
        f"{pip} --no-deps --no-build-isolation {facts.source_path}",
        f". {VENV}/bin/activate",
    )


def full(facts: Facts) -> tuple[str, ...]:
    """Return the commands that run the whole study again and hold it against this one, by its claims if it has any."""
    if facts.claims:
        return ("ablatrix reproduce . --out ../again",)
    return ("ablatrix run study.yaml --out ../again", f"ablatrix compare {RECORDS_NAME} ../again/{RECORDS_NAME}")


def about_torch(facts: Facts) -> str:
    """Return advice on installing torch; empty if the recorded build is the one on PyPI."""
    if not facts.versions.get("torch", "").endswith("+cpu"):
        return ""
    return (
        "PyPI's torch for Linux brings several gigabytes of CUDA along. To install the CPU build that was recorded: "
        f"`export PIP_EXTRA_INDEX_URL={CPU_INDEX}` before the second command. "
    )


def of_claims(workload: str | None, modes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commands that rerun what claims about a workload in some modes need, and check the claims."""
    only = f" --only mode={modes[0]}" if len(modes) == 1 else ""
    only += f" --only {shlex.quote(f'workload={workload}')}" if workload else ""  # a variant has brackets in its name
    named = [re.sub(r"[^\w.=-]+", "-", workload).strip("-")] if workload else []
    out = "-".join(["../again", *named, *modes])
    return (f"ablatrix run study.yaml --out {out}{only}", f"ablatrix claims {out} --claims claims.yaml")
