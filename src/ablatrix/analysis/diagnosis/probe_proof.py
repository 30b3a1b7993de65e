"""Proofs of many knobs: what is timed of a screening seldom differs in one knob alone, its untimed compiles do."""

from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.diagnosis.configurations import Unit, units
from ablatrix.analysis.diagnosis.knob_proof import KnobProof, prove_knobs


def prove_with_probes(trials: pl.DataFrame, several: Sequence[Unit] | None = None) -> list[KnobProof]:
    """Return the proofs of `prove_knobs`; by untimed compiles where no timed configurations differ in a knob alone.

    A knob of a screening is compiled by itself and as the last of all. Knobs that left, as they change nothing, are
    only in these compiles: they come last.

    Args:
        trials: The table of trials.
        several: Its measured configurations, where they are known already.
    """
    found = prove_knobs(trials, several)
    probed = {_key(one): one for one in prove_knobs(trials, units(trials, "probe"))}
    known = {_key(one) for one in found}
    settled = [probed.get(_key(one), one) if not one.pairs else one for one in found]
    return [*settled, *(one for key, one in probed.items() if key not in known)]


def _key(one: KnobProof) -> tuple[str, str, str, str, frozenset[str]]:
    return one.workload, one.digest, one.compiler, one.knob, one.between
