"""How well ``ablatrix explain`` adds up, and whether its top causes hold when they are switched alone.

    python benchmarks/explain.py --keep explain.jsonl            # goes on where the file ends
    python benchmarks/explain.py --keep explain.jsonl --limit 4  # four further pairs

30 pairs: workloads x compilers x knobs. Figures are over the pairs that are in the file. A pair counts for the residual
where its difference is larger than the twin of A differs from A three times over; the last line says how many do not.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import monotonic

from ablatrix.errors import AblatrixError
from ablatrix.explain import explain, pair_of_model

RESIDUAL, SHARE, NOISE = 0.10, 0.9, 3.0
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
    parser.add_argument("--blocks", type=int, default=2)
    chosen = parser.parse_args()
    held = _read(chosen.keep)
    wanted = [(workload, a, b) for a, b in PAIRS for workload in WORKLOADS]
    done = {(one["workload"], one["a"], one["b"]) for one in held}
    for workload, a, b in [one for one in wanted if one not in done][: chosen.limit]:
        held.append(_measured(workload, a, b, chosen.blocks))
        with chosen.keep.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(held[-1]) + "\n")
        print(json.dumps(held[-1]), file=sys.stderr)
    print(json.dumps(_figures(held, len(wanted))))


def _measured(workload: str, a: str, b: str, blocks: int) -> dict[str, object]:
    began, known = monotonic(), {"workload": workload, "a": a, "b": b}
    try:
        found = explain(pair_of_model(workload, a, b), blocks=blocks, peak=False)
    except AblatrixError as error:
        return {**known, "failed": str(error), "seconds": monotonic() - began}
    tried = found.interventions[0] if found.interventions else None
    return {
        **known,
        "a_ms": found.a.total.ms,
        "difference_ms": found.difference.ms,
        "noise_ms": found.noise.ms,
        "kernels_ms": found.kernels_difference.ms,
        "overhead_ms": found.overhead_difference.ms,
        "residual_ms": found.residual.ms,
        "mapped": sum(one.b.ms for one in found.groups if one.nodes) / max(sum(one.b.ms for one in found.groups), 1e-9),
        "cause": found.groups[0].label,
        "outcome": None if tried is None else tried.outcome,
        "why": None if tried is None else tried.why,
        "seconds": monotonic() - began,
    }


def _figures(held: list[dict[str, object]], planned: int) -> dict[str, object]:
    ok = [one for one in held if "failed" not in one]
    clear = [one for one in ok if abs(_number(one, "difference_ms")) > NOISE * abs(_number(one, "noise_ms"))]
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
            "within_noise": len(ok) - len(clear),
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
