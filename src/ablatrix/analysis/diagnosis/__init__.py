"""Did a knob act, what explains failures and slow-downs, what is worth its cost."""

from ablatrix.analysis.diagnosis.break_even import BreakEven, find_break_even
from ablatrix.analysis.diagnosis.causes import Causes, find_causes
from ablatrix.analysis.diagnosis.configurations import UNIT, Setting, Settings, Unit, by_block, described, units
from ablatrix.analysis.diagnosis.knob_proof import KnobProof, claimed_fault, proof_grounds, proof_text, prove_knobs
from ablatrix.analysis.diagnosis.pareto import OBJECTIVES, Front, find_fronts
from ablatrix.analysis.diagnosis.probe_proof import prove_with_probes

__all__ = [
    "OBJECTIVES",
    "UNIT",
    "BreakEven",
    "Causes",
    "Front",
    "KnobProof",
    "Setting",
    "Settings",
    "Unit",
    "by_block",
    "claimed_fault",
    "described",
    "find_break_even",
    "find_causes",
    "find_fronts",
    "proof_grounds",
    "proof_text",
    "prove_knobs",
    "prove_with_probes",
    "units",
]
