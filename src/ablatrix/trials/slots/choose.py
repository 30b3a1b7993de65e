"""From what a command line says to the hosts of a cluster."""

from __future__ import annotations

from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.trials.slots.jobs_field import JobsField
from ablatrix.trials.slots.ray_field import RayField
from ablatrix.trials.slots.site import Field

LOCAL = "local"
FORMS = "local; ray or ray://HEAD:PORT; slurm:JOBS or slurm:JOBS,slurm_partition=NAME,...; jobs:N (processes here)"


def choose_field(text: str, directory: Path) -> Field | None:
    """Return the cluster that a text names; None for ``local``, this host alone.

    Args:
        text: In one of the forms of ``FORMS``.
        directory: Below the results, for what jobs and the run tell each other.

    Raises:
        TrialError: It is in none of them.
    """
    kind, _, rest = text.partition(":")
    if text == LOCAL:
        return None
    if kind == "ray":
        return RayField(rest.removeprefix("//"))
    if kind in ("slurm", "jobs"):
        count, *options = rest.split(",")
        named = dict(one.partition("=")[::2] for one in options)
        if count.isdigit() and int(count) > 0 and all(named.values()):
            return JobsField("slurm" if kind == "slurm" else "local", int(count), directory, named)
    raise TrialError(f"--slots {text}: must be one of: {FORMS}")
