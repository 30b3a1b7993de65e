"""The artifact appendix, with the sections and check-list of the cTuning template that MLSys and others require.

Source: ctuning.org/ae, "Artifact Appendix" (V20231102). Every entry of its check-list is there, in its order.
"""

from collections.abc import Iterable, Mapping

from ablatrix.artifact.documents.facts import RESULT_ROLES, Facts, duration, size
from ablatrix.artifact.documents.markup import Commands, Items, Paragraph, Section, Table, latex, markdown, plain
from ablatrix.artifact.documents.readme import cost_table, software_line, status_line
from ablatrix.artifact.documents.steps import FULL, TINY, about_torch, installation
from ablatrix.records.model import Record

TITLE = "Artifact Appendix"
LAYOUTS = {
    "run": "",
    "padding": ", with randomly padded stack, heap and mappings",
    "block": ", with a new server process for each hot block",
    "both": ", with randomly padded stack, heap and mappings, and a new server process for each hot block",
}


def appendix_texts(facts: Facts) -> tuple[str, str]:
    """Return the appendix in Markdown and in LaTeX (to be included with ``input``)."""
    section = Section(
        TITLE,
        (),
        (
            Section("Abstract", (Paragraph(_abstract(facts)),)),
            Section("Artifact check-list (meta-information)", (Items(tuple(_checklist(facts))),)),
            _description(facts),
            Section("Installation", _installation(facts)),
            Section("Experiment workflow", _workflow(facts)),
            Section("Evaluation and expected results", _evaluation(facts)),
            Section("Experiment customization", _customization()),
            Section("Notes", _notes(facts)),
            Section("Methodology", _methodology(facts)),
        ),
    )
    return markdown(section), latex(section)


def _abstract(facts: Facts) -> str:
    about = f"{plain(facts.description)} " if facts.description else ""
    return (
        f"This artifact holds the ablation study `{facts.name}`. {about}It has the records and raw samples of "
        f"{status_line(facts)}, everything that the paper prints of them, the software that made them, and commands "
        "that check the artifact, run the study anew and say of each claim whether it is reproduced."
    )


def _checklist(facts: Facts) -> Iterable[tuple[str, str]]:
    knobs = _knobs(facts.final)
    workloads = {record.workload.name: record.workload for record in facts.final}
    compilers = sorted({record.config.compiler for record in facts.final} - {"eager"})
    machine, run = facts.machine, facts.environment.run
    modes = sorted({record.mode for record in facts.final})
    threads = sorted({f"{name}: {count}" for record in facts.final for name, count in record.meta.threads.items()})
    yield "Algorithm", f"optimisations of a compiler, switched one by one: {', '.join(knobs) or 'none'}"
    yield "Program", ", ".join(f"{name} ({facts_.tier})" for name, facts_ in sorted(workloads.items()))
    named = ", ".join(f"{plain(name)} {plain(facts.versions[name])}" for name in compilers if name in facts.versions)
    yield "Compilation", f"by the compilers under study ({named or ', '.join(compilers) or 'none'}), in every trial"
    yield "Transformations", "; ".join(f"{knob}: {', '.join(levels)}" for knob, levels in knobs.items()) or "none"
    yield "Binary", "none is shipped: code is generated in every trial"
    weights = ", ".join(f"{name}: {facts_.parameter_count:,} weights" for name, facts_ in sorted(workloads.items()))
    yield "Model", f"built by ablatrix from a seed, nothing is downloaded ({weights})"
    yield "Data set", "none: inputs are drawn from the study's seed"
    versions = ", ".join(f"{name} {plain(text)}" for name, text in facts.versions.items())
    yield "Run-time environment", f"Linux {plain(machine.kernel)}, {versions}"
    yield "Hardware", f"{plain(machine.cpu)}, {machine.cores} cores, {size(machine.memory_bytes)} of memory; no GPU"
    yield (
        "Run-time state",
        f"fresh process a trial{_layout(facts)}; threads in force {', '.join(threads) or 'not recorded'}; "
        f"{_state(facts)}",
    )
    yield "Execution", f"modes {' and '.join(modes)}, in a seeded random order; hot trials of a block take turns"
    yield "Metrics", "time of compile and first run, run time, planned and resident memory, cache misses, differences"
    yield "Output", "`results.jsonl`, tables, figures, text, `report.html`; a report of reproduction for each claim"
    yield "Experiments", f"{status_line(facts)}, from `study.yaml`; {len(facts.claims)} claims, from `claims.yaml`"
    yield (
        "How much disk space required (approximately)?",
        f"{size(facts.environment.installed_bytes)} for packages, {size(run.work_bytes if run else None)} for "
        f"programs and caches, {size(facts.bytes_of(RESULT_ROLES))} for results",
    )
    yield (
        "How much time is needed to prepare workflow (approximately)?",
        f"the download of {size(facts.environment.installed_bytes)} of packages: minutes",
    )
    yield (
        "How much time is needed to complete experiments (approximately)?",
        f"{duration(facts.run_seconds)} on the recorded machine; the tiny study about a minute",
    )
    yield "Publicly available?", "yes, as this archive; ablatrix is in it as source"
    yield "Code licenses (if publicly available)?", "Apache-2.0 (`LICENSE`)"
    yield "Data licenses (if publicly available)?", "Apache-2.0 (`LICENSE`), records included"
    yield "Workflow framework used?", f"ablatrix {plain(facts.versions.get('ablatrix', ''))}"
    yield "Archived (provide DOI)?", "the archive that deposits this bundle gives the DOI; none is recorded in it"


