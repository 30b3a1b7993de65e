"""The sources ``effects`` and ``attribution``: one row per effect, with the proof that its knob did anything."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.diagnosis import KnobProof, proof_text, prove_knobs
from ablatrix.analysis.effects import NO_OP, Effect, Evidence, Judgement, Question, evidence_frame, gather, verdict_text
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import grouped
from ablatrix.analysis.reasons import optional_text
from ablatrix.errors import AnalysisError
from ablatrix.paper.template.sources import COLUMNS_OF
from ablatrix.statistics.ratio import Ratio

NOT_ATTRIBUTABLE = "not attributable"
TOTAL = "total"
PROOFS: Mapping[str, str] = {
    "effective": "differs",
    "no_op": NO_OP,
    "aliased": "differs in part",
    "unproven": "unproven",
}
SHARES: Mapping[str, str] = {"add_one_in": "alone", "shapley": "share", "leave_one_out": "last"}

Key = tuple[Any, ...]


def effect_rows(findings: Findings, origin: Sequence[str]) -> pl.DataFrame:
    """Return all effects, and the geometric means over workloads, with the columns that a table shows.

    Args:
        findings: What is estimated from the trials.
        origin: Columns that distinguish mixed records or sizes of a workload; they become columns in front.
    """
    evidence = _evidence(findings, origin)
    frame = evidence_frame(evidence)
    proofs = _proofs(findings, origin) if not frame.is_empty() else {}
    added: dict[str, list[str | None]] = {"change": [], "proof": [], "proof_text": []}
    for row in frame.iter_rows(named=True):
        unit = (*(row[name] for name in origin), row["workload"], row["compiler"])
        moved = (row["knob"], frozenset((row["base_level"], row["level"])))
        proof = proofs.get((*unit, *moved)) if row["other_knob"] is None else None
        added["change"].append(_change(row["knob"], row["other_knob"], row["base_level"], row["level"]))
        added["proof"].append(None if proof is None else PROOFS[proof.verdict])
        added["proof_text"].append(None if proof is None else proof_text(proof))
    added["verdict_text"] = _verdict_texts(evidence)
    return frame.with_columns(pl.Series(name, texts, pl.String()) for name, texts in added.items())


def attribution_rows(findings: Findings, origin: Sequence[str]) -> pl.DataFrame:
    """Return for each attribution one row per knob, and one for the total that they are parts of.

    ``of_total`` is a share's part of the total on the logarithmic scale; null if the total's interval contains 1, as
    there is nothing to divide.
    """
    rows: list[dict[str, Any]] = []
    for evidence in _evidence(findings, origin):
        total: Effect | None = None
        by_knob: dict[str, dict[str, Any]] = {}
        for effect in evidence.effects:
            fields = dict(zip(origin, map(str, effect.origin), strict=True)) | _fields(effect)
            if effect.kind == "total":
                total, by_knob = effect, {}
                rows.append(fields | _shown("share", effect.ratio) | {"of_total": 1.0 if _divides(effect) else None})
            elif effect.kind in SHARES and effect.knob is not None:
                if effect.knob not in by_knob:
                    by_knob[effect.knob] = fields
                    rows.append(fields)
                row = by_knob[effect.knob]
                row |= _shown(SHARES[effect.kind], effect.ratio)
                if effect.kind == "shapley":
                    row |= {name: fields[name] for name in ("blocks", "blocks_left_out", "not_attributable")}
                    row["of_total"] = _part(effect, total)
    return pl.DataFrame(rows, schema=_attribution_schema(origin), infer_schema_length=None)


def _evidence(findings: Findings, origin: Sequence[str]) -> Sequence[Evidence]:
    if not origin:
        return findings.evidence
    try:
        return gather(findings.found, Question(), origin)
    except AnalysisError:  # no knob varies, so there is no effect
        return ()


def _proofs(findings: Findings, origin: Sequence[str]) -> dict[Key, KnobProof]:
    parts: Iterable[tuple[Key, Sequence[KnobProof]]] = [((), findings.proofs)]
    if origin:
        parts = [(key, prove_knobs(part)) for key, part in grouped(findings.trials, origin)]
    return {
        (*map(str, key), proof.workload, proof.compiler, proof.knob, proof.between): proof
        for key, proofs in parts
        for proof in proofs
    }


def _verdict_texts(evidence: Sequence[Evidence]) -> list[str | None]:
    """Return the verdicts as a table shows them, in the order of `evidence_frame`; None for what is not tested."""
    judgements = [one for held in evidence for one in held.judgements]
    judgements += [one for held in evidence for one in held.mean_judgements]
    return [None if one is None else _verdict_text(one) for one in judgements]


def _verdict_text(judgement: Judgement) -> str:
    """Return a verdict in few words: the column beside it says what a no-op is."""
    return NO_OP if judgement.verdict == NO_OP else verdict_text(judgement) or NOT_ATTRIBUTABLE


def _change(knob: str | None, other: str | None, base: str | None, level: str | None) -> str:
    if knob is None:
        return f"{TOTAL}: {base} → {level}"
    return f"{knob} x {other}" if other else f"{knob}: {base} → {level}"


def _fields(effect: Effect) -> dict[str, Any]:
    return {
        "metric": effect.metric,
        "mode": effect.mode,
        "workload": effect.workload,
        "compiler": effect.compiler,
        "stage": effect.stage,
        "change": _change(effect.knob, effect.other, effect.base_level, effect.level),
        "knob": effect.knob or TOTAL,
        "base_level": effect.base_level,
        "level": effect.level,
        "blocks": effect.ratio.count if effect.ratio else 0,
        "blocks_left_out": effect.blocks_left_out,
        "not_attributable": optional_text(effect.reason),
    }


def _shown(name: str, ratio: Ratio | None) -> dict[str, float | None]:
    ends = (ratio.value, ratio.low, ratio.high) if ratio else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))


def _divides(total: Effect | None) -> bool:
    return total is not None and total.ratio is not None and total.ratio.side != 0


def _part(share: Effect, total: Effect | None) -> float | None:
    if share.ratio is None or total is None or total.ratio is None or not _divides(total):
        return None
    return math.log(share.ratio.value) / math.log(total.ratio.value) + 0.0  # 0.0: no -0 %


def _attribution_schema(origin: Sequence[str]) -> dict[str, pl.DataType]:
    text, whole, real = pl.String(), pl.Int64(), pl.Float64()
    counts = ("blocks", "blocks_left_out")
    kinds: dict[str, pl.DataType] = {
        name: whole if name in counts else real if is_number else text
        for name, is_number in COLUMNS_OF["attribution"].items()
    }
    return {**dict.fromkeys(origin, text), **kinds}
