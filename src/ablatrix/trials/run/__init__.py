"""Running a study: blocks, preparation, stopping."""

from ablatrix.trials.run.block import BlockInput
from ablatrix.trials.run.foreground import rerun
from ablatrix.trials.run.host_check import check_hosts
from ablatrix.trials.run.noise_floor import measure_noise_floor
from ablatrix.trials.run.paired_profiles import PairedProfiles, look_at_kernels, run_filled, run_profiled
from ablatrix.trials.run.pass_list import PassList, list_passes, list_passes_of
from ablatrix.trials.run.plain_use import use_plainly_on_all
from ablatrix.trials.run.preparation import Preparation
from ablatrix.trials.run.runner import RunSummary, run, run_to_end
from ablatrix.trials.run.seat import HostReport
from ablatrix.trials.run.selection import parse_conditions, select

__all__ = [
    "BlockInput",
    "HostReport",
    "PairedProfiles",
    "PassList",
    "Preparation",
    "RunSummary",
    "check_hosts",
    "list_passes",
    "list_passes_of",
    "look_at_kernels",
    "measure_noise_floor",
    "parse_conditions",
    "rerun",
    "run",
    "run_filled",
    "run_profiled",
    "run_to_end",
    "select",
    "use_plainly_on_all",
]
