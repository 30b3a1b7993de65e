"""The runner's side of fork servers and workers."""

from ablatrix.trials.client.client import Worker, WorkloadServer
from ablatrix.trials.client.servers import Servers

__all__ = [
    "Servers",
    "Worker",
    "WorkloadServer",
]
