"""The fork server: a process that has imported the frameworks, and forks a fresh child for each trial.

There is one for each compiler, started by the runner. It forks one more for each workload, which loads the prepared
program and forks the workers: these find modules, program and weights mapped. A fork server starts no compute
thread; when a compiler did so nevertheless, or holds what does not survive a fork, new interpreters are started in
place of forks. It is the parent of its workers, so it alone can confirm that one is stopped, running or dead. When the
runner's end of its channel closes, it kills every descendant and leaves.
"""

import gc
import os
import random
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NoReturn

from ablatrix.compilers.catalogue import read_compiler_entry
from ablatrix.trials.channel import Channel, ChannelClosed, Message
from ablatrix.trials.child import clean_descriptors, import_compiler, reset_signals
from ablatrix.trials.fork_safety import find_fork_hazard
from ablatrix.trials.linux import (
    adopt_orphans,
    children_of,
    descendants_of,
    die_with_parent,
    is_stopped,
    thread_names,
)
from ablatrix.trials.spawn import spawn

GRACE_S = 5.0


def main(arguments: list[str]) -> None:
    """Serve on the socket whose descriptor is the argument, for the compilers that the first message has."""
    die_with_parent()
    adopt_orphans()
    ignore_key_presses()
    channel = Channel(socket.socket(fileno=int(arguments[0])))
    try:
        message, _ = channel.receive()
        entries = {plain["name"]: plain for plain in message["compilers"]}
        compilers = {name: import_compiler(read_compiler_entry(plain)) for name, plain in entries.items()}
        import torch

        # Imported here once, not by every child, and not at another state of the files for some of them.
        import ablatrix.plan.planner
        import ablatrix.plan.validate
        import ablatrix.trials.worker
        import ablatrix.workloads.prepare  # noqa: F401

        torch.set_num_threads(1)
    except Exception as error:
        channel.send({"error": f"{type(error).__name__}: {error}"})
        return
    gc.collect()
    gc.freeze()
    channel.send({"ready": True, "threads": thread_names()})
    serve(channel, {"compilers": compilers, "entries": entries, "program": None, "directory": None, "hazard": None})


def ignore_key_presses() -> None:
    """Leave a key press in the terminal to the runner."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def serve(channel: Channel, state: dict[str, Any]) -> NoReturn:
    """Answer requests, one at a time, until the other end closes; then end every descendant and leave.

    Args:
        channel: Where requests come from.
        state: ``compilers`` and ``program`` for forks; ``entries`` (plain, by compiler) and ``directory`` of the
            program for new interpreters; ``hazard``: why nothing may be forked, None to look each time.
    """
    answers = {"load": _load, "trial": _trial, "pause": _pause, "resume": _resume, "end": _end}
    state["servers"] = set()
    while True:
        try:
            message, descriptors = channel.receive()
        except ChannelClosed:
            _kill_descendants()
            os._exit(0)
        try:
            reply = answers[message["do"]](message, descriptors, state)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)
        with suppress(ChannelClosed):
            channel.send(reply)


def _load(message: Message, descriptors: list[int], state: dict[str, Any]) -> Message:
    """Start a server of one workload on the descriptor that came along: it loads the program, and forks workers."""
    hazard = state["hazard"] or find_fork_hazard()
    if hazard is not None:
        order = {"role": "server", "entries": state["entries"], "directory": message["directory"], "hazard": hazard}
        pid = spawn(order, descriptors[0], None, own_group=False)
        state["servers"].add(pid)
        return {"pid": pid}
    pid = os.fork()
    if pid:
        state["servers"].add(pid)
        return {"pid": pid}
    try:
        channel = Channel(socket.socket(fileno=clean_descriptors(descriptors[:1])[0]))
        die_with_parent()
        adopt_orphans()
        try:
            from ablatrix.workloads.prepare import load_program

            state = {**state, "program": load_program(Path(message["directory"])), "directory": message["directory"]}
        except Exception as error:
            channel.send({"error": f"{type(error).__name__}: {error}"})
            os._exit(1)
        gc.collect()
        gc.freeze()
        channel.send({"ready": True, "threads": thread_names()})
        serve(channel, state)
    finally:
        os._exit(1)


def _trial(message: Message, descriptors: list[int], state: dict[str, Any]) -> Message:
    """Start a worker: its channel and its log are the two descriptors that came along."""
    task = message["task"]
    hazard = state["hazard"] or find_fork_hazard()
    if hazard is not None:
        order = {
            "role": "worker",
            "task": task,
            "entry": state["entries"].get(task.get("compiler")),
            "directory": state["directory"],
        }
        pid = spawn(order, *descriptors[:2], own_group=True)
        return {"pid": pid, "process": "spawned", "hazard": hazard}
    pid = os.fork()
    if pid:
        with suppress(OSError):
            os.setpgid(pid, pid)  # both sides do it, so that it holds whoever runs first
        return {"pid": pid, "process": "forked", "hazard": None}
    try:
        os.setpgid(0, 0)
        channel_end, log = clean_descriptors(descriptors[:2])
        die_with_parent()
        reset_signals()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        random.seed(task.get("seed", 0))
        gc.enable()
        from ablatrix.trials.worker import work

        compiler = state["compilers"].get(task.get("compiler"))
        work(Channel(socket.socket(fileno=channel_end)), task, lambda: (compiler, state["program"]), "forked")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    finally:
        os._exit(70)


def _pause(message: Message, descriptors: list[int], state: dict[str, Any]) -> Message:
    """Stop a worker's process group, and programs of it that left the group, and confirm it."""
    reply = _signal_and_wait(message["pid"], signal.SIGSTOP, os.WUNTRACED)
    if reply["state"] == "stopped" and not _stop_programs(message["pid"]):
        return {"state": "running"}
    return reply


