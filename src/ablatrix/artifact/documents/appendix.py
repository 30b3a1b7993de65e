"""The artifact appendix, with the sections and check-list of the cTuning template that MLSys and others require.

Source: ctuning.org/ae, "Artifact Appendix" (V20240722). Every section and every entry of its check-list is there, in
its order. It comes in two forms: a long one with everything, and a short one of two pages in the class of MLSys, whose
texts are abridged and whose tables are left out or cut.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablatrix.analysis.groups import sort_key
from ablatrix.artifact.contents import APPENDIX_NAME
from ablatrix.artifact.documents.abridged import abridged
from ablatrix.artifact.documents.citation import REPOSITORY
from ablatrix.artifact.documents.conditions import (
    blocks_line,
    compiled,
    hardware,
    kernels,
    needs,
    oracle,
    state,
    threads,
)
from ablatrix.artifact.documents.facts import RESULT_ROLES, Facts, duration, size
from ablatrix.artifact.documents.markup import Commands, Items, Paragraph, Section, Table, latex, markdown, plain
from ablatrix.artifact.documents.origins import (
    archived,
    asked,
    authors_line,
    availability,
    code_licences,
    data_licences,
    data_line,
    model_items,
    models_line,
    own_code,
)
from ablatrix.artifact.documents.readme import cost_table, not_run_line, software_line, status_line
from ablatrix.artifact.documents.steps import TINY, about_torch, full, installation

TITLE = "Artifact Appendix"
ABSTRACT, ENTRY, PARAGRAPH, STATEMENT, CLAIMS = 450, 140, 200, 100, 4
"""What the short form has room for: characters of the abstract, of an entry of the check-list, of a paragraph and of
the statement of a claim, and claims."""
LAYOUTS = {
    "run": "",
    "padding": ", with randomly padded stack, heap and mappings",
    "block": ", with a new server process for each hot block",
    "both": ", with randomly padded stack, heap and mappings, and a new server process for each hot block",
}
METHODOLOGY = (
    "https://www.acm.org/publications/policies/artifact-review-and-badging-current",
    "https://cTuning.org/ae",
)
LOCKED = "locked versions"
"""Name of the environment check's finding on them."""


@dataclass(frozen=True)
class AppendixTexts:
    """The appendix in its forms; the LaTeX is to be included with ``input``.

    Attributes:
        markdown, latex: Everything.
        short_latex: Two pages in the class of MLSys, whatever the study.
    """

    markdown: str
    latex: str
    short_latex: str


def appendix_texts(facts: Facts) -> AppendixTexts:
    """Return the appendix in all forms."""
    whole = _appendix(facts, _Form(is_short=False))
    return AppendixTexts(markdown(whole), latex(whole), latex(_appendix(facts, _Form(is_short=True))))


@dataclass(frozen=True)
class _Form:
    """One form of the appendix."""

    is_short: bool

    def text(self, text: str, most: int) -> str:
        """Return a text, in the short form of at most so many characters."""
        return abridged(text, most, APPENDIX_NAME) if self.is_short else text

    def items(self, items: Iterable[tuple[str, str]], most: int) -> Items:
        """Return a list, in the short form with items of at most so many characters."""
        return Items(tuple((label, self.text(text, most)) for label, text in items))


def _appendix(facts: Facts, form: _Form) -> Section:
    return Section(
        TITLE,
        (),
        (
            Section("Abstract", (Paragraph(form.text(_abstract(facts), ABSTRACT)),)),
            Section("Artifact check-list (meta-information)", (form.items(_checklist(facts), ENTRY),)),
            _description(facts, form),
            Section("Installation", _installation(facts)),
            Section("Experiment workflow", _workflow(facts, form)),
            Section("Evaluation and expected results", _evaluation(facts, form)),
            Section("Experiment customization", _customization(facts)),
            Section("Notes", _notes(facts, form)),
            Section("Methodology", _methodology(facts, form)),
        ),
    )


