"""The work of a new interpreter that is started instead of a fork: a worker's task, or serving one workload."""

from __future__ import annotations

import os
import random
import socket
import sys
from typing import TYPE_CHECKING

from ablatrix.trials.fork_server.child import clean_descriptors, import_compiler, loading, reset_signals
from ablatrix.trials.fork_server.padding import run_padded
from ablatrix.trials.fork_server.serve import Holdings, ignore_key_presses, serve
from ablatrix.trials.fork_server.spawn import CHANNEL, ORDER
from ablatrix.trials.host import adopt_orphans, die_with_parent
from ablatrix.trials.messages import (
    SPAWN_ORDER,
    Channel,
    Serving,
    SpawnedServer,
    SpawnedWorker,
    decode,
    padding_of,
    trial_of,
)

if TYPE_CHECKING:
    from ablatrix.compilers.adapter import Compiler
    from ablatrix.workloads.program import Program


def main(parent: int) -> None:
    """Follow the order that is read from a descriptor."""
    die_with_parent(parent)
    with os.fdopen(os.dup(ORDER), "rb") as stream:
        stream.seek(0)
        order = decode(stream.read(), SPAWN_ORDER)
    channel = Channel(socket.socket(fileno=clean_descriptors([CHANNEL])[0]))
    if isinstance(order, SpawnedServer):
        _serve(channel, order)
    else:
        _work(channel, order)


def _serve(channel: Channel, order: SpawnedServer) -> None:
    """Serve one workload; every worker is spawned, since no fork would have what it needs."""
    adopt_orphans()
    ignore_key_presses()
    channel.send(Serving(threads=()))
    serve(channel, Holdings(directory=order.directory, hazard=order.hazard))


def _work(channel: Channel, order: SpawnedWorker) -> None:
    """Do a worker's work in this interpreter."""
    from ablatrix.trials.worker import work

    def load() -> tuple[Compiler | None, Program | None]:
        with loading():
            import torch

            from ablatrix.workloads.prepare import load_program

            torch.set_num_threads(1)  # as in a fork server, until the compiler sets its threads
            trial = trial_of(order.task)
            compiler = None if trial is None else import_compiler(trial.entry)
            program = None if order.directory is None else load_program(order.directory)
        return compiler, program

    reset_signals()
    random.seed(order.task.seed)
    run_padded(padding_of(order.task), lambda: work(channel, order.task, load))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