def _resume(message: Message, descriptors: list[int], state: dict[str, Any]) -> Message:
    """Let a worker's process group go on, its programs first, and confirm it."""
    for program in descendants_of(message["pid"]):
        with suppress(ProcessLookupError):
            os.kill(program, signal.SIGCONT)
    return _signal_and_wait(message["pid"], signal.SIGCONT, os.WCONTINUED)


def _end(message: Message, descriptors: list[int], state: dict[str, Any]) -> Message:
    """Wait for a worker's end, killing it first when asked to, then end whatever it left behind."""
    pid = message["pid"]
    if message.get("kill"):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    try:
        status = _wait_for_end(pid)
    except ChildProcessError:
        return {"state": "gone"}
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    strays = _kill_strays({*message.get("live", []), *state["servers"]})
    return {"state": "ended", **_outcome(status), "strays": strays}


def _wait_for_end(pid: int) -> int:
    """Return the status of a worker that is ending; one that does not end in time is killed."""
    deadline = monotonic() + GRACE_S
    while monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        sleep(0.001)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _signal_and_wait(pid: int, number: signal.Signals, flag: int) -> Message:
    try:
        os.killpg(pid, number)
        _, status = os.waitpid(pid, flag)
    except (ProcessLookupError, ChildProcessError):
        return {"state": "gone"}
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        return {"state": "ended", **_outcome(status)}
    return {"state": "stopped" if os.WIFSTOPPED(status) else "running"}


def _stop_programs(pid: int) -> bool:
    """Stop what a stopped worker has started, and return whether all of it is stopped.

    The signal to the group has reached those that are in it, but this process is not told: it is not their parent.
    """
    deadline = monotonic() + GRACE_S
    while True:
        running = [one for one in descendants_of(pid) if not is_stopped(one)]
        if not running:
            return True
        if monotonic() > deadline:
            return False
        for one in running:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)


def _outcome(status: int) -> Message:
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status), "exit_code": None}
    return {"signal": None, "exit_code": os.WEXITSTATUS(status)}


def _kill_strays(live: set[int]) -> int:
    """Kill children of this process that are no live worker and no server: what a worker forked and left."""
    strays = [pid for pid in children_of(os.getpid()) if pid not in live]
    for pid in strays:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return len(strays)


def _kill_descendants() -> None:
    for pid in children_of(os.getpid()):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
