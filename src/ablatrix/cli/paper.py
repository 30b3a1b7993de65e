"""Commands of the paper: ``paper RESULTS`` writes all its parts, ``paper init`` a template to start from."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ablatrix.cli.help import GROUPS, epilog
from ablatrix.cli.inputs import AllowMixed, ClaimsFile, Results, claims_of, record_files
from ablatrix.cli.outputs import report

MAKE = "make"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    paper = typer.Typer(
        cls=_PaperGroup,
        help="Write the paper's tables, figures, text, macros and provenance: ablatrix paper RESULTS --out DIRECTORY.",
    )
    paper.command(MAKE)(paper_command)
    paper.command("init")(init_command)
    app.add_typer(paper, name="paper", rich_help_panel=GROUPS["paper"], epilog=epilog("paper"))


class _PaperGroup(TyperGroup):
    """``paper RESULTS`` means ``paper make RESULTS``; a directory named like a command is given as ``./init``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the command's name where there is none."""
        named = args and (args[0] in self.commands or args[0] in ("-h", "--help"))
        return super().parse_args(ctx, args if named else [MAKE, *args])


def paper_command(
    results: Results,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Directory for paper.tex, tables/, figures/, text/, macros.tex and provenance.json."
        ),
    ],
    template: Annotated[
        Path | None,
        typer.Option("--template", help="Template of the paper (YAML).", show_default="the shipped template"),
    ] = None,
    claims: ClaimsFile = None,
    language: Annotated[str, typer.Option("--lang", help="Language of text, tables and figures: en or zh.")] = "en",
    mixed: AllowMixed = False,
) -> None:
    """Write the paper's tables, figures, paragraphs and macros from a template, with each number's provenance."""
    from ablatrix.analysis.claims import check_claims
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table import tidy
    from ablatrix.paper.make import make_paper
    from ablatrix.paper.template.load import load_template
    from ablatrix.paper.text import get_language

    with record_files(results) as files:
        # Input is checked before anything that takes time.
        load_template(template)
        get_language(language)
        claimed = claims_of(files, claims)
        findings = Findings(tidy(files))
    checked = None if claimed is None else check_claims(findings, claimed)
    report(make_paper(findings, template, out, allow_mixed=mixed, claims=checked, language=language).files)


def init_command(
    file: Annotated[Path, typer.Argument(help="Template file to write (YAML).")] = Path("paper.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write a copy of the shipped template, to be edited and given to 'ablatrix paper --template'."""
    from ablatrix.errors import AnalysisError
    from ablatrix.paper.files import write_text
    from ablatrix.paper.template.load import DEFAULT_TEMPLATE

    if file.exists() and not force:
        raise AnalysisError(f"{file}: the file exists already; name another one, or overwrite it (--force)")
    try:
        report([write_text(file, DEFAULT_TEMPLATE.read_text(encoding="utf-8"))])
    except OSError as error:
        raise AnalysisError(f"{file}: cannot be written: {error.strerror}; name another file") from None
