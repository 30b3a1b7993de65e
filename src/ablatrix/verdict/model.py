"""The answer whether a study is done: a verdict, and its criteria."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from ablatrix.analysis.runs import PrimaryMatrix, Stability

State = Literal["holds", "fails", "undecided"]
SHOWN = 6


@dataclass(frozen=True)
class Criterion:
    """One criterion.

    Attributes:
        letter: ``a`` to ``d``.
        question: What it asks.
        numbers: What the answer rests on, by name.
        findings: What does not hold, or why it is undecided; empty when it holds.
    """

    letter: str
    question: str
    state: State
    numbers: Mapping[str, Any]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The answer to all four.

    Attributes:
        stability: How stable the repeats are, for (a).
        matrices: How much of the primary matrix is whole, for (a).
        notes: What else the reader should know, such as sentences without data.
    """

    criteria: tuple[Criterion, ...]
    stability: tuple[Stability, ...]
    matrices: tuple[PrimaryMatrix, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the study is done."""
        return all(one.state == "holds" for one in self.criteria)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a row a criterion, with what does not hold."""
        rows = "".join(
            f"<tr><td>({one.letter})</td><td>{escape(one.question)}</td><td>{one.state}</td>"
            f"<td>{'<br>'.join(map(escape, one.findings[:SHOWN]))}</td></tr>"
            for one in self.criteria
        )
        notes = "".join(f"<br>note: {escape(note)}" for note in self.notes)
        answer = "all four hold" if self.holds else "not done"
        return f"<div><b>Verdict: {answer}</b><table><tbody>{rows}</tbody></table>{notes}</div>"


def answered(
    letter: str, question: str, numbers: Mapping[str, Any], findings: Sequence[str], undecided: bool = False
) -> Criterion:
    """Return a criterion that holds when there is no finding, and otherwise fails or is undecided."""
    state: State = "undecided" if undecided else "fails" if findings else "holds"
    return Criterion(letter, question, state, numbers, tuple(findings))
