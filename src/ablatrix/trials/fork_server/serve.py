"""The fork server: a process that has imported the frameworks, and forks a fresh child for each trial.

There is one for each compiler, started by the runner. It forks one more for each workload, which loads the prepared
program and forks the workers: these find modules, program and weights mapped. A fork server starts no compute
thread; if a compiler starts one, or holds what does not survive a fork, new interpreters are started instead of
forks. It is the parent of its workers, so it alone can confirm that one is stopped, running or dead. When the
runner's end of its channel closes, it kills every descendant and exits.
"""

from __future__ import annotations

import errno
import gc
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, NoReturn

from ablatrix.compilers.settings import environment_of
from ablatrix.trials.fork_server.child import clean_descriptors, import_compiler, loading, reset_signals
from ablatrix.trials.fork_server.fork_safety import find_fork_hazard
from ablatrix.trials.fork_server.padding import run_padded
from ablatrix.trials.fork_server.spawn import spawn
from ablatrix.trials.host import (
    PLACE_EXIT,
    adopt_orphans,
    children_of,
    descendants_of,
    die_with_parent,
    is_of_place,
    is_stopped,
    thread_names,
)
from ablatrix.trials.messages import (
    ORDER,
    OUTFIT,
    Channel,
    ChannelClosed,
    EndOrder,
    Failed,
    Importing,
    Loading,
    LoadOrder,
    Order,
    PauseOrder,
    Reply,
    ResumeOrder,
    Serving,
    SpawnedServer,
    SpawnedWorker,
    Started,
    StartOrder,
    WorkerState,
    padding_of,
    trial_of,
)
from ablatrix.version import PROTOCOL

if TYPE_CHECKING:
    from ablatrix.compilers.adapter import Compiler
    from ablatrix.trials.messages import AnyTask
    from ablatrix.workloads.program import Program

GRACE_S = 5.0
POLL_S = 0.0001
VFORK_S = 0.005  # a worker that is not held stops within microseconds


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """What a fork server has, for the workers that it starts.

    Attributes:
        compilers: Imported compilers by name, for forks.
        directory: The prepared program, for new interpreters; None in a server without a workload.
        program: The same, loaded, for forks.
        hazard: Why nothing may be forked, None to look each time.
        servers: Process ids of the servers for one workload that it has started; grows.
    """

    compilers: Mapping[str, Compiler] = field(default_factory=dict)
    directory: Path | None = None
    program: Program | None = None
    hazard: str | None = None
    servers: set[int] = field(default_factory=set)


def main(arguments: list[str]) -> None:
    """Serve on the socket whose descriptor is the argument, for the compilers that the first message names."""
    die_with_parent()
    adopt_orphans()
    ignore_key_presses()
    channel = Channel(socket.socket(fileno=int(arguments[0])))
    try:
        channel.send(Importing(protocol=PROTOCOL))
    except ChannelClosed:  # whoever started it died before it could ask to die with them
        return
    try:
        outfit, _ = channel.receive(OUTFIT)
        with loading(holds_tensors=False):
            compilers = {entry.name: import_compiler(entry) for entry in outfit.compilers}
            import torch
            import torch._dynamo  # a second: else paid for by the preparation, and again by each program loaded

            # Imported here once, not by every child, and so from the same state of the files for all.
            import ablatrix.plan.planner
            import ablatrix.plan.validate
            import ablatrix.trials.worker
            import ablatrix.workloads.prepare  # noqa: F401

            torch.set_num_threads(1)
    except Exception as error:
        channel.send(failed_reply(error))
        return
    channel.send(Serving(threads=tuple(thread_names())))
    serve(channel, Holdings(compilers=compilers))


