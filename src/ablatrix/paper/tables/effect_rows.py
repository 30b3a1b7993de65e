"""The sources ``effects`` and ``attribution``: one row per effect, with the proof that its knob did anything."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from ablatrix.analysis.diagnosis import KnobProof, proof_grounds, prove_knobs
from ablatrix.analysis.effects import (
    NO_OP,
    Effect,
    Evidence,
    Judgement,
    Question,
    evidence_frame,
    gather,
    verdict_text,
    verdict_word,
)
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import grouped
from ablatrix.analysis.reasons import optional_text, text_of
from ablatrix.errors import AnalysisError
from ablatrix.paper.tables.source_rows import SourceRows, Words, enter
from ablatrix.paper.tables.word import Cell, both
from ablatrix.paper.template.sources import COLUMNS_OF
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.statistics.ratio import Ratio

TOTAL = "total"
SHARES: Mapping[str, str] = {"add_one_in": "alone", "shapley": "share", "leave_one_out": "last"}

Key = tuple[Any, ...]


def effect_rows(findings: Findings, origin: Sequence[str], labels: Labels = ENGLISH) -> SourceRows:
    """Return all effects, and the geometric means over workloads, with the columns that a table shows.

    Args:
        findings: What is estimated from the trials.
        origin: Columns that distinguish mixed records or sizes of a workload; they become columns in front.
        labels: The words of the paper's language.
    """
    evidence = evidence_of(findings, origin)
    frame = evidence_frame(evidence)
    proofs = _proofs(findings, origin) if not frame.is_empty() else {}
    added: dict[str, list[Cell | None]] = {"change": [], "proof": [], "proof_text": []}
    for row in frame.iter_rows(named=True):
        unit = (*(row[name] for name in origin), row["workload"], row["compiler"])
        moved = (row["knob"], frozenset((row["base_level"], row["level"])))
        proof = proofs.get((*unit, *moved)) if row["other_knob"] is None else None
        change = (row["knob"], row["other_knob"], row["base_level"], row["level"])
        added["change"].append(both(labels, partial(printed_change, change)))
        added["proof"].append(None if proof is None else both(labels, partial(_proof, proof)))
        added["proof_text"].append(None if proof is None else both(labels, partial(_grounds, proof)))
    added["verdict_text"] = _verdict_texts(evidence, labels)
    words = reasons_in_words([effect for one in evidence for effect in one.effects], labels)
    columns = [pl.Series(name, enter(words, name, texts), pl.String()) for name, texts in added.items()]
    return SourceRows(frame.with_columns(columns), words)


def attribution_rows(findings: Findings, origin: Sequence[str], labels: Labels = ENGLISH) -> SourceRows:
    """Return for each attribution one row per knob, and one for the total that they are parts of.

    ``of_total`` is a share's part of the total on the logarithmic scale; null if the total's interval contains 1, as
    there is nothing to divide.
    """
    rows: list[dict[str, Any]] = []
    every = evidence_of(findings, origin)
    for evidence in every:
        total: Effect | None = None
        by_knob: dict[str, dict[str, Any]] = {}
        for effect in evidence.effects:
            fields = dict(zip(origin, map(str, effect.origin), strict=True)) | _fields(effect, labels)
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
    words = reasons_in_words([effect for one in every for effect in one.effects], labels)
    for row, text in zip(rows, enter(words, "change", [row["change"] for row in rows]), strict=True):
        row["change"] = text
    return SourceRows(pl.DataFrame(rows, schema=_attribution_schema(origin), infer_schema_length=None), words)


def reasons_in_words(effects: Iterable[Effect], labels: Labels) -> Words:
    """Return how the reasons of effects that have no ratio are said in the paper's language."""
    reasons = dict.fromkeys(effect.reason for effect in effects if effect.reason is not None)
    return {"not_attributable": {text_of(one): text_of(one, labels.language) for one in reasons}}


def evidence_of(findings: Findings, origin: Sequence[str]) -> Sequence[Evidence]:
    """Return all effects, of mixed records by their origins; nothing where no knob varies."""
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


def _proof(proof: KnobProof, labels: Labels) -> str:
    return labels(f"proof_{proof.verdict}")


def _grounds(proof: KnobProof, labels: Labels) -> str:
    return text_of(proof_grounds(proof), labels.language)


def _verdict_texts(evidence: Sequence[Evidence], labels: Labels) -> list[Cell | None]:
    """Return the verdicts as a table shows them, in the order of `evidence_frame`; None for what is not tested."""
    judgements = [one for held in evidence for one in held.judgements]
    judgements += [one for held in evidence for one in held.mean_judgements]
    return [None if one is None else both(labels, partial(printed_verdict, one)) for one in judgements]


def printed_verdict(judgement: Judgement, labels: Labels) -> str:
    """Return a verdict in few words: the column beside it says what a no-op is."""
    if judgement.verdict == NO_OP:
        return verdict_word(NO_OP, labels.language)
    said = verdict_text(judgement, language=labels.language) or labels("not_attributable_cell")
    return said.replace(" %", "%")  # as everywhere in the paper


def printed_change(change: tuple[str | None, str | None, str | None, str | None], labels: Labels) -> str:
    """Return what is changed: a knob from one level to another, two knobs, or all of them."""
    knob, other, base, level = change
    if knob is None:
        return labels("moved", knob=labels("whole"), base=base, level=level)
    if other:
        return labels("interaction", knob=labels.knob(knob), other=labels.knob(other))
    return labels.step(knob, base, level)


def _fields(effect: Effect, labels: Labels) -> dict[str, Any]:
    change = (effect.knob, effect.other, effect.base_level, effect.level)
    return {
        "metric": effect.metric,
        "mode": effect.mode,
        "workload": effect.workload,
        "compiler": effect.compiler,
        "stage": effect.stage,
        "change": both(labels, partial(printed_change, change)),
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
