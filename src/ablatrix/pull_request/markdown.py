"""A comparison of two builds as the text of a pull request: five lines, a table, and the rest folded."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from ablatrix.analysis.builds import (
    CHANGED,
    BuildReport,
    Change,
    MetricBuilds,
    Turned,
    Word,
    change_text,
    dependence_text,
    interval_text,
    needs_text,
    same_code_text,
)
from ablatrix.analysis.groups import percent_text
from ablatrix.analysis.reasons import levels_text
from ablatrix.foreign_text import escaped
from ablatrix.pull_request.gate import OUTCOMES, WITH, Check, Gate

MOST_ROWS = 100
"""Of a table: of more, the results have all."""
MOST_CHARACTERS = 60_000
"""Of the text; a comment on GitHub may have 65,536."""
MOST_NAMED = 3
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~@$&])")


def markdown_text(gate: Gate, link: str | None = None) -> str:
    """Return the text of a pull request.

    Args:
        gate: The comparison, held against a policy.
        link: Where the whole results are.
    """
    report = gate.report
    first = [
        f"### ablatrix: {_plain(report.head)} against {_plain(report.base)}: {'passes' if gate.passes else 'fails'}",
        "\n".join(f"- {line}" for line in _summary(gate)),
        _table(gate),
    ]
    folded = {
        "What the change depends on": _dependences(report),
        f"Configurations that ended in another way: {len(report.turned)}": _turned(report.turned),
        "What it would take to know": _needs(report),
        "What was checked": _checks(gate.checks),
        "How it was measured": _measured(gate),
    }
    last = [] if link is None else [f"[All results]({_address(link)})"]
    return "\n\n".join([*first, *_within(folded, MOST_CHARACTERS - len("".join(first))), *last]) + "\n"


def _within(folded: Mapping[str, Sequence[str]], room: int) -> list[str]:
    """Return the parts that are folded, without the longest of them where they are too long together."""
    held = {title: _folded(title, parts) for title, parts in folded.items() if parts}
    omitted = []
    while held and sum(map(len, held.values())) > room:
        omitted.append(max(held, key=lambda title: len(held[title])))
        del held[omitted[-1]]
    return [*held.values(), *(f"{title}: too long for a comment, see the results." for title in omitted)]


def _summary(gate: Gate) -> Iterator[str]:
    """Yield the lines that stand first, five at most."""
    report = gate.report
    titles = {one.metric.name: _title(one).lower() for one in report.metrics}
    failing = [f"{_plain(one.workload)} on {_plain(one.compiler)} ({_what(one, titles)})" for one in gate.failing]
    yield f"**Fails**: {_some(failing)}." if failing else "**Passes**: nothing is worse than the policy allows."
    for one in report.metrics[:1]:
        yield f"**{_title(one)}**: {_counted(one, report.margin)}."
    others = [f"{_title(one).lower()} {_counted(one, report.margin)}" for one in report.metrics[1:]]
    if others:
        yield f"**Beside it**: {'; '.join(others)}."
    turns = Counter(one.turn for one in report.turned)
    ended = ", ".join(f"{count} {turn}" for turn, count in turns.items())
    yield f"**Outputs and failures**: {ended or 'every configuration ends as before'}."
    depends = [text for text in map(_plain, _dependence_lines(report)) if text]
    if depends:
        yield f"**Depends on a knob**: {_some(depends, 1)}."


def _what(check: Check, titles: Mapping[str, str]) -> str:
    name, _, level = check.what.partition(WITH)
    return titles.get(name, name) + (f"{WITH}{_plain(level)}" if level else "")


def _counted(one: MetricBuilds, margin: float) -> str:
    """Return how many workloads changed, with those that did."""
    words = Counter(change.word for change in one.changes)
    parts = []
    for word, count in sorted(words.items(), key=lambda item: get_args(Word).index(item[0])):
        named = [change for change in one.changes if change.word == word]
        text = f"same within {percent_text(margin)}" if word == "same" else word
        named_text = _some([_named(change) for change in named]) if word in CHANGED else ""
        parts.append(f"{count} {text}" + (f" ({named_text})" if named_text else ""))
    return ", ".join(parts)


def _named(change: Change) -> str:
    ratio = change.effect.ratio
    size = interval_text(ratio, exact=True) if ratio is not None else ""
    return f"{_plain(change.effect.workload)} on {_plain(change.effect.compiler)} {size}"


def _table(gate: Gate) -> str:
    """Return a row a workload and compiler, a column a metric, and how its trials ended."""
    report = gate.report
    cells = {(change.subject, one.metric.name): change for one in report.metrics for change in one.changes}
    ended = {(one.workload, one.compiler): one for one in gate.checks if one.what == OUTCOMES}
    rows = []
    for outcome in report.outcomes[:MOST_ROWS]:
        subject = (outcome.workload, outcome.compiler)
        own = [check for check in gate.checks if (check.workload, check.compiler) == subject]
        rows.append(
            [
                *map(_plain, subject),
                *(_cell(cells.get((subject, one.metric.name)), report.margin) for one in report.metrics),
                _plain(ended[subject].reason),
                _state(own),
            ]
        )
    heads = ["workload", "compiler", *map(_title, report.metrics), "outputs and failures", "policy"]
    rest = len(report.outcomes) - len(rows)
    return _grid(heads, rows) + (f"\n\n{rest} further rows are in the results." if rest else "")


def _state(checks: Sequence[Check]) -> str:
    states = {check.state for check in checks}
    return next(
        (f"**{one}**" if one == "fails" else one for one in ("fails", "open", "passes") if one in states), "not counted"
    )


def _cell(change: Change | None, margin: float) -> str:
    if change is None:
        return "not measured"
    said = change_text(change, margin)
    said = f"**{said}**" if change.word in CHANGED else said
    if change.effect.ratio is None:
        return said
    return f"{interval_text(change.effect.ratio, change.effect.exact)} {said}"


def _dependences(report: BuildReport) -> list[str]:
    rows = [
        [
            _plain(crossed.factor.effect.workload),
            _plain(crossed.factor.effect.compiler),
            _title(one),
            _plain(f"{crossed.knob}: {crossed.base_level} → {crossed.level}"),
            *(_cell(side, report.margin) for side in crossed.build_at),
            *(interval_text(side.effect.ratio, side.effect.exact) for side in crossed.knob_under),
        ]
        for one in report.metrics
        for crossed in one.crossings
        if crossed.depends
    ]
    if not rows:
        return []
    heads = ["workload", "compiler", "metric", "knob", "the change at its old level", "and at its new one"]
    heads += [f"the knob under {_plain(report.base)}", f"and under {_plain(report.head)}"]
    return [_grid(heads, rows[:MOST_ROWS])]


def _dependence_lines(report: BuildReport) -> Iterator[str]:
    for one in report.metrics[:1]:
        for crossed in one.crossings:
            text = dependence_text(crossed, report.margin)
            if text is not None:
                workload, compiler = crossed.factor.subject
                yield f"{workload} on {compiler} {text}"


def _turned(turned: Sequence[Turned]) -> list[str]:
    rows = [
        [
            *map(_plain, (one.workload, one.compiler, one.mode, levels_text(one.settings) or "the baseline", one.turn)),
            *(
                _plain(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in side.items()))
                for side in (one.before, one.after)
            ),
        ]
        for one in turned[:MOST_ROWS]
    ]
    heads = ["workload", "compiler", "mode", "configuration", "what", "before", "after"]
    return [_grid(heads, rows)] if rows else []


def _needs(report: BuildReport) -> list[str]:
    rows = [
        [
            *map(_plain, change.subject),
            _title(one),
            f"{interval_text(change.effect.ratio)} {change_text(change, report.margin)}",
            needs_text(change.needs, report.margin),
        ]
        for one in report.metrics
        for change in one.changes
        if change.needs is not None
    ]
    return [_grid(["workload", "compiler", "metric", "so far", "to settle it"], rows)] if rows else []


def _checks(checks: Sequence[Check]) -> list[str]:
    rows = [[*map(_plain, (one.workload, one.compiler, one.what, one.state, one.reason))] for one in checks[:MOST_ROWS]]
    return [_grid(["workload", "compiler", "what", "answer", "why"], rows)] if rows else []


def _measured(gate: Gate) -> list[str]:
    report = gate.report
    lines = [
        "A change is said where its p-value, adjusted over workloads and compilers (Holm), is at most 5 %, and it is "
        f"beyond {percent_text(report.margin)}. Both builds ran in the same blocks.",
    ]
    if report.sessions > 1:
        lines.append("Two sessions were run; only what both show is called a change.")
    lines += [_plain(f"{_title(one)}: {same_code_text(one.same_code)}.") for one in report.metrics[:1] if one.same_code]
    lines += [_plain(f"{_title(one)}: {line}.") for one in report.metrics[:1] for line in one.controls]
    lines += [
        _plain(f"{one.what}: {', '.join(one.before) or 'none'} → {', '.join(one.after) or 'none'}.")
        for one in report.differences
    ]
    lines += [_plain(f"{text}.") for text in report.only_one]
    return ["\n".join(f"- {line}" for line in lines)]


def _folded(title: str, parts: Sequence[str]) -> str:
    """Return parts below a line that opens them."""
    return f"<details>\n<summary>{title}</summary>\n\n" + "\n\n".join(parts) + "\n\n</details>"


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _some(texts: Sequence[str], most: int = MOST_NAMED) -> str:
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f", and {rest} more" if rest > 0 else "")


def _title(one: MetricBuilds) -> str:
    return one.metric.heading


def _plain(text: str) -> str:
    """Return text in which nothing is markup, a mention or a line end."""
    return SPECIAL.sub(r"\\\1", escaped(text))


def _address(link: str) -> str:
    return escaped(link).replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("<", "%3C")