def _abstract(facts: Facts) -> str:
    about = f"{plain(facts.description)} " if facts.description else ""
    samples = " and raw samples" if "hot" in facts.modes else ""
    return (
        f"This artifact accompanies the ablation study `{facts.name}`. {about}It contains the records{samples} of "
        f"{status_line(facts)}, all tables, figures and text generated from them, the software that produced them, and "
        "commands that check the artifact, rerun the study and report what is reproduced."
    )


def _checklist(facts: Facts) -> Iterable[tuple[str, str]]:
    run = facts.environment.run
    knobs = _knobs(facts.trials.levels)
    compilers = sorted(facts.trials.compilers - {"eager"})
    yield "Algorithm", f"compiler options varied by the study: {', '.join(knobs) or 'none varies'}"
    yield "Program", ", ".join(f"{plain(one.name)} ({one.tier})" for one in facts.trials.workloads)
    named = ", ".join(f"{plain(name)} {plain(facts.trials.versions.get(name, ''))}".rstrip() for name in compilers)
    yield "Compilation", f"by the compilers under study ({named or 'none'}); {compiled(facts)}"
    yield "Transformations", "; ".join(f"{knob}: {', '.join(levels)}" for knob, levels in knobs.items()) or "none"
    own = ", ".join(f"`{plain(entry.path)}`" for entry in facts.entries if entry.role == "other")
    yield "Binary", f"generated code is not kept{f'; files of the authors: {own}' if own else ''}"
    yield "Model", models_line(facts)
    yield "Data set", data_line(facts)
    versions = ", ".join(f"{name} {plain(text)}" for name, text in facts.trials.versions.items())
    yield "Run-time environment", f"{kernels(facts)}, {versions}"
    yield "Hardware", hardware(facts)
    yield "Run-time state", f"one process per trial{_layout(facts)}; {threads(facts)}; {state(facts)}"
    turns = "; hot trials of a block take turns" if "hot" in facts.modes else ""
    yield "Execution", f"{_modes(facts)}, in a seeded random order{turns}"
    yield "Metrics", f"{', '.join(_metrics(facts))}, planned and resident memory, cache misses, output differences"
    yield (
        "Output",
        "`results.jsonl`, tables, figures, text, `report.html`; for a new run, a report on what is reproduced",
    )
    claims = f"{len(facts.claims)} claims (`claims.yaml`)" if facts.claims else "no claims"
    yield "Experiments", f"{status_line(facts)} (`study.yaml`); {claims}"
    yield (
        "How much disk space required (approximately)?",
        f"{size(facts.environment.installed_bytes)} for packages, {size(run.work_bytes if run else None)} for "
        f"programs and caches, {size(facts.bytes_of(RESULT_ROLES))} for results",
    )
    yield (
        "How much time is needed to prepare workflow (approximately)?",
        f"not measured; mainly the installation of {size(facts.environment.installed_bytes)} of packages",
    )
    yield (
        "How much time is needed to complete experiments (approximately)?",
        f"{duration(facts.run_seconds)} on the recorded machine; about a minute on two cores for the tiny study",
    )
    yield "Publicly available?", availability(facts)
    yield "Code licenses (if publicly available)?", code_licences(facts)
    yield "Data licenses (if publicly available)?", data_licences(facts)
    yield "Workflow framework used?", f"ablatrix {plain(facts.trials.versions.get('ablatrix', ''))}"
    yield "Archived (provide DOI)?", archived(facts)


def _layout(facts: Facts) -> str:
    """Return what of the address-space layout was drawn anew; nothing where the records do not agree or know."""
    samplings = facts.trials.samplings
    return LAYOUTS[next(iter(samplings))] if len(samplings) == 1 else ""


