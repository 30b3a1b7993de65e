"""New interpreters instead of forks, where a fork is not safe.

Two kinds are started, both on a channel that the runner made: a worker that imports its compiler and loads its
program by itself and then does the same work, and a server for one workload that holds nothing and starts such
workers. Both are children of the fork server that starts them, so that pausing, ending and cleaning up are the same.
What they do is defined in ``spawned``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ablatrix.interpreter import interpreter
from ablatrix.trials.messages import encode

if TYPE_CHECKING:
    from ablatrix.trials.messages import SpawnOrder

CHANNEL, ORDER = 3, 4
"""Descriptors of the new interpreter: its end of the channel, and the file with its order."""


def spawn(
    order: SpawnOrder, channel: int, log: int | None, *, own_group: bool, environment: Mapping[str, str] | None = None
) -> int:
    """Start a new interpreter that follows an order, and return its process id.

    ``posix_spawn`` and not ``subprocess``: the latter reaps children whose status the fork server waits for.

    Args:
        order: What it is to do.
        channel: Descriptor of the worker's end of its channel.
        log: Descriptor of the file that gets what it prints; None: where this process prints.
        own_group: Give it a process group of its own, as every worker has one.
        environment: Environment variables besides those of this process, which it has from its first instruction on.
    """
    order_file = os.memfd_create("order")
    try:
        os.write(order_file, encode(order))
        # Far from the targets first: a descriptor may have the number of one of them.
        wanted = {CHANNEL: channel, ORDER: order_file, **({} if log is None else {1: log, 2: log})}
        far = {target: 200 + index for index, target in enumerate(wanted)}
        actions = [(os.POSIX_SPAWN_DUP2, source, far[target]) for target, source in wanted.items()]
        actions += [(os.POSIX_SPAWN_DUP2, far[target], target) for target in wanted]
        command = interpreter("-u", "-m", "ablatrix.trials.fork_server.spawned", str(os.getpid()))
        group = 0 if own_group else os.getpgrp()
        variables = {**os.environ, **(environment or {})}
        return os.posix_spawn(command[0], command, variables, file_actions=actions, setpgroup=group)
    finally:
        os.close(order_file)
