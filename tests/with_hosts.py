"""Records of one study over several hosts: some slow, some noisy, and effects that only some of them have."""

import dataclasses
import math
import random
from collections.abc import Callable, Mapping, Sequence

from ablatrix.canonical import content_id
from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import Record
from ablatrix.records.place import Place
from tests.synthetic import make_records

Level = str | int | float | bool


@dataclasses.dataclass(frozen=True)
class Host:
    """A host.

    Attributes:
        name: Its name in records.
        slow: By what it multiplies every time.
        noise: Standard deviation of the log of a time, beyond that of the records.
        odd: By what it multiplies the times of configurations with certain levels: (knob, level) -> factor.
        stratum: What it is alike with.
    """

    name: str
    slow: float = 1.0
    noise: float = 0.0
    odd: Mapping[tuple[str, Level], float] = dataclasses.field(default_factory=dict)
    stratum: str | None = None


_MADE: dict[str, tuple[Record, ...]] = {}


def over_hosts(hosts: Sequence[Host], blocks_each: int = 4, seed: int = 7, **made: object) -> list[Record]:
    """Return records whose blocks go round the hosts: complete blocks, each with baseline and twin.

    The same arguments give the same records, so that tables of them are made once.
    """
    asked = repr((tuple(hosts), blocks_each, seed, made))
    if asked not in _MADE:
        _MADE[asked] = tuple(_made_over_hosts(hosts, blocks_each, seed, made))
    return list(_MADE[asked])


def _made_over_hosts(hosts: Sequence[Host], blocks_each: int, seed: int, made: Mapping[str, object]) -> list[Record]:
    records = make_records(blocks=blocks_each * len(hosts), seed=seed, **made)  # type: ignore[arg-type]
    rng = random.Random(seed)
    return [_moved(record, hosts[record.meta.block % len(hosts)], rng) for record in records]


def host_id(name: str) -> str:
    """Return the id that records of a host of this name have."""
    return content_id(["host", name])


def _moved(record: Record, host: Host, rng: random.Random) -> Record:
    factor = host.slow
    for (knob, level), own in host.odd.items():
        factor *= own if record.config.knobs.get(knob) == level else 1.0

    factor *= math.exp(rng.gauss(0.0, host.noise))

    def scaled(value: float) -> float:
        return value * factor

    place = Place(host_id=host_id(host.name), slot=f"{host.name}/0", stratum=host.stratum)
    machine = record.meta.machine.model_copy(update={"host": host.name})
    meta = record.meta.model_copy(update={"place": place, "machine": machine})
    runtime = record.runtime
    if runtime is None:
        return record.model_copy(update={"meta": meta})
    names = [*SAMPLE_METRICS, "compile_first_run_ms", "compile_ms", "plan_ms", "import_ms", "link_ms", "load_ms"]
    names += ["other_ms", "run_ms_cold"]
    times = {name: scaled(held) for name in names if (held := getattr(runtime, name, None)) is not None}
    for name in ("burst_ms_p50", "burst_ms_min"):
        held = getattr(runtime, name)
        if held is not None:
            times[name] = [scaled(one) for one in held]  # type: ignore[assignment]
    return record.model_copy(update={"meta": meta, "runtime": runtime.model_copy(update=times)})


def per_host(records: Sequence[Record], wanted: Callable[[Record], bool]) -> dict[str, list[Record]]:
    """Return the records of each host that are wanted."""
    found: dict[str, list[Record]] = {}
    for record in records:
        if wanted(record):
            found.setdefault(record.meta.machine.host, []).append(record)
    return found
