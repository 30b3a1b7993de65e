"""Commands about clusters: ``cluster check``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import GROUPS, epilog

if TYPE_CHECKING:
    from ablatrix.trials.run import HostReport


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    cluster = typer.Typer(no_args_is_help=True, help="Look at the hosts of a cluster.")
    cluster.command("check", epilog=epilog("cluster"))(check_command)
    app.add_typer(cluster, name="cluster", rich_help_panel=GROUPS["cluster"])


def check_command(
    address: Annotated[
        str, typer.Argument(help="As for run --slots: ray, ray://HEAD:PORT, slurm:JOBS, or jobs:N.", show_default=False)
    ],
) -> None:
    """Say which hosts of a cluster may take part in a run from here, and why the others may not.

    Exits with 1 unless all may. Nothing is measured, and nothing stays on the hosts.
    """
    from ablatrix.trials.run import check_hosts

    reports = check_hosts(address)
    _show(reports)
    if not reports or any(one.refusal for one in reports):
        raise typer.Exit(1)


def _show(reports: "list[HostReport]") -> None:
    from ablatrix.cli.tables import Block, Column, next_steps, print_blocks

    columns = [Column("host"), Column("id", whole=True), Column("stratum", whole=True), Column("takes part")]
    rows = [
        [one.host, one.host_id[:6], one.stratum[:6], "yes" if not one.refusal else f"no: {one.refusal}"]
        for one in reports
    ]
    fit = sum(not one.refusal for one in reports)
    print_blocks(f"{fit} of {len(reports)} hosts may take part", columns, [Block("", rows)], wide=False)
    if fit:
        next_steps(("run a study on them", "ablatrix run STUDY --out OUT --slots ADDRESS"))
    else:
        print("no host may take part", file=sys.stderr)
