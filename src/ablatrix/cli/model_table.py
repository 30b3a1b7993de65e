"""The table of the command ``models``: which compiler takes which model, beside its own plain use, and why not."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ablatrix.records.status import Status

if TYPE_CHECKING:
    from ablatrix.records.model import Record
    from ablatrix.records.plain_use import PlainUse

REASON_LENGTH = 240


def table_text(
    found: "Mapping[str, Sequence[Record]]",
    kinds: Mapping[str, str],
    used: "Mapping[str, Mapping[str, PlainUse]]" = MappingProxyType({}),
) -> str:
    """Return the table of which compiler supports which model, and the reason where one does not.

    Args:
        found: The record of each model, by compiler.
        kinds: What kind of model each is, by name, in order.
        used: What became of the compiler's own plain use on each model, by compiler.
    """
    known = {record.workload.name: record.workload for records in found.values() for record in records}
    workloads = {name: known[name] for name in kinds if name in known}
    refused = {
        record.workload.name: record
        for records in found.values()
        for record in records
        if record.status is Status.NOT_PREPARED
    }
    by_name = {compiler: {one.workload.name: one for one in records} for compiler, records in found.items()}
    lines = [
        f"| model | kind | weights | prepared | {' | '.join(found)} |",
        f"| --- | --- | ---: | --- | {' | '.join('---' for _ in found)} |",
    ]
    for name, facts in workloads.items():
        cells = [_cell(by_name[one].get(name), used.get(one, {}).get(name)) for one in found]
        weights = "" if name in refused else f"{facts.parameter_count:,}"
        prepared = "no" if name in refused else "yes"
        lines.append(f"| {name} | {kinds[name]} | {weights} | {prepared} | {' | '.join(cells)} |")
    prepared_count = len(workloads) - len(refused)
    counts = " | ".join(
        f"{sum(one.status is Status.OK for one in by_name[compiler].values())} of {prepared_count}"
        for compiler in found
    )
    lines.append(f"| **taken** | | | {prepared_count} of {len(workloads)} | {counts} |")
    if used:
        plain = " | ".join(_plain_count(used.get(compiler), len(workloads)) for compiler in found)
        lines.append(f"| **plain use** | | | | {plain} |")
    reasons = list(_reasons(workloads, refused, by_name, used))
    text = "\n".join(lines) + "\n"
    return text if not reasons else text + "\n" + "\n".join(reasons) + "\n"


def _cell(record: "Record | None", use: "PlainUse | None") -> str:
    """Return one entry; plain use is in it where it came out otherwise."""
    if record is None:
        return "not tried"
    unprepared = record.status is Status.NOT_PREPARED
    word = "" if unprepared else "yes" if record.status is Status.OK else record.status.replace("_", " ")
    if use is None or (use.status is Status.OK) == (record.status is Status.OK):
        return word
    return f"{word} (plain: {'yes' if use.status is Status.OK else 'no'})".strip()


def _plain_count(used: "Mapping[str, PlainUse] | None", count: int) -> str:
    return "" if used is None else f"{sum(one.status is Status.OK for one in used.values())} of {count}"


def _reasons(
    workloads: Mapping[str, Any],
    refused: "Mapping[str, Record]",
    by_name: "Mapping[str, Mapping[str, Record]]",
    used: "Mapping[str, Mapping[str, PlainUse]]",
) -> Iterator[str]:
    """Yield a line for each no: of preparation, of ours, of plain use."""
    for name in workloads:
        if name in refused:
            yield f"- {name}, not prepared: {_reason(refused[name])}"
            continue
        for compiler, records in by_name.items():
            record = records.get(name)
            if record is not None and record.status is not Status.OK:
                yield f"- {name} on {compiler}: {_reason(record)}"
    for name in workloads:
        for compiler, uses in used.items():
            use = uses.get(name)
            if use is not None and use.status is not Status.OK:
                word = use.status.replace("_", " ")
                yield f"- {name}, plain use of {compiler}: {word}: {_cut(use.message or '')}"


def _reason(record: "Record") -> str:
    if record.error is not None:
        return _cut(record.error.message)
    correctness = record.correctness
    return f"outputs differ by {correctness.max_abs_diff:g}" if correctness is not None else record.status


def _cut(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= REASON_LENGTH else f"{text[:REASON_LENGTH].rstrip()}..."
