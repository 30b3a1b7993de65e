"""The report of a reproduction for people: one page of Markdown, and one of self-contained HTML."""

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablatrix.artifact.reproduction.reproduction import WORDS, Claim, ReproductionReport, Run, count_outcomes
from ablatrix.paper.markup import escape_markdown

RULE = (
    "A claim is reproduced when its whole 95 % interval on the new records lies on the claimed side, not reproduced "
    "when the whole lies on the other side, and undecided otherwise. The factor is before over after: 2 means half "
    "the time or half the bytes."
)
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --yes: #0072b2; --no: #d55e00; --open: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --yes: #56b4e9; --no: #ff8c42; --open: #f0e442; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 0.7rem; border-bottom: 1px solid var(--line); }
th { background: var(--soft); } td.id { font-family: ui-monospace, monospace; font-size: 0.85em; }
.outcome { font-weight: 600; white-space: nowrap; }
.reproduced { color: var(--yes); } .not_reproduced { color: var(--no); } .undecided { color: var(--open); }
li { overflow-wrap: anywhere; } .sum { font-size: 1.15rem; }
svg { display: block; } svg .old { stroke: #888; fill: #888; }
svg .new { stroke: var(--yes); fill: var(--yes); } svg .bound { stroke: currentColor; stroke-dasharray: 3 2; }
"""
WIDTH, HEIGHT, EDGE = 150, 30, 8
MARKS = {"reproduced": "✓", "not_reproduced": "✗", "undecided": "?"}  # colour must not be the only difference


@dataclass(frozen=True)
class _Table:
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def report_markdown(report: ReproductionReport) -> str:
    """Return the page in Markdown."""
    lines = [f"# {_title(report)}", "", _summary(report), "", RULE, ""]
    rows = [
        (_code(claim.id), WORDS[claim.outcome], _plain(claim.name), _plain(claim.wanted or ""), *_figures(claim))
        for claim in report.claims
    ]
    lines += ["## Claims", "", *_grid(("claim", "outcome", "statement", "wanted", "recorded", "here"), rows)]
    open_ones = [f"- {_code(claim.id)} {_plain(claim.detail or '')}" for claim in _open(report)]
    lines += ["", "## What was not reproduced, and why", "", *open_ones] if open_ones else []
    for table in _tables(report):
        lines += ["", f"## {table.title}", "", *_grid(table.headings, [tuple(map(_plain, row)) for row in table.rows])]
    notes = _remarks(report)
    lines += ["", "## Notes", "", *(f"- {_plain(note)}" for note in notes)] if notes else []
    return "\n".join(lines) + "\n"


def report_html(report: ReproductionReport, bounds: Mapping[str, float]) -> str:
    """Return the page in HTML: one file, no script, nothing loaded.

    Args:
        report: What it shows.
        bounds: The factor that each claim states, by its id; drawn with the measured factors.
    """
    title = html.escape(_title(report))
    parts = [
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
        f'<p class="sum">{html.escape(_summary(report))}</p>\n<p>{html.escape(RULE)}</p>',
        "<h2>Claims</h2>",
        _html_grid(
            ("claim", "outcome", "statement", "wanted", "recorded", "here", "recorded (grey) and here"),
            [_html_claim(claim, bounds.get(claim.id or "", 1.0)) for claim in report.claims],
        ),
    ]
    items = [
        f"<li><code>{html.escape(claim.id or '')}</code> {html.escape(claim.detail or '')}</li>"
        for claim in _open(report)
    ]
    parts += ["<h2>What was not reproduced, and why</h2>", f"<ul>{''.join(items)}</ul>"] if items else []
    for table in _tables(report):
        cells = [tuple(f"<td>{html.escape(cell)}</td>" for cell in row) for row in table.rows]
        parts += [f"<h2>{html.escape(table.title)}</h2>", _html_grid(table.headings, cells)]
    notes = [f"<li>{html.escape(note)}</li>" for note in _remarks(report)]
    parts += ["<h2>Notes</h2>", f"<ul>{''.join(notes)}</ul>"] if notes else []
    return "\n".join([*parts, "</body>\n</html>\n"])


def _title(report: ReproductionReport) -> str:
    return f"Reproduction of the study {report.study or report.study_digest[:12]}"


def _summary(report: ReproductionReport) -> str:
    counts = count_outcomes(report.claims)
    text = f"{counts['reproduced']} of {len(report.claims)} claims reproduced"
    text += f", {counts['not_reproduced']} not reproduced, {counts['undecided']} undecided, on {report.host}."
    if report.key_effects is not None:
        text += (
            f" {report.key_effects_reproduced} of {report.key_effects} key effects of the recorded run are borne out."
        )
    return text


def _open(report: ReproductionReport) -> list[Claim]:
    """Return the claims that need an explanation: not reproduced, or not supported by the recorded run itself."""
    return [
        claim
        for claim in report.claims
        if claim.outcome != "reproduced" or (claim.recorded is not None and claim.recorded.state != "holds")
    ]


def _figures(claim: Claim) -> tuple[str, str]:
    recorded, here = (one.text() if one else "" for one in (claim.recorded, claim.here))
    return recorded, here


def _tables(report: ReproductionReport) -> Iterator[_Table]:
    runs = [("recorded", report.recorded), ("here", report.here)]
    there = [(name, run) for name, run in runs if run is not None]
    if there:
        columns = [_machine(run) for _, run in there]
        rows = tuple((what, *(column[what] for column in columns)) for what in columns[0])
        yield _Table("The runs and their machines", ("", *(name for name, _ in there)), rows)
    if report.differences:
        rows = tuple(
            (one.what, ", ".join(one.recorded) or "not known", ", ".join(one.here) or "not known")
            for one in report.differences
        )
        yield _Table("What changed around the trials", ("what", "recorded", "here"), rows)


def _machine(run: Run) -> dict[str, str]:
    return {
        "host": run.host,
        "processor": run.cpu,
        "cores": str(run.cores),
        "memory": f"{run.memory_bytes / 2**30:.1f} GiB",
        "kernel": run.kernel,
        "software": ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items())),
        "trials": ", ".join(f"{count} {status}" for status, count in run.statuses.items()),
        "time": _time(run.seconds),
    }


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _remarks(report: ReproductionReport) -> list[str]:
    root = [f"root digest of the artifact: {report.root_digest}"] if report.root_digest else []
    return [*root, f"study digest: {report.study_digest}", *report.notes]


def _plain(text: str) -> str:
    return escape_markdown(" ".join(text.split()))


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _html_grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in headings)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def _html_claim(claim: Claim, bound: float) -> tuple[str, ...]:
    recorded, here = _figures(claim)
    texts = (claim.name, claim.wanted or "", recorded, here)
    outcome = f'<td class="outcome {claim.outcome}">{MARKS[claim.outcome]} {WORDS[claim.outcome]}</td>'
    name = f'<td class="id">{html.escape(claim.id or "")}</td>'
    return (name, outcome, *(f"<td>{html.escape(text)}</td>" for text in texts), f"<td>{_drawing(claim, bound)}</td>")


def _drawing(claim: Claim, bound: float) -> str:
    """Return both factors with their intervals and the bound, on the claim's own logarithmic axis."""
    sides = [(name, one) for name, one in (("old", claim.recorded), ("new", claim.here)) if one and one.factor]
    if not sides:
        return ""
    values = [bound, 1.0, *(v for _, one in sides for v in (one.factor, one.low, one.high) if v)]
    low, high = math.log(min(values)), math.log(max(values))
    span = (high - low) or 1.0

    def x(value: float) -> str:
        return f"{EDGE + (math.log(value) - low) / span * (WIDTH - 2 * EDGE):.1f}"

    shapes = [f'<line class="bound" x1="{x(bound)}" x2="{x(bound)}" y1="1" y2="{HEIGHT - 1}"/>']
    for row, (name, one) in enumerate(sides):
        y = 9 + 12 * row
        if one.low and one.high:
            shapes.append(
                f'<line class="{name}" x1="{x(one.low)}" x2="{x(one.high)}" y1="{y}" y2="{y}" stroke-width="2"/>'
            )
        shapes.append(f'<circle class="{name}" cx="{x(one.factor or 1.0)}" cy="{y}" r="3"/>')
    label = html.escape("; ".join(f"{'recorded' if name == 'old' else 'here'} {one.text()}" for name, one in sides))
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">{"".join(shapes)}</svg>'
