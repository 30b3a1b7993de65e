"""What is known of a study's workloads: those of a registry, and its user's own models."""

from ablatrix.study.model import Study, WorkloadChoice
from ablatrix.workloads.registry import WorkloadEntry, get_workload
from ablatrix.workloads.source import read_source


def get_entry(study: Study, name: str) -> WorkloadEntry:
    """Return what is known of one workload of a study.

    Raises:
        WorkloadError: It is in no registry, or its source cannot be read.
    """
    return read_choice(study, next(choice for choice in study.workloads if choice.name == name))


def read_choice(study: Study, choice: WorkloadChoice) -> WorkloadEntry:
    """Return what is known of one choice.

    Raises:
        WorkloadError: As ``get_entry``.
    """
    if choice.source is None:
        return get_workload(choice.name)
    return read_source(
        choice.name, choice.source, choice.parameters, study.directory, choice.tier, choice.dynamic or ()
    )
