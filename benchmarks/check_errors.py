"""How often the check calls right outputs wrong, and misses planted faults, on small random programs.

Each program is a few steps over a small matrix: overflows, ties, casts, cancellation, masks, reductions, integer
semantics, factories without a type, complex numbers, float16 and bfloat16. Right outputs are those of eager, the
oracle's, and those of two correct compilers: one that rounds each operation once, one that sums in another order.
Faults are one element that is zero or negated, one row of zeros, one integer that is off by one, one index of another
value, one NaN; where the check's own limits say that rounding explains it, none is planted, and that is counted.

    python benchmarks/check_errors.py [--programs 1000] [--seed 0] [--dtype float32|float16|bfloat16]

In a 16-bit type the weights, the input and each matrix are of that type.

The last line on stdout is one JSON object; the exit status is 1 when a right output was called wrong or a fault missed.
"""

import argparse
import json
import sys
import warnings

import torch
from tests.trials.random_programs import Found, RandomProgram, drawn_programs

#: At most so many right outputs called wrong, and planted faults missed.
TARGETS = {"false_alarms": 0, "missed": 0}


def main(programs: int, number: int, dtype: str) -> bool:
    """Look at random programs; return whether every verdict was right."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    found = Found()

    @drawn_programs(programs, number, dtype)
    def look(program: RandomProgram) -> None:
        found.look_at(program)
        if found.programs % 100 == 0:
            print(f"{found.programs} programs, {len(found.false_alarms)} false alarms", flush=True)

    look()
    for one in (*found.false_alarms, *found.missed):
        print(one)
    figures = {
        "dtype": dtype,
        "programs": found.programs,
        "outputs": found.outputs,
        "ill_conditioned": found.ill_conditioned,
        "elements": found.elements,
        "undetermined": found.undetermined,
        "false_alarms": len(found.false_alarms),
        "false_alarms_of_eager": sum(one.startswith("eager") for one in found.false_alarms),
        "planted": found.planted,
        "missed": len(found.missed),
    }
    holds = not found.false_alarms and not found.missed
    print(json.dumps({"benchmark": "check_errors", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32")
    arguments = parser.parse_args()
    sys.exit(0 if main(arguments.programs, arguments.seed, arguments.dtype) else 1)
