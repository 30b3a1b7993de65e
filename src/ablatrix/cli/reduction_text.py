"""What ``reduce`` came to, as text: printed, and kept beside the results with the trial."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.reduction import Reduction
    from ablatrix.troubles import Configuration

MOST_TOLD = 8
"""Lines of what the script printed."""


def show_reduction(found: Reduction) -> None:
    """Print what was found, and to stderr what comes next."""
    from ablatrix.cli.tables import say, show_steps

    for line in reduction_lines(found):
        say(line.strip(), indent=len(line) - len(line.lstrip()), hanging=2)
    show_steps(
        [
            ("the program as a script", f"python {shell_word(found.out / 'repro.py')}"),
            ("under the same settings", f"ablatrix run {shell_word(found.out / 'study.yaml')} --out results/reduced"),
            ("text for its maintainers", str(found.out / "issue.md")),
        ]
    )


def reduction_lines(found: Reduction) -> list[str]:
    """Return what was found, a sentence each; what the script printed is set in."""
    from ablatrix.cli.time_left import duration_text

    lines = [
        f"trouble: {found.trouble.text}",
        f"reduced: {found.nodes_left} of {found.nodes} operations ({100.0 * found.share:.1f} %), "
        f"{found.elements_left} of {found.elements} elements of inputs and weights: "
        f"{', '.join(dict.fromkeys(found.operators))}",
    ]
    if found.ending != "reduced":
        why = "many steps as --most-steps" if found.ending == "most_steps" else "long as --most-minutes"
        lines.append(f"it ended before nothing more could be removed, after as {why} allows; run it again with more")
    counts = ", ".join(f"{number} {name}" for name, number in found.steps.items())
    lines.append(
        f"{sum(found.steps.values())} programs ({counts}), {found.trials} trials, {duration_text(found.seconds)}"
    )
    if not found.controlled:
        lines.append("no step was tried without the setting: there is none, or the trouble is there without it, too")
    words = {"yes": "shows it", "no": "does NOT show it", "not_run": "could not be run"}
    lines.append(f"study.yaml in new processes: {words[found.again]}")
    lines.append(f"repro.py in a new interpreter without ablatrix: {words[found.repro]}")
    lines += [f"  {line.strip()}" for line in found.repro_told.splitlines()[:MOST_TOLD]]
    lines += [
        f"another trouble, of {other.programs} program{'s' * (other.programs > 1)}: {other.text} ({other.example})"
        for other in found.others
    ]
    return lines


def keep_beside(found: Reduction, configuration: Configuration, results: Path, trial: str, command: str) -> Path:
    """Keep what was found beside the results with the trial, for the page."""
    from ablatrix.records.kept_findings import KeptFinding, keep_finding

    kept = KeptFinding(
        kind="reduction",
        title=f"{configuration.workload} on {configuration.compiler}: the smallest program with the trouble "
        f"(trial {trial})",
        lines=(*(line.strip() for line in reduction_lines(found)), f"the script: {found.out / 'repro.py'}"),
        command=command,
    )
    return keep_finding(results, trial, kept)