def _layout(facts: Facts) -> str:
    """Return what of the address-space layout was drawn anew; nothing where the records do not agree or know."""
    samplings = {record.meta.layout.sampling for record in facts.final if record.meta.layout is not None}
    return LAYOUTS[samplings.pop()] if len(samplings) == 1 else ""


def _description(facts: Facts) -> Section:
    machine = facts.machine
    workloads = sorted({(record.workload.name, record.workload.parameter_count) for record in facts.final})
    return Section(
        "Description",
        (),
        (
            Section(
                "How to access",
                (
                    Paragraph(
                        f"One zip, {size(facts.bytes_of())}, which unpacks to one folder. `MANIFEST.json` names every "
                        "file with its SHA-256, `ro-crate-metadata.json` says the same for machines."
                    ),
                ),
            ),
            Section(
                "Hardware dependencies",
                (
                    Paragraph(
                        f"Two cores or more and 4 GiB of memory; no accelerator. Recorded on {plain(machine.cpu)} with "
                        f"{machine.cores} cores and {size(machine.memory_bytes)}."
                    ),
                ),
            ),
            Section(
                "Software dependencies",
                (
                    Paragraph(
                        "Linux, Python 3.11 or later, a C++ compiler, and the packages of `requirements.lock`, all "
                        f"from PyPI. Recorded with {software_line(facts)}."
                    ),
                ),
            ),
            Section("Data sets", (Paragraph("None: inputs are drawn from the seed of the study."),)),
            Section(
                "Models",
                (
                    Items(tuple((name, f"{count:,} weights, drawn from the seed") for name, count in workloads)),
                ),
            ),
        ),
    )  # fmt: skip


def _installation(facts: Facts) -> tuple[Paragraph | Commands, ...]:
    return (
        Paragraph(f"{about_torch(facts)}In the unpacked folder:"),
        Commands((*installation(facts), TINY[0])),
        Paragraph("The last command names what is missing and how to get it."),
    )


def _workflow(facts: Facts) -> tuple[Paragraph | Commands | Table, ...]:
    return (
        Paragraph("Kick the tires, within 30 minutes with the installation:"),
        Commands(TINY[1:]),
        Paragraph(f"Then the whole study, about {duration(facts.run_seconds)}:"),
        Commands(FULL),
        Paragraph("Machine time and growth of memory in the recorded run:"),
        cost_table(facts),
    )


