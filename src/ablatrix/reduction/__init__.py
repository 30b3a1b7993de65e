"""The smallest program that still has a trouble: delta debugging over the operations, sizes and values of a program.

    found = reduce(configuration, ReductionQuestion(kind="wrong_output"), Path("out/reduce"))

Every step is an ordinary trial under the same configuration, and beside it one under the reference, which must not
show the trouble. Results are ``repro.py``, which needs torch and the compiler alone, ``study.yaml`` and ``issue.md``.
"""

from ablatrix.reduction.question import OtherTrouble, Reduction, ReductionQuestion, reduction_data
from ablatrix.reduction.reduce import reduce
from ablatrix.reduction.results import run_script

__all__ = ["OtherTrouble", "Reduction", "ReductionQuestion", "reduce", "reduction_data", "run_script"]
