"""How well ``ablatrix explain`` adds up, and whether its top causes hold when they are switched alone.

    python benchmarks/explain.py --keep explain.jsonl            # goes on where the file ends
    python benchmarks/explain.py --keep explain.jsonl --limit 4  # four further pairs

30 pairs: workloads x compilers x knobs. Figures are over the pairs that are in the file. A pair counts where it is
shown that its sides differ (the interval of the difference is on one side of zero); of the others the answer is by how
much they differ at most. The last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import monotonic

from ablatrix.errors import AblatrixError
from ablatrix.explain import explain, pair_of_model
from ablatrix.explain.stopping import MOST

RESIDUAL, SHARE = 0.10, 0.9
WORKLOADS = ("mlp", "attention", "convolution")
PAIRS = (
    ("tvm:fusion=off,schedule=vectorised", "tvm:fusion=on,schedule=vectorised"),
    ("tvm:fusion=on,schedule=vectorised", "tvm:fusion=on,schedule=vectorised,library=on"),
    ("inductor:fusion=off", "inductor:fusion=on"),
    ("inductor:fusion=on,simd=1", "inductor:fusion=on"),
    ("onnxruntime:fusion=off", "onnxruntime:fusion=on"),
    ("xla:fusion=off", "xla:fusion=on"),
    ("openvino:fusion=off", "openvino:fusion=on"),
    ("tvm:fusion=on,schedule=vectorised", "onnxruntime:fusion=on"),
    ("inductor:fusion=on", "openvino"),
    ("onnxruntime:fusion=on", "xla"),
)


def main() -> None:
    """Explain pairs that the file does not have, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=len(WORKLOADS) * len(PAIRS))
    parser.add_argument("--only", action="append", help="a part of a configuration or workload (repeatable)")
    parser.add_argument("--most-blocks", type=int, default=MOST)
    chosen = parser.parse_args()
    held = _read(chosen.keep)
    wanted = [(workload, a, b) for a, b in PAIRS for workload in WORKLOADS]
    done = {(one["workload"], one["a"], one["b"]) for one in held}
    left = [one for one in wanted if one not in done]
    if chosen.only:
        left = [one for one in left if any(part in text for part in chosen.only for text in one)]
    for workload, a, b in left[: chosen.limit]:
        held.append(_measured(workload, a, b, chosen.most_blocks))
        with chosen.keep.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(held[-1]) + "\n")
        print(json.dumps(held[-1]), file=sys.stderr)
    print(json.dumps(_figures(held, len(wanted))))


def _measured(workload: str, a: str, b: str, most_blocks: int) -> dict[str, object]:
    began, known = monotonic(), {"workload": workload, "a": a, "b": b}
    try:
        found = explain(pair_of_model(workload, a, b), most_blocks=most_blocks, peak=False)
    except AblatrixError as error:
        return {**known, "failed": str(error), "seconds": monotonic() - began}
    tried = found.interventions[0] if found.interventions else None
    return {
        **known,
        "blocks": [one.model_dump() for one in found.of_blocks],
        "established": found.is_established,
        "bound": found.bound,
        "a_ms": found.a.total.ms,
        "difference_ms": found.difference.ms,
        "difference_ends": [found.difference.low, found.difference.high],
        "noise_ms": found.noise.ms,
        "kernels_ms": found.kernels_difference.ms,
        "overhead_ms": found.overhead_difference.ms,
        "residual_ms": found.residual.ms,
        "residual_ends": [found.residual.low, found.residual.high],
        "inside_us": [1e3 * side.inside.ms for side in (found.a, found.b)],
        "profiler_cost": [side.profiled.ms / side.plain.ms - 1 for side in (found.a, found.b)],
        "calls": [side.calls for side in (found.a, found.b)],
        "mapped": sum(one.b.ms for one in found.groups if one.nodes) / max(sum(one.b.ms for one in found.groups), 1e-9),
        "cause": None if tried is None else found.groups[tried.group].label,
        "outcome": None if tried is None else tried.outcome,
        "why": None if tried is None else tried.why,
        "seconds": monotonic() - began,
    }


def _figures(held: list[dict[str, object]], planned: int) -> dict[str, object]:
    ok = [one for one in held if "failed" not in one]
    clear = [one for one in ok if one["established"]]
    small = [one for one in clear if abs(_number(one, "residual_ms")) <= RESIDUAL * abs(_number(one, "difference_ms"))]
    tried = [one for one in clear if one["outcome"] in ("confirmed", "not confirmed")]
    confirmed = [one for one in tried if one["outcome"] == "confirmed"]
    residual = len(small) / len(clear) if clear else None
    cause = len(confirmed) / len(tried) if tried else None
    return {
        "benchmark": "explain",
        "figures": {
            "pairs": len(held),
            "failed": len(held) - len(ok),
            "not_established": len(ok) - len(clear),
            "largest_bound": max((_number(one, "bound") for one in ok if one not in clear), default=None),
            "residual_small": residual,
            "switched": len(tried),
            "confirmed": cause,
        },
        "targets": {"pairs": planned, "residual_small": SHARE, "confirmed": SHARE},
        "holds": len(held) == planned
        and residual is not None
        and residual >= SHARE
        and cause is not None
        and cause >= SHARE,
    }


def _number(one: dict[str, object], name: str) -> float:
    value = one[name]
    assert isinstance(value, float)
    return value


def _read(file: Path) -> list[dict[str, object]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
