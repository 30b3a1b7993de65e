"""The main table: a row a workload, with the speed-up of each knob alone, of all of them, and of all but each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from ablatrix.analysis.effects import Ablation, Move, SpeedUp, Value
from ablatrix.analysis.groups import families
from ablatrix.analysis.reasons import optional_text
from ablatrix.paper.axis_words import over_words
from ablatrix.paper.number import Number
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.largest_moves import largest_moves, largest_note
from ablatrix.paper.tables.printed import Position, PrintedTable
from ablatrix.paper.tables.sources import TableSources, knob_heading, move_name
from ablatrix.paper.tables.word import Cell, both
from ablatrix.paper.template.spec import AblationTableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import Labels
from ablatrix.provenance.keys import key_part
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC

SAME = "="
_SHOWN = {HOT_METRIC: "run_ms_p50", COLD_METRIC: COLD_METRIC}  # paired times are no times of their own


@dataclass(frozen=True, kw_only=True)
class _Column:
    """One column of speed-ups.

    Attributes:
        name: Its part of the key of a number.
        of: The speed-up of an ablation; None where it has none.
        is_over_base: Whether it is over the base, so that it competes for the best.
    """

    group: Cell
    heading: Cell
    name: str
    of: Callable[[Ablation], SpeedUp | None]
    is_over_base: bool = True


@dataclass(frozen=True)
class _Entry:
    """A cell: its text, its number where it has one, and why it has none."""

    text: str
    number: Number | None = None
    why: str = ""


def ablation_tables(sources: TableSources, spec: AblationTableSpec) -> list[PrintedTable]:
    """Return the main table: one part for all compilers that have the same knobs, one without rows where none varies.

    Args:
        sources: The input; every number is entered in its ledger.
        spec: The template's entry.
    """
    metric, mode = sources.metric(spec.mode)
    parts: dict[object, list[Ablation]] = {}
    for one in sources.findings.ablations(metric, mode):
        parts.setdefault(one.steps, []).append(one)
    if not parts:
        return [_Part(sources, spec, [], is_only=True).printed()]
    return [_Part(sources, spec, found, is_only=len(parts) == 1).printed() for found in parts.values()]


class _Part:
    """The workloads on compilers that have the same knobs."""

    def __init__(
        self, sources: TableSources, spec: AblationTableSpec, found: Sequence[Ablation], is_only: bool
    ) -> None:
        self.sources, self.spec, self.found, self.is_only = sources, spec, found, is_only
        self.labels = sources.labels
        self.compilers = list(dict.fromkeys(one.compiler for one in found))
        self.largest = largest_moves(found, _ratios_alone)
        self.columns = self._columns()
        self.reasons: dict[str, str] = {}
        self.with_axes = sources.by_variant(found)

    def printed(self) -> PrintedTable:
        """Return the part as it is printed."""
        several, word = len(self.compilers) > 1, self.sources.word
        names = [word("workload"), *([word("axes")] if self.with_axes else [])]
        names += [word("compiler")] if several else []
        headings = [*names, self._in_ms(lambda it: it("baseline")), *(column.heading for column in self.columns)]
        groups: list[Cell] = [*[""] * (len(names) + 1), *(column.group for column in self.columns)]
        has_eager = any(one.base_over_eager is not None for one in self.found)
        if has_eager:
            headings.append(self._in_ms(Labels.eager))
            groups.append("")
        ordered = self.sources.in_order(self.found, self.compilers)
        rows: list[tuple[Cell, ...]] = []
        best: set[Position] = set()
        marks: dict[Position, str] = {}
        for row, one in enumerate(ordered):
            entries = [self._entry(one, column) for column in self.columns]
            times = [self._base_time(one), *entries, *([self._eager_time(one)] if has_eager else [])]
            subject = self.sources.names(one, ordered[row - 1] if row else None, several, self.with_axes)
            rows.append((*subject, *(entry.text for entry in times)))
            best |= {(row, len(names) + 1 + at) for at in self._best(entries)}
            marks |= {(row, len(names) + at): self._mark(entry.why) for at, entry in enumerate(times) if entry.why}
        means = [one for one in self.compilers if sum(held.compiler == one for held in self.found) > 1]
        for compiler in means:
            entries = [self._mean(compiler, column) for column in self.columns]
            cells = [NOTHING, *(entry.text for entry in entries), *([NOTHING] if has_eager else [])]
            best |= {(len(rows), len(names) + 1 + at) for at in self._best(entries)}
            marks |= {
                (len(rows), len(names) + 1 + at): self._mark(entry.why) for at, entry in enumerate(entries) if entry.why
            }
            named = [*([""] if self.with_axes else []), *([self.sources.compiler(compiler)] if several else [])]
            rows.append((word("geometric_mean"), *named, *cells))
        return PrintedTable(
            number=self.spec.number,
            title=words_in(self.spec.title, self.labels.code),
            caption=words_in(self.spec.caption, self.labels.code),
            heading_cells=tuple(headings),
            group_cells=tuple(groups),
            is_number=tuple(index >= len(names) for index in range(len(headings))),
            cells=tuple(rows),
            notes=tuple(self._notes(any(SAME in row for row in rows))),
            part_word="" if self.is_only else self.sources.compilers(self.compilers),
            best=frozenset(best),
            marks=dict(sorted(marks.items())),
            footer=len(means),
            labels=self.labels,
        )

    def _in_ms(self, say: Callable[[Labels], str]) -> Cell:
        return both(self.labels, lambda it: f"{say(it)} (ms)")

    def _columns(self) -> list[_Column]:
        if not self.found:
            return []
        first, word = self.found[0], self.sources.word
        columns = [
            _Column(
                group=word("alone"),
                heading=knob_heading(self.labels, first.moves, move),
                name=move_name(move.knob, move.level),
                of=lambda one, at=index: one.alone[at],  # type: ignore[misc]
            )
            for index, move in ((index, first.moves[index]) for index in self.largest.shown)
        ]
        if len(first.path) > 1:
            columns.append(_Column(group="", heading=word("all_on"), name="all", of=lambda one: one.whole))
            columns += [
                _Column(
                    group=word("without"),
                    heading=knob_heading(self.labels, first.path, move),
                    name=f"without/{key_part(move.knob)}",
                    of=lambda one, at=index: one.without[at],  # type: ignore[misc]
                )
                for index, move in enumerate(first.path)
            ]
        has_whole = any(one.whole_over_eager is not None for one in self.found)
        if has_whole or any(one.base_over_eager is not None for one in self.found):
            columns.append(
                _Column(
                    group="",
                    heading=word("all_over_eager" if has_whole else "baseline_over_eager"),
                    name="all" if has_whole else "baseline",
                    of=lambda one: one.whole_over_eager if has_whole else one.base_over_eager,
                    is_over_base=False,
                )
            )
        return columns

    def _entry(self, one: Ablation, column: _Column) -> _Entry:
        found = column.of(one)
        if found is None:
            return _Entry(NOTHING)
        if found.is_same_program:
            return _Entry(SAME)
        number = self._number(one, column, found)
        if number is None:
            return _Entry(NOTHING, why=optional_text(found.reason, self.labels.language) or "")
        return _Entry(number.text, number)

    def _number(self, one: Ablation, column: _Column, found: SpeedUp) -> Number | None:
        enter = self.sources.speed_up if column.is_over_base else self.sources.over_eager
        return enter(one, column.name, found)

    def _mean(self, compiler: str, column: _Column) -> _Entry:
        """Return the geometric mean over the workloads on which the knob acts, with a mark where some are missing."""
        own = [one for one in self.found if one.compiler == compiler]
        acting = [(one, found) for one in own if (found := column.of(one)) is not None and not found.is_same_program]
        members = {
            number.key: found for one, found in acting if (number := self._number(one, column, found)) is not None
        }
        if not members:
            return _Entry(NOTHING if acting else SAME) if own and column.of(own[0]) is not None else _Entry(NOTHING)
        name = column.name if column.is_over_base else f"{column.name}_over_eager"
        number = self.sources.mean(compiler, name, own[0].metric, members, column.is_over_base)
        assert number is not None
        lacks = len(members) < len(own)
        why = self.labels("mean_of", count=len(members), of=len(own)) if lacks else ""
        return _Entry(number.text, number, why)

    def _best(self, entries: Sequence[_Entry]) -> list[int]:
        """Return the columns of the largest speed-up over the base, where there is one at all."""
        held = {
            at: float(entry.number.value)
            for at, (entry, column) in enumerate(zip(entries, self.columns, strict=True))
            if entry.number is not None and column.is_over_base
        }
        most = max(held.values(), default=0.0)
        texts = {entries[at].text for at, value in held.items() if value == most}
        return [at for at in held if most > 1.0 and entries[at].text in texts] if len(held) > 1 else []

    def _base_time(self, one: Ablation) -> _Entry:
        unit, column = self.sources.unit(one), _SHOWN[one.metric]
        rows = self.sources.estimates.finder.at(unit, one.mode, one.base, column)
        return _entry_of(self.sources.median(f"baseline/{unit.key}/{key_part(column)}", rows, column, 1.0, "ms"))

    def _eager_time(self, one: Ablation) -> _Entry:
        unit, column = self.sources.unit(one), _SHOWN[one.metric]
        rows = self.sources.estimates.finder.eager(unit, one.mode, column)
        return _entry_of(self.sources.median(f"eager/{unit.workload_key}/{key_part(column)}", rows, column, 1.0, "ms"))

    def _mark(self, why: str) -> str:
        return self.reasons.setdefault(why, ascii_lowercase[len(self.reasons) % len(ascii_lowercase)])

    def _move(self, move: Move) -> str:
        levels = (self.labels.level(move.knob, level) for level in (move.base_level, move.level))
        return self.labels("knob_move", knob=self.labels.knob(move.knob), levels=" → ".join(levels))

    def _notes(self, has_same: bool) -> list[str]:
        if not self.found:
            return [self.labels("no_row")]
        moves = self.labels("comma").join(self._move(self.found[0].moves[index]) for index in self.largest.shown)
        notes = [self.labels("knob_levels", moves=moves), *largest_note(self.largest, self.labels)]
        notes += [self.labels("same_program")] if has_same else []
        if self.with_axes:
            names, variants = [one.workload for one in self.found], self.sources.findings.variants
            word = "mean_of_values" if len(families(names, variants)) == 1 else "mean_of_variants"
            notes.append(self.labels(word, over=over_words(self.labels, names, variants)))
        return [*notes, *(self.labels("marked", mark=letter, why=why) for why, letter in self.reasons.items())]


def _ratios_alone(one: Ablation, index: int) -> Value:
    found = one.alone[index]
    return 1.0 if found.is_same_program else found.ratio


def _entry_of(number: Number | None) -> _Entry:
    return _Entry(NOTHING) if number is None else _Entry(number.text, number)