def _description(facts: Facts, form: _Form) -> Section:
    own = own_code(facts)
    access = (
        f"One zip file of {size(facts.bytes_of())}, which unpacks to one folder. `MANIFEST.json` lists every file with "
        "its SHA-256 digest; `ro-crate-metadata.json` holds machine-readable metadata. Authors: "
        f"{authors_line(facts)}. Available from: {availability(facts)}."
    )
    software = (
        "Linux, Python 3.11 or later, a C++ compiler, and the packages of `requirements.lock`. Recorded with "
        f"{software_line(facts)}."
    )
    others = next((one.found for one in facts.environment.findings if one.name == LOCKED and one.level != "ok"), None)
    if others is not None:
        software += f" When the study was run, not all versions matched the lock: {plain(others)}."
    if own:
        software += f" Further requirements of {', '.join(own)}: {asked('packages and programs, or none')}."
    machine = f"{needs(facts)} Recorded on {hardware(facts)}."
    models: Paragraph | Items = (
        Paragraph(form.text(f"{models_line(facts)}.", PARAGRAPH)) if form.is_short else Items(tuple(model_items(facts)))
    )
    return Section(
        "Description",
        (),
        (
            Section("How to access", (Paragraph(form.text(access, 2 * PARAGRAPH)),)),
            Section("Hardware dependencies", (Paragraph(form.text(machine, PARAGRAPH)),)),
            Section("Software dependencies", (Paragraph(form.text(software, PARAGRAPH)),)),
            Section("Data sets", (Paragraph(form.text(f"{_capital(data_line(facts))}.", PARAGRAPH)),)),
            Section("Models", (models,)),
        ),
    )


def _installation(facts: Facts) -> tuple[Paragraph | Commands, ...]:
    return (
        Paragraph(f"{about_torch(facts)}Run the following commands in the unpacked folder:"),
        Commands((*installation(facts), TINY[0])),
        Paragraph("The last command reports what is missing and how to install it."),
    )


def _workflow(facts: Facts, form: _Form) -> tuple[Paragraph | Commands | Table, ...]:
    steps: tuple[Paragraph | Commands | Table, ...] = (
        Paragraph("To kick the tires (30 minutes, including the installation):"),
        Commands(TINY[1:]),
        Paragraph(f"To rerun the whole study (about {duration(facts.run_seconds)}):"),
        Commands(full(facts)),
    )
    if form.is_short:
        return steps
    return (*steps, Paragraph("Machine time and memory growth in the recorded run:"), cost_table(facts))


def _evaluation(facts: Facts, form: _Form) -> tuple[Paragraph | Table, ...]:
    results = "The recorded results are in `tables/`, `figures/` and `paper/`. Absolute times depend on the machine "
    results += "and are expected to differ."
    if not facts.claims:
        return (Paragraph(f"{results} The study states no claims; compare `tables/` with the tables of the new run."),)
    opening = Paragraph(
        f"{results} Each claim below should be reproduced. A claim about a factor or a percentage compares two "
        "configurations within blocks, and its bound is the allowed variation: the claim is reproduced if the whole "
        "95% interval of the new run lies on the claimed side of the bound, not reproduced if it lies on the other "
        "side, and undecided otherwise. Computed quantities, such as planned bytes, need no interval. Claims without a "
        "bound are checked on every trial."
    )
    return (opening, *(_few_claims(facts, form) if form.is_short else (_claims(facts),)))


def _claims(facts: Facts) -> Table:
    rows = []
    for claim in facts.claims:
        seconds, _ = facts.usage_of(claim.workload, claim.modes)
        trials = f"{claim.workload or 'all workloads'}, {' and '.join(claim.modes)}: {duration(seconds)}"
        recorded = f"{plain(claim.found)}: {claim.state}"
        rows.append((f"`{claim.id}`", f"{plain(claim.statement)}.", trials, f"{claim.wanted}", recorded))
    headings = ("claim", "statement", "experiment", "allowed", "recorded")
    return Table(headings, tuple(rows), (0.22, 0.24, 0.13, 0.1, 0.16))


