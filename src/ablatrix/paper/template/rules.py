"""The rules that the tables of a template must keep, checked before any record is read."""

from collections.abc import Iterator, Sequence

from ablatrix.documents.faults import Location, closest
from ablatrix.paper.template.sources import COLUMNS_OF, KNOBS, SIZES, TRIALS, is_mapped
from ablatrix.paper.template.spec import AnyTable, ColumnSpec, TableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import ENGLISH, Labels

Fault = tuple[Location, str]

OF_NUMBERS = ("mean", "median", "p50", "p95", "min", "max", "sum")
OF_TRIALS = ("outcome", "checks")


def table_faults(tables: Sequence[AnyTable]) -> Iterator[Fault]:
    """Yield each broken rule with its location in the document."""
    for index, table in enumerate(tables):
        location: Location = ("tables", index)
        if any(other.number == table.number for other in tables[:index]):
            yield (*location, "number"), f"there are two tables of number {table.number}; give one another number"
        if isinstance(table, TableSpec):
            yield from ((location + at, f"table {table.number}: {message}") for at, message in _faults(table))


def printed_heading(column: ColumnSpec, labels: Labels = ENGLISH) -> str:
    """Return a column's heading with its unit."""
    heading = words_in(column.heading, labels.code) or labels.heading(column.column)
    unit = words_in(column.unit, labels.code)
    return f"{heading} ({unit})" if unit else heading


def _faults(table: TableSpec) -> Iterator[Fault]:
    trials = table.source in TRIALS
    if trials and not table.group_by:
        yield (
            ("group_by",),
            f"a row of '{table.source}' is a trial, so 'group_by' must name the columns that make a row of the table; "
            "[workload, compiler, role, knobs] makes one for each configuration",
        )
    for position, name in enumerate(table.group_by):
        yield from _unknown(table, name, ("group_by", position))
    for name in table.filter:
        yield from _unknown(table, name, ("filter", name))
    for position, name in enumerate(table.sort):
        if name not in table.group_by:
            choices = ", ".join(table.group_by) or "nothing, so that rows are in the order of the source"
            yield ("sort", position), f"sort names '{name}', which is not in group_by; group_by has: {choices}"
    headings: list[str] = []
    for position, column in enumerate(table.columns):
        location: Location = ("columns", position)
        yield from ((location + at, message) for at, message in _column_faults(table, column))
        heading = printed_heading(column)
        if heading in headings:
            yield location, f"two columns have the same heading '{heading}'; give one another 'heading'"
        headings.append(heading)


def _column_faults(table: TableSpec, column: ColumnSpec) -> Iterator[Fault]:
    name, aggregation = column.column, column.aggregation
    unknown = list(_unknown(table, name, ("column",)))
    yield from unknown
    for key in column.filter:
        yield from _unknown(table, key, ("filter", key))
    if unknown:
        return
    if name in (KNOBS, SIZES) and aggregation != "value":
        yield (
            ("aggregation",),
            f"'{name}' means several columns, which cannot be aggregated; remove 'aggregation'",
        )
    if aggregation == "value" and table.group_by and name not in table.group_by and not _is_expanded(table, name):
        yield (
            ("column",),
            f"column '{name}' is shown as a value but is not in group_by; add it there, or give it an aggregation "
            f"(only, {', '.join(OF_NUMBERS)}, ratio)",
        )
    if aggregation in OF_TRIALS and table.source not in TRIALS:
        yield ("aggregation",), f"'{aggregation}' needs trials; source '{table.source}' has none, {_join(TRIALS)} have"
    if column.over == "all" and table.source not in TRIALS:
        yield ("over",), f"only trials can be ok or not; source '{table.source}' has none, {_join(TRIALS)} have"
    is_number = COLUMNS_OF[table.source].get(name, True)
    if (aggregation in OF_NUMBERS or (aggregation == "ratio" and table.source in TRIALS)) and not is_number:
        yield ("column",), f"column '{name}' has no numbers to take the {aggregation} of"
    if aggregation == "ratio" and table.source not in TRIALS and f"{name}_low" not in COLUMNS_OF[table.source]:
        there = [key for key in COLUMNS_OF[table.source] if f"{key}_low" in COLUMNS_OF[table.source]]
        yield (
            ("column",),
            f"column '{name}' of source '{table.source}' is not a ratio with an interval; "
            + (f"these are: {', '.join(there)}" if there else f"{_join((*TRIALS, 'effects'))} have such columns"),
        )
    if column.format and (aggregation in OF_TRIALS or (aggregation in ("value", "only") and not is_number)):
        yield ("format",), f"column '{name}' has no numbers, so it takes no format; remove 'format'"


def _unknown(table: TableSpec, name: str, location: Location) -> Iterator[Fault]:
    known = COLUMNS_OF[table.source]
    if name in known or is_mapped(table.source, name) or name == SIZES:
        return
    if name == KNOBS and table.source in TRIALS:
        return
    remedy = closest(name, list(known)) or "; docs/paper-template.md lists them"
    yield location, f"there is no column '{name}' in source '{table.source}'{remedy}"


def _is_expanded(table: TableSpec, name: str) -> bool:
    """Return whether group_by has the column through a word that means several columns."""
    prefixes = {KNOBS: "knob_", SIZES: "parameter_"}
    return any(word in table.group_by and name.startswith(prefix) for word, prefix in prefixes.items())


def _join(names: Sequence[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
