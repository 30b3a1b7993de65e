"""New interpreters in place of forks, where a fork is not safe.

Two kinds are started, both on a channel that the runner made: a worker that imports its compiler and loads its
program by itself and then does the same work, and a server for one workload that holds nothing and starts such
workers. Both are children of the fork server that starts them, so that pausing, ending and cleaning up are the same.
"""

from __future__ import annotations

import gc
import json
import os
import random
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import read_compiler_entry
from ablatrix.trials.channel import Channel, Message
from ablatrix.trials.child import clean_descriptors, import_compiler, reset_signals
from ablatrix.trials.linux import adopt_orphans, die_with_parent

_CHANNEL, _ORDER = 3, 4


def spawn(order: Mapping[str, Any], channel: int, log: int | None, *, own_group: bool) -> int:
    """Start a new interpreter that follows an order, and return its process id.

    ``posix_spawn`` and not ``subprocess``: the latter reaps children whose status the fork server waits for.

    Args:
        order: What ``main`` gets to do, as plain values.
        channel: Descriptor of the worker's end of its channel.
        log: Descriptor of the file that gets what it prints; None leaves that where this process prints.
        own_group: Give it a process group of its own, as every worker has one.
    """
    scroll = os.memfd_create("order")
    try:
        os.write(scroll, json.dumps(order).encode())
        # Far from the targets first: a descriptor may have the number of one of them.
        wanted = {_CHANNEL: channel, _ORDER: scroll, **({} if log is None else {1: log, 2: log})}
        far = {target: 200 + place for place, target in enumerate(wanted)}
        actions = [(os.POSIX_SPAWN_DUP2, source, far[target]) for target, source in wanted.items()]
        actions += [(os.POSIX_SPAWN_DUP2, far[target], target) for target in wanted]
        command = [sys.executable, "-u", "-m", __name__, str(os.getpid())]
        group = 0 if own_group else os.getpgrp()
        return os.posix_spawn(sys.executable, command, dict(os.environ), file_actions=actions, setpgroup=group)
    finally:
        os.close(scroll)


def main(parent: int) -> None:
    """Follow the order that lies on a descriptor."""
    die_with_parent()
    if os.getppid() != parent:  # it ended before it could be told
        os._exit(1)
    with os.fdopen(os.dup(_ORDER)) as stream:
        stream.seek(0)
        order = json.load(stream)
    channel = Channel(socket.socket(fileno=clean_descriptors([_CHANNEL])[0]))
    if order["role"] == "server":
        _serve(channel, order)
    else:
        _work(channel, order["task"], order["entry"], order["directory"])


def _serve(channel: Channel, order: Message) -> None:
    """Serve for one workload; every worker of it is spawned, since no fork would have what it needs."""
    from ablatrix.trials.zygote import ignore_key_presses, serve

    adopt_orphans()
    ignore_key_presses()
    channel.send({"ready": True, "threads": []})
    serve(channel, {"entries": order["entries"], "directory": order["directory"], "hazard": order["hazard"]})


def _work(channel: Channel, task: Message, entry: Message | None, directory: str | None) -> None:
    """Do a worker's work in this interpreter."""
    from ablatrix.trials.worker import work

    def load() -> tuple[Any, Any]:
        import torch

        from ablatrix.workloads.prepare import load_program

        torch.set_num_threads(1)  # as in a fork server, until the compiler sets its threads
        compiler = None if entry is None else import_compiler(read_compiler_entry(entry))
        program = None if directory is None else load_program(Path(directory))
        gc.collect()
        gc.freeze()
        return compiler, program

    reset_signals()
    random.seed(task.get("seed", 0))
    work(channel, task, load, "spawned")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