def _few_claims(facts: Facts, form: _Form) -> tuple[Table | Paragraph, ...]:
    rows = tuple(
        (f"{form.text(f'{plain(one.statement)}.', STATEMENT)}", one.wanted, f"{plain(one.found)}: {one.state}")
        for one in facts.claims[:CLAIMS]
    )
    table = Table(("claim", "allowed", "recorded"), rows, (0.5, 0.17, 0.22))
    if len(facts.claims) <= CLAIMS:
        return (table,)
    return (
        table,
        Paragraph(f"These are {CLAIMS} of the {len(facts.claims)} claims; `{APPENDIX_NAME}` lists all of them."),
    )


def _customization(facts: Facts) -> tuple[Paragraph | Commands, ...]:
    return (
        Paragraph(
            "Copy `study.yaml` and change the workloads, their sizes, the compilers, knobs, levels or repeats. Other "
            "tables and figures go into a copy of `template.yaml`, other claims into one of `claims.yaml`. Then run:"
        ),
        Commands(("ablatrix design mine.yaml", "ablatrix artifact mine.yaml --out ../mine")),
        Paragraph(f"For models and compilers of your own, see the documentation: {_documentation(facts)}."),
    )


def _documentation(facts: Facts) -> str:
    is_source = facts.source_path.endswith(".tar.gz")
    return f"`docs/` in `{facts.source_path}`" if is_source else REPOSITORY


def _notes(facts: Facts, form: _Form) -> tuple[Paragraph, ...]:
    failed = [f"{one.workload} ({one.mode}): {one.status}" for one in facts.trials.failed]
    failures = f"{len(failed)} trials failed; their records contain the messages: {plain(_some(failed))}."
    return (
        Paragraph(form.text(failures, PARAGRAPH) if failed else "None of the executed trials failed."),
        *((Paragraph(f"{not_run_line(facts)}."),) if facts.trials.not_run else ()),
        Paragraph(
            "On a shared or throttled machine, intervals are wider and claims may remain undecided; `ablatrix doctor` "
            "reports what makes times vary and what to do about it. An interrupted study resumes when the same command "
            "is repeated."
        ),
    )


def _methodology(facts: Facts, form: _Form) -> tuple[Paragraph | Items, ...]:
    parts = ["Each trial runs in a process of its own and leaves exactly one final record, whatever its outcome."]
    if "cold" in facts.modes:
        tagged = facts.trials.cache_tagged
        shared = f" ({tagged} with the cache that their `cache_tag` names)" if tagged else ""
        parts.append(
            f"Cold trials run alone with an empty cache{shared}; their outputs are checked after the first run."
        )
    if "hot" in facts.modes:
        parts.append(
            "The hot trials of a block are kept alive together and take turns in short bursts, in a new random "
            "order in each round; their outputs are checked before anything is timed."
        )
    parts.append(f"Outputs are compared with {oracle(facts)}. {blocks_line(facts)}")
    return (
        Paragraph(form.text(" ".join(parts), 3 * PARAGRAPH)),
        Paragraph("Submission, reviewing and badging methodology:"),
        Items(tuple(("", f"`{address}`") for address in METHODOLOGY)),
    )


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _knobs(levels: Mapping[str, Sequence[str]]) -> Mapping[str, list[str]]:
    """Return the knobs that vary, with their levels."""
    return {knob: sorted(found, key=sort_key) for knob, found in sorted(levels.items()) if len(found) > 1}


def _modes(facts: Facts) -> str:
    return f"{'modes' if len(facts.modes) > 1 else 'mode'} {' and '.join(facts.modes)}"


def _metrics(facts: Facts) -> list[str]:
    words = {"cold": "cold-start time (compile and first run)", "hot": "steady-state run time"}
    return [words[mode] for mode in facts.modes]


def _some(names: list[str], shown: int = 10) -> str:
    rest = len(names) - shown
    return "; ".join(names[:shown]) + (f"; and {rest} more" if rest > 0 else "")
