"""The runner's side of fork servers and workers."""

from ablatrix.trials.client.client import Worker, WorkloadServer
from ablatrix.trials.client.kept_servers import KeptServers
from ablatrix.trials.client.replies import ProgramLoadError
from ablatrix.trials.client.servers import BuildServerError, Loaded, Servers
from ablatrix.trials.client.sides import Gaps, Side, Sides

__all__ = [
    "BuildServerError",
    "Gaps",
    "KeptServers",
    "Loaded",
    "ProgramLoadError",
    "Servers",
    "Side",
    "Sides",
    "Worker",
    "WorkloadServer",
]