def _evaluation(facts: Facts) -> tuple[Paragraph | Table, ...]:
    opening = Paragraph(
        "The recorded results stand in `tables/`, `figures/` and `paper/`. Absolute times depend on the machine and "
        "are expected to differ. What is to come out again is each claim below: a ratio of two configurations "
        "measured side by side, with its 95 % interval. The allowed variation is the claim's own bound: it is "
        "reproduced when the whole new interval lies on the claimed side, not reproduced when it lies on the other, "
        "and undecided between."
    )
    if not facts.claims:
        return (opening, Paragraph("This study states no claims: compare `tables/` with those of the new run."))
    rows = []
    for claim in facts.claims:
        seconds, _ = facts.usage_of(claim.workload, claim.modes)
        trials = f"{claim.workload or 'all workloads'}, {' and '.join(claim.modes)}: {duration(seconds)}"
        recorded = f"{plain(claim.found)}: {claim.state}"
        rows.append((f"`{claim.id}`", f"{plain(claim.statement)}.", trials, f"{claim.wanted}", recorded))
    headings = ("claim", "statement", "experiment", "allowed", "recorded")
    return (opening, Table(headings, tuple(rows), (0.15, 0.29, 0.16, 0.1, 0.2)))


def _customization() -> tuple[Paragraph | Commands, ...]:
    return (
        Paragraph(
            "Copy `study.yaml` and change workloads, their sizes, compilers, knobs, levels or repeats; copy "
            "`template.yaml` for other tables and figures, `claims.yaml` for other claims. Then:"
        ),
        Commands(("ablatrix design mine.yaml", "ablatrix artifact mine.yaml --out ../mine")),
        Paragraph("One's own workloads and compilers are plug-ins; the documentation is in the source, under `docs/`."),
    )


def _notes(facts: Facts) -> tuple[Paragraph, ...]:
    failed = [f"{record.workload.name} ({record.mode}): {record.status}" for record in facts.failed]
    not_run = len(facts.not_run)
    failures = f"{len(failed)} trials failed and stand in the records with their messages: {plain(_some(failed))}."
    return (
        Paragraph(failures if failed else "No trial failed."),
        *((Paragraph(f"{not_run} trials were not run: the budget of time was spent before."),) if not_run else ()),
        Paragraph(
            "On a shared or throttled machine intervals are wider, and claims may stay undecided: `ablatrix doctor` "
            "names what makes times scatter, and what to do about it. A study that is interrupted goes on when the "
            "same command is given again."
        ),
    )


def _methodology(facts: Facts) -> tuple[Paragraph, ...]:
    return (
        Paragraph(
            "Each trial is a fresh process and leaves exactly one final record, whatever became of it. Cold trials "
            "run alone with an empty cache. Hot trials of a block are alive side by side and take turns in short "
            "bursts, in a new random order each round; ratios are paired within blocks, and intervals come from the "
            "variation between blocks. Outputs are compared with the same program in float64 before anything is "
            "timed; the program that is timed is the one that was checked."
        ),
        Paragraph(
            "The badges follow the ACM's policy on artifact review and badging: "
            "`https://www.acm.org/publications/policies/artifact-review-and-badging-current`"
        ),
    )


def _knobs(records: Iterable[Record]) -> Mapping[str, tuple[str, ...]]:
    """Return the knobs that vary, with their levels."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for knob, level in record.config.knobs.items():
            if level is not None:
                found.setdefault(knob, {})[str(level)] = None
    return {knob: tuple(sorted(levels)) for knob, levels in sorted(found.items()) if len(levels) > 1}


def _state(facts: Facts) -> str:
    machine = facts.machine
    turbo = "unknown" if machine.turbo is None else "on" if machine.turbo else "off"
    return f"frequency governor {plain(machine.governor or 'unknown')}, turbo {turbo}"


def _some(names: list[str], shown: int = 10) -> str:
    rest = len(names) - shown
    return "; ".join(names[:shown]) + (f"; and {rest} more" if rest > 0 else "")
