"""Changes that somebody may make to an artifact who means harm, each random with its kind and number as seed.

Where a manifest would give the change away, one is made that fits: what is left to be found is the change itself.
"""

from __future__ import annotations

import json
import os
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.artifact.conftest import reseal
from tests.artifact.mutations import Mutation, files_of

YAML_FILES = ("study.yaml", "claims.yaml", "template.yaml")
TEXT_FILES = ("results.jsonl", "design.json", "environment.json", "study.yaml", "template.yaml", "README.md")
ODD_NAMES = (
    b"holds\nall: 0 problems", b"\x1b[2Jx", "\u202etxt.exe".encode(), b"\xff\xfe", b"a\x00b".replace(b"\x00", b"\x01"),
    "\u2066x\u2069".encode(), b"tab\there", "\ufeffmark".encode(), b"carriage\rreturn",
)  # fmt: skip
TIMES = ("yesterday", "2026-01-01T00:00:00", "9999-12-31T23:59:59+14:00", "", "0000-00-00", "2026-13-01T00:00:00Z")
NUMBERS = ("1e308", "-1", "NaN", "Infinity", "1e400", "9" * 400, '"1"', "true", "null", "[]")


def _text(rng: random.Random, directory: Path, names: tuple[str, ...]) -> Path:
    return directory / rng.choice([name for name in names if (directory / name).is_file()])


def _hard_link(directory: Path, rng: random.Random) -> str:
    path = rng.choice(files_of(directory))
    outside = directory.parent / "outside"
    outside.unlink(missing_ok=True)
    os.link(path, outside)
    return f"{path.relative_to(directory)} has another name outside"


def _link(directory: Path, rng: random.Random) -> str:
    path = rng.choice(files_of(directory))
    outside = directory.parent / "outside"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)
    return f"{path.relative_to(directory)} is a link to a copy"


def _pipe(directory: Path, rng: random.Random) -> str:
    path = rng.choice(files_of(directory))
    path.unlink()
    os.mkfifo(path)
    return f"{path.relative_to(directory)} is a pipe"


def _deep(directory: Path, rng: random.Random) -> str:
    depth = rng.randrange(52, 120)
    folder = directory.joinpath(*["d"] * depth)
    folder.mkdir(parents=True)
    (folder / "x").write_text("x")
    return f"{depth} folders"


def _name(directory: Path, rng: random.Random) -> str:
    name = rng.choice(ODD_NAMES)
    Path(os.fsdecode(os.fsencode(directory) + b"/" + name)).write_text("x")
    return f"a file named {name!r}"


def _twin(directory: Path, rng: random.Random) -> str:
    """Add a file whose name is another one's in other letters."""
    path = rng.choice([path for path in files_of(directory) if path.name.lower() != path.name.upper()])
    twin = path.with_name(path.name.swapcase())
    twin.write_bytes(rng.randbytes(10))
    return f"{twin.relative_to(directory)} beside {path.relative_to(directory)}"


def _alias(directory: Path, rng: random.Random) -> str:
    path = _text(rng, directory, YAML_FILES)
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    kinds = {
        "bomb": "\n".join(["a0: &a0 [x]", *levels]),
        "itself": "a: &a {b: *a}",
        "merge": "a: &a\n  <<: *a\n  b: 1",
        "depth": "a: " + "[" * 5000 + "]" * 5000,
        "digits": "a: " + "9" * 5000,
        "size": "#" * (2**20 + 1),
    }
    kind = rng.choice(list(kinds))
    path.write_text(path.read_text(encoding="utf-8") + "\n" + kinds[kind] + "\n", encoding="utf-8")
    reseal(directory)
    return f"{kind} in {path.name}"


def _with_record(directory: Path, rng: random.Random, change: Callable[[dict[str, Any]], str]) -> str:
    """Change one line of the records, and make a manifest that fits."""
    file = directory / "results.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    number = rng.randrange(len(lines))
    record = json.loads(lines[number])
    what = change(record)
    lines[number] = json.dumps(record)
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    reseal(directory)
    return f"line {number + 1}: {what}"


def _time(directory: Path, rng: random.Random) -> str:
    def change(record: dict[str, Any]) -> str:
        record["meta"]["time_utc"] = rng.choice(TIMES)
        return f"time_utc {record['meta']['time_utc']!r}"

    return _with_record(directory, rng, change)


def _number(directory: Path, rng: random.Random) -> str:
    """Give a number of a line a value that it cannot have."""
    file = directory / "results.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    number = rng.randrange(len(lines))
    key = rng.choice(('"wall_s":', '"attempt":', '"span_s":', '"memory_bytes":', '"seed":"x","seed":'))
    value = rng.choice(NUMBERS[:-3] if key == '"span_s":' else NUMBERS)
    start = lines[number].index(key.rpartition(",")[2])
    end = min(at for at in (lines[number].find(",", start), lines[number].find("}", start)) if at > 0)
    if key == '"span_s":' and value == "1e308":
        value = "1e400"
    lines[number] = lines[number][:start] + key + value + lines[number][end:]
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    reseal(directory)
    return f"line {number + 1}: {key}{value[:20]}"


