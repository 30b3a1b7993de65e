"""References from the text to the tables and figures of the template: their numbers, which LaTeX has as labels."""

from collections.abc import Mapping, Sequence
from typing import Literal

from ablatrix.paper.fragment import Fragment, Name, say
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.number import WHOLE
from ablatrix.paper.template.figures import FigureSpec
from ablatrix.paper.template.spec import Template

Subject = Literal["results", "setup", "shares", "effects", "compile", "memory", "axes", "screening"]
Family = Literal["figure", "table"]
Form = Literal["see", "at_end", "inside", "sizes_in", "levels_in"]
"""Within a clause; at its end; within brackets; or as where the sizes of workloads, or the levels of knobs, are."""

SHOWN_IN: Mapping[Subject, Sequence[tuple[Family, str]]] = {
    "results": (("table", "ablation"), ("table", "cells")),
    "setup": (("table", "setup"), ("table", "workloads")),
    "shares": (("figure", "attribution"),),
    "effects": (("figure", "main_effects"), ("table", "effects")),
    "compile": (("figure", "break_even"), ("figure", "phases")),
    "axes": (("figure", "along_axes"), ("table", "along_axes")),
    "screening": (("figure", "screening"),),
    "memory": (("figure", "memory"), ("figure", "memory_latency"), ("table", "memory")),
}
"""Kinds of figures, and kinds or sources of tables, that show what a sentence is about: the first that there is."""
LABELS: Mapping[Family, str] = {"figure": "fig", "table": "tab"}


class References:
    """The tables and figures that a paper has, by what they show."""

    def __init__(self, template: Template | None = None, lacking: Sequence[int] = ()) -> None:
        """Take the template of the paper, and the numbers of its figures that have nothing to draw."""
        self._numbers: dict[tuple[Family, str], int] = {}
        if template is None:
            return
        for table in template.tables:
            kind = getattr(table, "kind", "rows")
            self._add("table", str(getattr(table, "source", kind)) if kind == "rows" else str(kind), table.number)
        figures: Sequence[FigureSpec] = [one for one in template.figures if one.number not in lacking]
        for figure in figures:
            self._add("figure", figure.kind, figure.number)

    def _add(self, family: Family, kind: str, number: int) -> None:
        self._numbers.setdefault((family, kind), number)

    def to(self, ledger: Ledger, subject: Subject, phrase: Form = "see") -> Fragment:
        """Return a reference to what shows a subject, as a phrase puts it; nothing where nothing does."""
        for family, kind in SHOWN_IN[subject]:
            number = self._numbers.get((family, kind))
            if number is not None:
                label = f"{LABELS[family]}:{number}"
                parameters = {"source": f"{family} of the template", "label": label}
                held = ledger.enter(f"reference/{family}{number}", "constant", number, WHOLE, (), parameters)
                return say(f"{phrase}/{family}", number=held)
        return Name("")
