"""Chunks of files read by several processes: validation holds Python's lock, so threads would take turns.

The processes are plain interpreters that run `serve` and talk through pipes. ``multiprocessing`` would import the
caller's own script again in each of them, with all its effects.
"""

import gc
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import polars as pl

from ablatrix.analysis.table.chunk import Chunk, ChunkReader, Stretch
from ablatrix.errors import AnalysisError, RecordError
from ablatrix.interpreter import interpreter
from ablatrix.records.machine import cores_allowed

WORTH_BYTES = 32 * 2**20  # starting a process costs as much as reading some 10 MB
MAX_PROCESSES = 8


def read_chunks(stretches: Sequence[Stretch], most: int = MAX_PROCESSES) -> Iterator[Chunk]:
    """Yield the chunks of stretches in their order, read by as many processes as there are cores, up to ``most``.

    Raises:
        RecordError: A file cannot be read, or a line breaks the schema: the first such one.
        AnalysisError: A reading process ended (killed for want of memory, perhaps).
    """
    processes = min(cores_allowed(), most, len(stretches))
    if processes < 2 or sum(stretch.end - stretch.start for stretch in stretches) < WORTH_BYTES:
        yield from map(ChunkReader().read, stretches)
        return
    idle: SimpleQueue[_Reader] = SimpleQueue()
    readers = [_Reader() for _ in range(processes)]
    with ThreadPoolExecutor(processes) as threads:
        try:
            for reader in readers:
                idle.put(reader)

            def read(stretch: Stretch) -> Chunk:
                reader = idle.get()
                try:
                    return reader.read(stretch)
                finally:
                    idle.put(reader)

            pending: list[Future[Chunk]] = [threads.submit(read, stretch) for stretch in stretches]
            pending.reverse()
            while pending:
                yield pending.pop().result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for reader in readers:
                reader.end()


@dataclass(frozen=True)
class _Header:
    """What precedes a chunk's bytes: their number, and what is not a column; or the fault."""

    size: int
    ignored: dict[str, int]
    digest: str
    fault: str | None


class _Reader:
    """One reading process."""

    def __init__(self) -> None:
        # One thread of Polars each: the processes share the cores among themselves.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "POLARS_MAX_THREADS": "1"}
        # Not -m: this module is part of a package that imports it, and Python warns of a second copy of it.
        command = interpreter("-c", f"from {__name__} import serve; serve()")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def read(self, stretch: Stretch) -> Chunk:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = json.dumps([str(stretch.path), stretch.start, stretch.end])
        try:
            self._process.stdin.write(order.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended, which the missing answer shows as well
        line = self._process.stdout.readline()
        header = _Header(**json.loads(line)) if line else _Header(1, {}, "", None)
        data = self._process.stdout.read(header.size)
        if len(data) < header.size:
            raise AnalysisError(
                f"{stretch.path}: a process that read records ended with {self._process.wait()} at byte "
                f"{stretch.start}; free memory and try again"
            )
        if header.fault is not None:
            raise RecordError(header.fault)
        return Chunk(pl.read_ipc(io.BytesIO(data)), header.ignored, header.digest)

    def end(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()


def serve() -> None:
    """Answer orders on standard input until it closes: the work of a reading process."""
    gc.disable()  # records hold no cycles, and looking for them in millions of objects costs a fifth of the time
    reader = ChunkReader()
    for line in sys.stdin:
        path, start, end = json.loads(line)
        target = io.BytesIO()
        try:
            chunk = reader.read(Stretch(Path(path), start, end))
            chunk.frame.write_ipc(target)
            header = _Header(target.tell(), dict(chunk.ignored), chunk.digest, None)
        except RecordError as error:
            header = _Header(0, {}, "", str(error))
        sys.stdout.buffer.write(json.dumps(header.__dict__).encode() + b"\n" + target.getbuffer())
        sys.stdout.buffer.flush()
