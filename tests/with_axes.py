"""Made-up records of variants: the workloads of `tests.synthetic` as one network at several sizes."""

from collections.abc import Iterable, Mapping

from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import Record, RunFacts
from ablatrix.records.variants import AxisValue, variant_name
from ablatrix.records.workload import WorkloadAxis

LENGTHS: Mapping[str, tuple[str, Mapping[str, AxisValue]]] = {
    "attention": ("net", {"tokens": 16}),
    "encoder": ("net", {"tokens": 64}),
    "resnet": ("net", {"tokens": 256}),
}
"""Each workload as a variant of one network, in an order that is not that of their names."""


def as_variants(
    records: Iterable[Record],
    variants: Mapping[str, tuple[str, Mapping[str, AxisValue]]] = LENGTHS,
    fusion: Mapping[str, float] | None = None,
) -> list[Record]:
    """Return records whose workloads are variants.

    Args:
        records: Of workloads without axes.
        variants: Workload -> what it becomes a variant of, and at which values of its axes; others stay as they are.
        fusion: Workload -> by what hot times with fusion are multiplied, beside what it does anyway.
    """
    return [_as_variant(record, variants, fusion or {}) for record in records]


def _as_variant(
    record: Record, variants: Mapping[str, tuple[str, Mapping[str, AxisValue]]], fusion: Mapping[str, float]
) -> Record:
    facts = record.workload
    factor = fusion.get(facts.name, 1.0)
    update: dict[str, object] = {}
    if record.config.knobs.get("fusion") == "on" and record.runtime is not None and record.mode == "hot":
        update["runtime"] = _times(record.runtime, factor)
    if facts.name in variants:
        base, axes = variants[facts.name]
        update["workload"] = facts.model_copy(
            update={
                "name": variant_name(base, axes.items()),
                "base": base,
                "axes": [WorkloadAxis(name=name, value=value) for name, value in axes.items()],
                "parameters": {**facts.parameters, **axes},
            }
        )
    return record.model_copy(update=update)


def _times(runtime: RunFacts, factor: float) -> RunFacts:
    values = {name: value * factor for name in SAMPLE_METRICS if (value := getattr(runtime, name)) is not None}
    bursts = {
        name: [one * factor for one in held]
        for name in ("burst_ms_p50", "burst_ms_min")
        if (held := getattr(runtime, name)) is not None
    }
    return runtime.model_copy(update={**values, **bursts})