def _long(directory: Path, rng: random.Random) -> str:
    def change(record: dict[str, Any]) -> str:
        kind = rng.randrange(3)
        if kind == 0:
            record["workload"]["name"] = "n" * 2**20
        elif kind == 1:
            record["workload"]["parameters"] |= {f"p{n}": n for n in range(1000)}
        else:
            record["config"]["knobs"] |= {f"k{n}": "off" for n in range(2000)}
        return ("a name of 1 MB", "1,000 parameters", "2,000 knobs")[kind]

    return _with_record(directory, rng, change)


def _surrogate(directory: Path, rng: random.Random) -> str:
    def change(record: dict[str, Any]) -> str:
        place = rng.choice((record, record["workload"], record["config"]))
        key = "study" if place is record else "name" if place is record["workload"] else "compiler"
        place[key] = "\ud800"
        return f"half of a pair in {key}"

    return _with_record(directory, rng, change)


def _bytes(directory: Path, rng: random.Random) -> str:
    path = _text(rng, directory, TEXT_FILES)
    data = path.read_bytes()
    place = rng.randrange(len(data))
    bad = rng.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00"))
    path.write_bytes(data[:place] + bad + data[place:])
    reseal(directory)
    return f"{bad!r} at {place} of {path.name}"


def _design(directory: Path, rng: random.Random) -> str:
    file = directory / "design.json"
    design = json.loads(file.read_text(encoding="utf-8"))
    cells, trial = design.get("cells", []), rng.choice(design["trials"])
    cell: dict[str, Any] = rng.choice(cells) if cells else {}
    kind = rng.choice(("list", "map", "none", "trial", *(("cell", "lost", "number") if cell else ())))
    if kind == "list":
        design = [design]
    elif kind == "map":
        design["trials"] = {"a": 1}
    elif kind == "none":
        design["trials"] = [None]
    elif kind == "trial":
        trial["trial_id"] = 7
    elif kind == "cell":
        del cell["cell_id"]
    elif kind == "lost":
        design["cells"] = []
    else:
        cell["workload"] = 7
    file.write_text(json.dumps(design), encoding="utf-8")
    reseal(directory)
    return f"design: {kind}"


def _signature(directory: Path, rng: random.Random) -> str:
    (directory / "MANIFEST.json.sig").write_bytes(
        rng.choice((b"", b"-----BEGIN SSH SIGNATURE-----\n", rng.randbytes(99)))
    )
    return "a signature of nothing"


HOSTILE: Mapping[str, Mutation] = {
    "hard link": _hard_link,
    "link": _link,
    "pipe": _pipe,
    "depth": _deep,
    "name": _name,
    "twin": _twin,
    "alias": _alias,
    "time": _time,
    "number": _number,
    "length": _long,
    "surrogate": _surrogate,
    "bytes": _bytes,
    "design": _design,
    "signature": _signature,
}


def mutate_hostile(directory: Path, seed: int) -> tuple[str, str]:
    """Change one thing, and return its kind and what it was; the same seed changes the same. Kinds take turns."""
    kind = list(HOSTILE)[seed % len(HOSTILE)]
    return kind, HOSTILE[kind](directory, random.Random(f"{kind} {seed}"))


def hostile_zip(directory: Path, target: Path, seed: int) -> str:
    """Write a zip of an artifact that no artifact's zip is like, and say what it is."""
    rng = random.Random(f"zip {seed}")
    kind = ("deflated", "lzma", "bzip2", "zeros", "members", "outside", "absolute", "twice", "long")[seed % 9]
    packing = {"lzma": zipfile.ZIP_LZMA, "bzip2": zipfile.ZIP_BZIP2}.get(kind, zipfile.ZIP_DEFLATED)
    folder = directory.name
    with zipfile.ZipFile(target, "w", packing) as archive:
        for path in files_of(directory):
            archive.write(path, f"{folder}/{path.relative_to(directory).as_posix()}")
        if kind == "zeros":
            archive.writestr(f"{folder}/zeros", bytes(200 * 2**20))
        elif kind == "members":
            for number in range(100_001):
                archive.writestr(zipfile.ZipInfo(f"{folder}/m{number}"), b"")
        elif kind == "outside":
            archive.writestr(f"{folder}/../../outside", b"x")
        elif kind == "absolute":
            archive.writestr("/tmp/ablatrix-outside", b"x")
        elif kind == "twice":
            archive.writestr(f"{folder}/README.MD", b"x")
        elif kind == "long":
            archive.writestr(f"{folder}/" + "n" * 2000, b"x")
    if kind in {"deflated", "lzma", "bzip2"}:
        data = bytearray(target.read_bytes())
        place = rng.randrange(40, len(data) // 2)
        data[place : place + 30] = bytes(byte ^ 0x55 for byte in data[place : place + 30])
        target.write_bytes(data)
    return kind
