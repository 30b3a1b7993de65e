"""Readings of the machine and of processes, and limits of a process. Independent of the messages of trials."""

from ablatrix.trials.host.environment import (
    NoiseProbe,
    ProcessProbe,
    crowding_text,
    environment_variables,
    place_runs,
    utc_now,
)
from ablatrix.trials.host.gpu import SPACING_S, GpuWatch
from ablatrix.trials.host.limits import (
    PLACE_EXIT,
    Ending,
    describe_ending,
    describe_exception,
    is_of_place,
    max_live_workers,
    set_limits,
)
from ablatrix.trials.host.linux import (
    DEAD,
    STOPPED,
    adopt_orphans,
    children_of,
    descendants_of,
    die_with_parent,
    is_dead,
    is_stopped,
    keep_freed_memory,
    state_of,
    thread_names,
    threads_of,
)
from ablatrix.trials.host.memory import PROCESS, PeakMeter, group_bytes_above
from ablatrix.trials.host.memory_speed import measure_memory_speed

__all__ = [
    "DEAD",
    "PLACE_EXIT",
    "PROCESS",
    "SPACING_S",
    "STOPPED",
    "Ending",
    "GpuWatch",
    "NoiseProbe",
    "PeakMeter",
    "ProcessProbe",
    "adopt_orphans",
    "children_of",
    "crowding_text",
    "descendants_of",
    "describe_ending",
    "describe_exception",
    "die_with_parent",
    "environment_variables",
    "group_bytes_above",
    "is_dead",
    "is_of_place",
    "is_stopped",
    "keep_freed_memory",
    "max_live_workers",
    "measure_memory_speed",
    "place_runs",
    "set_limits",
    "state_of",
    "thread_names",
    "threads_of",
    "utc_now",
]