def ignore_key_presses() -> None:
    """Leave a key press in the terminal to the runner."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def serve(channel: Channel, holdings: Holdings) -> NoReturn:
    """Follow orders, one at a time, until the other end closes; then end every descendant and exit."""
    while True:
        try:
            order, descriptors = channel.receive(ORDER)
        except ChannelClosed:
            _kill_descendants()
            os._exit(0)
        try:
            reply = _follow(order, descriptors, holdings)
        except Exception as error:
            reply = failed_reply(error)
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)
        with suppress(ChannelClosed):
            channel.send(reply)


def _follow(order: Order, descriptors: list[int], holdings: Holdings) -> Reply:
    match order:
        case LoadOrder():
            return _load(order.directory, descriptors, holdings)
        case StartOrder():
            return _start(order.task, descriptors, holdings)
        case PauseOrder():
            return _pause(order.pid)
        case ResumeOrder():
            return _resume(order.pid)
        case EndOrder():
            return _end(order, holdings)


def failed_reply(error: Exception) -> Failed:
    """Return what to reply to an order that failed, with what helps where the machine let no process begin."""
    remedy = ""
    if isinstance(error, OSError) and error.errno == errno.EAGAIN:  # of fork(2)
        remedy = "; no further process may begin: raise `ulimit -u` or the control group's pids.max, and run again"
    return Failed(error=f"{type(error).__name__}: {error}{remedy}")


def _load(directory: Path, descriptors: list[int], holdings: Holdings) -> Loading:
    """Start a server of one workload on the descriptor that came along: it loads the program, and forks workers."""
    hazard = holdings.hazard or find_fork_hazard()
    if hazard is not None:
        order = SpawnedServer(directory=directory, hazard=hazard)
        pid = spawn(order, descriptors[0], None, own_group=False)
        holdings.servers.add(pid)
        return Loading(pid=pid)
    server = os.getpid()
    pid = os.fork()
    if pid:
        holdings.servers.add(pid)
        return Loading(pid=pid)
    try:
        channel = Channel(socket.socket(fileno=clean_descriptors(descriptors[:1])[0]))
        die_with_parent(server)
        adopt_orphans()
        try:
            from ablatrix.workloads.prepare import load_program

            with loading():
                loaded = replace(holdings, program=load_program(directory), directory=directory, servers=set())
        except Exception as error:
            channel.send(failed_reply(error))
            os._exit(1)
        channel.send(Serving(threads=tuple(thread_names())))
        serve(channel, loaded)
    finally:
        os._exit(1)


def _start(task: AnyTask, descriptors: list[int], holdings: Holdings) -> Started:
    """Start a worker: its channel and its log are the two descriptors that came along."""
    hazard = holdings.hazard or find_fork_hazard() or _own_environment(task)
    if hazard is not None:
        order = SpawnedWorker(task=task, directory=holdings.directory)
        trial = trial_of(task)
        environment = {} if trial is None else environment_of(trial.entry, trial.knobs)
        pid = spawn(order, *descriptors[:2], own_group=True, environment=environment)
        return Started(pid=pid, process="spawned", hazard=hazard)
    server = os.getpid()
    pid = os.fork()
    if pid:
        with suppress(OSError):
            os.setpgid(pid, pid)  # both sides do it, so that it holds whoever runs first
        return Started(pid=pid, process="forked")
    code = 70
    try:
        os.setpgid(0, 0)
        channel_end, log = clean_descriptors(descriptors[:2])
        die_with_parent(server)
        reset_signals()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        run_padded(padding_of(task), lambda: _work(channel_end, task, holdings))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    except BaseException as error:
        traceback.print_exc()
        code = PLACE_EXIT if is_of_place(error) else 70
    finally:
        os._exit(code)


def _own_environment(task: AnyTask) -> str | None:
    """Return why a worker has to begin with its environment: its compiler has a knob that is a variable of it.

    Libraries read variables when they are loaded, and a fork has loaded them. All levels of such a knob are treated
    alike, those that set nothing included, so that they differ in the variable alone.
    """
    trial = trial_of(task)
    names = [] if trial is None else trial.entry.environment_names
    return f"an environment of its own: {', '.join(names)}" if names else None


def _work(channel_end: int, task: AnyTask, holdings: Holdings) -> None:
    """Do a worker's work in this fork."""
    random.seed(task.seed)
    gc.enable()
    from ablatrix.trials.worker import work

    trial = trial_of(task)
    compiler = None if trial is None else holdings.compilers.get(trial.entry.name)
    work(Channel(socket.socket(fileno=channel_end)), task, lambda: (compiler, holdings.program))


def _pause(pid: int) -> WorkerState:
    """Stop a worker's process group, and its programs that left the group, and confirm it."""
    reply = _stop(pid)
    if reply.state == "stopped" and not _stop_programs(pid):
        return WorkerState(state="running")
    return reply


def _resume(pid: int) -> WorkerState:
    """Let a worker's process group go on, its programs first, and confirm it."""
    for program in descendants_of(pid):
        with suppress(ProcessLookupError):
            os.kill(program, signal.SIGCONT)
    try:
        os.killpg(pid, signal.SIGCONT)
        _, status = os.waitpid(pid, os.WCONTINUED)
    except (ProcessLookupError, ChildProcessError):
        return WorkerState(state="gone")
    return _state_after(status)


def _end(order: EndOrder, holdings: Holdings) -> WorkerState:
    """Wait for a worker's end, killing it first when asked to, then end whatever it left behind."""
    pid = order.pid
    if order.kill:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    try:
        status, forced = _wait_for_end(pid)
    except ChildProcessError:
        return WorkerState(state="gone")
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    strays = _kill_strays({*order.live, *holdings.servers})
    return replace(_ended(status), strays=strays, forced=forced and not order.kill)


def _wait_for_end(pid: int) -> tuple[int, bool]:
    """Return the status of a worker that is ending, and whether it had to be killed since it did not end in time."""
    deadline = monotonic() + GRACE_S
    while monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status, False
        sleep(0.001)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1], True


def _stop(pid: int) -> WorkerState:
    """Stop a worker's process group, and wait until the worker itself is stopped.

    A worker that is starting a program may be held in vfork until the program is executed, and cannot be stopped before
    that. The signal stops the program, too, so that both would wait for ever: it is let go on until the worker stops.
    """
    started = monotonic()
    try:
        os.killpg(pid, signal.SIGSTOP)
        while True:
            done, status = os.waitpid(pid, os.WUNTRACED | os.WNOHANG)
            if done:
                return _state_after(status)
            waited = monotonic() - started
            if waited > GRACE_S:
                return WorkerState(state="running")
            for program in descendants_of(pid) if waited > VFORK_S else ():
                with suppress(ProcessLookupError):
                    os.kill(program, signal.SIGCONT)
            sleep(POLL_S)
    except (ProcessLookupError, ChildProcessError):
        return WorkerState(state="gone")


def _state_after(status: int) -> WorkerState:
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        return _ended(status)
    return WorkerState(state="stopped" if os.WIFSTOPPED(status) else "running")


def _stop_programs(pid: int) -> bool:
    """Stop what a stopped worker has started, and return whether all of it is stopped.

    The signal to the group has reached those that are in it, but this process cannot wait for that: it is not their
    parent.
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


def _ended(status: int) -> WorkerState:
    if os.WIFSIGNALED(status):
        return WorkerState(state="ended", signal=os.WTERMSIG(status))
    return WorkerState(state="ended", exit_code=os.WEXITSTATUS(status))


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
