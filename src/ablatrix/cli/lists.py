"""Commands that list what is available: ``workloads``, ``compilers``, ``knobs``, ``schema``."""

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.completion import compiler_names
from ablatrix.cli.help import add
from ablatrix.cli.options import Plugins
from ablatrix.cli.trust import Trusted, trust_of

if TYPE_CHECKING:
    from ablatrix.compilers.catalogue import CompilerEntry

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

SCHEMAS = {
    "study": "ablatrix.study.load:study_schema_text",
    "record": "ablatrix.records.schema:record_schema_text",
    "template": "ablatrix.paper.template.load:template_schema_text",
    "claims": "ablatrix.analysis.claims.check:claims_schema_text",
    "policy": "ablatrix.pull_request:policy_schema_text",
    "provenance": "ablatrix.paper.provenance_file:provenance_schema_text",
    "manifest": "ablatrix.artifact.contents.manifest:manifest_schema_text",
    "environment": "ablatrix.artifact.contents.environment:environment_schema_text",
    "reproduction": "ablatrix.artifact.reproduction.reproduction:report_schema_text",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "workloads", workloads_command)
    add(app, "compilers", compilers_command)
    add(app, "knobs", knobs_command)
    add(app, "schema", schema_command)


def workloads_command(as_json: AsJson = False, plugin: Plugins = None) -> None:
    """List workloads with tier, parameters, parameter count and inputs (builds each once: some seconds)."""
    from ablatrix.cli.tables import print_table
    from ablatrix.compilers.catalogue import EAGER
    from ablatrix.plugin_files import read_catalogue

    EAGER.refuse_absent()  # building a workload takes torch
    from ablatrix.workloads.prepare import describe

    entries = list(read_catalogue(plugin or ()).workloads.values())
    facts = [describe(entry) for entry in entries]
    if as_json:
        print(json.dumps([one.model_dump(mode="json", exclude={"digest"}) for one in facts], indent=1))
        return
    rows = []
    for one, entry in zip(facts, entries, strict=True):
        parameters = ", ".join(f"{key}={value}" for key, value in one.parameters.items())
        inputs = ", ".join(f"{i.name} {i.dtype}[{', '.join(map(str, i.shape))}]" for i in one.inputs)
        bounds = "".join(f"; {name} {low}..{high}" for name, (low, high) in one.dynamic.items())
        rows.append([one.name, one.tier, entry.summary, parameters, f"{one.parameter_count:,}", inputs + bounds])
    print_table("Workloads", ["name", "tier", "what", "parameters", "weights", "inputs"], rows)


def compilers_command(as_json: AsJson = False, plugin: Plugins = None) -> None:
    """List compilers and whether they are installed."""
    from ablatrix.cli.tables import print_table
    from ablatrix.plugin_files import read_catalogue

    compilers = read_catalogue(plugin or ()).compilers
    if as_json:
        print(json.dumps([_plain(one) for one in compilers.values()], indent=1))
        return
    rows = [
        [
            one.name,
            "yes" if one.installed else f"no: {one.installation}",
            one.summary,
            ", ".join(knob.name for knob in one.knobs) or "none",
        ]
        for one in compilers.values()
    ]
    print_table("Compilers", ["name", "installed", "what", "knobs"], rows)


def _plain(entry: "CompilerEntry") -> dict[str, Any]:
    """Return an entry for ``--json``, with the digest of its program instead of the program."""
    facts = {**asdict(entry), "program": entry.program_digest, "installed": entry.installed}
    named = {"program_digest" if key == "program" else key: value for key, value in facts.items()}
    return {key: value for key, value in named.items() if key != "plugin"}


def knobs_command(
    compiler: Annotated[
        str,
        typer.Argument(
            help="Name of a compiler (see ablatrix compilers).", show_default=False, autocompletion=compiler_names
        ),
    ],
    study: Annotated[
        Path | None,
        typer.Option(
            "--study", help="Study file (YAML); its own compilers and plug-ins are added.", show_default="none"
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List every setting that can be a knob, by its address, instead.")
    ] = False,
    as_json: AsJson = False,
    plugin: Plugins = None,
    trust: Trusted = False,
) -> None:
    """List a compiler's knobs and levels, with a one-sentence description of each; or all its settings."""
    from ablatrix.cli.tables import print_table
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import load_study

    catalogue = read_catalogue(plugin or ())
    if study is not None:
        catalogue = load_study(study, catalogue, trust=trust_of(trust)).catalogue
    entry = catalogue.compiler(compiler)
    if everything:
        _list_settings(entry, as_json)
        return
    if as_json:
        print(json.dumps([asdict(knob) for knob in (*entry.knobs, *entry.on_offer)], indent=1))
        return
    rows = []
    for knob in (*entry.knobs, *entry.on_offer):
        rows.append([knob.name, "setting" if knob in entry.on_offer else knob.kind, "", knob.summary])
        for level in knob.levels:
            marks = ["default"] if level.name == knob.default else []
            marks += ["as shipped"] if level.name == knob.shipped else []
            shown = f"{level.name} ({', '.join(marks)})" if marks else str(level.name)
            reason = f" [unsupported: {level.unsupported}]" if level.unsupported else ""
            rows.append(["", "", shown, level.summary + reason])
        if knob.free:
            rows.append(["", "", f"any {knob.free}", ""])
    print_table(f"Knobs of {compiler}", ["knob", "kind", "level", "what"], rows)


def _list_settings(entry: "CompilerEntry", as_json: bool) -> None:
    """List the addresses that a compiler, as installed, has, with what each takes and what holds by itself."""
    from ablatrix.cli.tables import print_table
    from ablatrix.compilers.settings import ask_addresses

    found = ask_addresses(entry).addresses
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return
    rows = [
        [
            f"{one.kind}:{one.name}",
            ", ".join(one.choices) or ("off, on" if one.type == "switch" else one.type),
            "" if one.value is None else str(one.value),
            one.affects if not one.owner else f"set by the knob '{one.owner}' alone",
        ]
        for one in found
    ]
    print_table(f"Settings of {entry.name}", ["address", "levels", "by itself", "affects"], rows)


def schema_command(
    what: Annotated[str, typer.Argument(help=f"Kind of file, one of: {', '.join(SCHEMAS)}.")] = "study",
) -> None:
    """Print the JSON Schema of a kind of file, for editors and validators."""
    from ablatrix.errors import StudyError

    if what not in SCHEMAS:
        raise StudyError(f"there is no schema of '{what}'; there are: {', '.join(SCHEMAS)}")
    module, _, function = SCHEMAS[what].partition(":")
    print(getattr(import_module(module), function)(), end="")
