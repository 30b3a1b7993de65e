"""Reading ten million records as a stream: lines a second, and whether memory stays where it is.

A small file of real lines (docs/quick.zip), spread over as many hosts as asked for and with ids of their own, is read
again and again by the reader of tables (`ablatrix.analysis.table.chunk`), chunk by chunk; each chunk is dropped. Every
line is validated each time. The time of ten million is that of what was read, times what is missing, for one process;
results are read by as many as there are cores. What is kept of records as a table is not in it: see
docs/decisions/0008-copies-of-records.md.

    python benchmarks/records_stream.py [--lines 20000] [--passes 5] [--hosts 1000]
"""

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from time import perf_counter

from ablatrix.analysis.table.chunk import ChunkReader, cut
from ablatrix.canonical import content_id
from ablatrix.records.journal import record_line
from ablatrix.records.schema import read_line

WANTED = 10_000_000
TARGETS = {"growth_mib": 400.0, "hours_one_process": 2.0}


def main(arguments: list[str] | None = None) -> int:
    """Print time and memory of each pass, and the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--hosts", type=int, default=1000)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "results.jsonl"
        size = _write(path, chosen.lines, chosen.hosts)
        reader, memory, seconds = ChunkReader(), [], []
        for number in range(chosen.passes):
            start, rows = perf_counter(), 0
            for stretch in cut(path, size):
                rows += reader.read(stretch).frame.height
            seconds.append(perf_counter() - start)
            memory.append(_resident_mib())
            print(f"pass {number + 1}: {rows:,} lines in {seconds[-1]:.1f} s, {memory[-1]:.0f} MiB resident")
    rate = chosen.lines * chosen.passes / sum(seconds)
    figures = {
        "lines_a_second": round(rate),
        "hours_one_process": WANTED / rate / 3600.0,
        "growth_mib": max(memory) - memory[0],
        "resident_mib": max(memory),
        "file_gb_of_ten_million": size / chosen.lines * WANTED / 1e9,
        "lines_read": chosen.lines * chosen.passes,
    }
    holds = all(figures[name] <= target for name, target in TARGETS.items())
    print(json.dumps({"benchmark": "records_stream", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


def _write(path: Path, count: int, hosts: int) -> int:
    """Write lines of today's schema, each with a trial, a record and a host of its own."""
    with zipfile.ZipFile(Path(__file__).parents[1] / "docs" / "quick.zip") as bundle:
        name = next(one for one in bundle.namelist() if one.endswith("results.jsonl"))
        records = [read_line(line.decode()).record for line in bundle.read(name).splitlines()]
    texts = [record_line(one.model_copy(update={"schema_version": "1.5"})) for one in records]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            host = content_id(number % hosts)
            data = json.loads(texts[number % len(texts)])
            data |= {"trial_id": content_id([number]), "record_id": content_id([number, 0])}
            data["meta"]["place"] = {"host_id": host, "slot": "0", "stratum": None}
            file.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    return path.stat().st_size


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    sys.exit(main())
