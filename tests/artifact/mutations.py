"""Random single mutations of an artifact: what somebody, or a bad disk, may do to it."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

Mutation = Callable[[Path, random.Random], str]


def files_of(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def _flip(directory: Path, rng: random.Random) -> str:
    path = rng.choice([path for path in files_of(directory) if path.stat().st_size])
    data = bytearray(path.read_bytes())
    place = rng.randrange(len(data))
    data[place] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return f"flip a bit of byte {place} of {path.relative_to(directory)}"


def _drop(directory: Path, rng: random.Random) -> str:
    path = rng.choice(files_of(directory))
    path.unlink()
    return f"drop {path.relative_to(directory)}"


def _add(directory: Path, rng: random.Random) -> str:
    folder = rng.choice([directory, *sorted(path for path in directory.rglob("*") if path.is_dir())])
    path = folder / f"added-{rng.randrange(10**6)}{rng.choice(['', '.csv', '.md', '.json', '.pdf'])}"
    path.write_bytes(rng.randbytes(rng.choice([0, 1, 100])))
    return f"add {path.relative_to(directory)}"


def _swap(directory: Path, rng: random.Random) -> str:
    files = files_of(directory)
    one = rng.choice(files)
    other = rng.choice([path for path in files if path.read_bytes() != one.read_bytes()])
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return f"swap {one.relative_to(directory)} and {other.relative_to(directory)}"


def _rename(directory: Path, rng: random.Random) -> str:
    path = rng.choice(files_of(directory))
    path.rename(path.with_name(f"x{path.name}"))
    return f"rename {path.relative_to(directory)}"


def _truncate(directory: Path, rng: random.Random) -> str:
    path = rng.choice([path for path in files_of(directory) if path.stat().st_size])
    size = rng.randrange(path.stat().st_size)
    path.write_bytes(path.read_bytes()[:size])
    return f"truncate {path.relative_to(directory)} to {size} bytes"


MUTATIONS: Mapping[str, Mutation] = {
    "flip": _flip,
    "drop": _drop,
    "add": _add,
    "swap": _swap,
    "rename": _rename,
    "truncate": _truncate,
}


def mutate(directory: Path, seed: int) -> str:
    """Change one thing, and say what; the same seed changes the same. Kinds take turns."""
    rng = random.Random(seed)
    kind = list(MUTATIONS)[seed % len(MUTATIONS)]
    return MUTATIONS[kind](directory, rng)
