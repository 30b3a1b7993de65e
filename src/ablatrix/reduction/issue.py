"""The text of an issue for whoever maintains the compiler: what happens, how to see it, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.records.machine import read_machine
from ablatrix.reduction.source import VALUES_FILE
from ablatrix.version import __version__

if TYPE_CHECKING:
    from ablatrix.reduction.plain_calls import PlainCall
    from ablatrix.reduction.results import Case, Checked


def issue_text(case: Case, checked: Checked, call: PlainCall | None) -> str:
    """Return the issue as Markdown."""
    entry, trouble = case.configuration.entry, case.trouble
    operators = ", ".join(dict.fromkeys(str(one.target) for one in case.graph.operations))
    settings = ", ".join(f"`{name}={level}`" for name, level in case.changed.items())
    parts = [
        f"# {entry.name}: {trouble.kind.replace('_', ' ')} of {operators}",
        f"{trouble.text}",
        "## Expected and actual",
        f"```text\n{checked.told.strip() or 'see below'}\n```",
        _how_shown(checked),
    ]
    if settings:
        parts.append(f"It is there with {settings}, and not without.")
    if call is not None and call.left_out:
        left_out = ", ".join(f"`{one}`" for one in call.left_out)
        parts.append(f"The script does not set {left_out}, which the study sets.")
    parts += ["## To reproduce", _script(case.out / "repro.py")]
    beside = [*(f"`{one.name.rpartition(':')[0]}`" for one in (call.own if call else ()))]
    if (case.out / VALUES_FILE).exists():
        beside.append(f"`{VALUES_FILE}`")
    if beside:
        parts.append(f"It reads {', '.join(beside)}, which lie beside it.")
    parts += ["## Versions", _versions(checked), "## How it was found"]
    parts.append(
        f"`ablatrix reduce` (ablatrix {__version__}) left {len(case.graph.operations)} of {case.nodes} operations of "
        f"`{case.configuration.workload}`. `ablatrix run study.yaml --out results` runs the rest under the same "
        "settings, checked against a float64 oracle."
    )
    return "\n\n".join(parts) + "\n"


def _how_shown(checked: Checked) -> str:
    if checked.repro == "yes":
        return "The script below was run in a fresh interpreter, and showed this."
    if checked.repro == "no":
        return (
            "**The script below does not show it**: the compiler's plain use differs from the study's in something "
            "that matters. `ablatrix run study.yaml` "
            + ("shows it." if checked.study == "yes" else "does not show it either.")
        )
    return "No script could be run; see `study.yaml`."


def _script(file: Path) -> str:
    return f"```python\n{file.read_text(encoding='utf-8').strip()}\n```" if file.exists() else "See `study.yaml`."


def _versions(checked: Checked) -> str:
    machine = read_machine()
    lines = [
        f"- {name} {version}" for name, version in (checked.record.meta.versions if checked.record else {}).items()
    ]
    lines.append(f"- {machine.cpu}, {machine.cores} cores, {machine.isa or 'vector extension unknown'}")
    lines.append(f"- {machine.os or 'Linux'}, kernel {machine.kernel}")
    return "\n".join(lines)
