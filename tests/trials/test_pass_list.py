"""Asking a compiler for its passes: by a worker of fork servers that stay, of which no question leaves a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.catalogue import installed_catalogue
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import CompilerError
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.without_file import make_single_study
from ablatrix.trials.client import KeptServers, Sides
from ablatrix.trials.run import list_passes, list_passes_of
from tests.trials.watched import WATCHED

OTHER_KNOB = replace(WATCHED, knobs=(*WATCHED.knobs, replace(WATCHED.knobs[0], name="further", default="badly")))


def resolved_of(entry: CompilerEntry = WATCHED, knobs: Sequence[str] = ()) -> ResolvedStudy:
    catalogue = installed_catalogue().holding(compilers={entry.name: entry})
    return resolve_study(make_single_study("mlp", entry, knobs), catalogue)


def test_passes_asked_of_kept_servers_share_no_state(tmp_path: Path) -> None:
    with KeptServers(tmp_path / "servers") as kept:
        found = [
            list_passes_of(resolved_of(entry), tmp_path / "results", kept) for entry in (WATCHED, WATCHED, OTHER_KNOB)
        ]
    assert [[run.name for run in one.runs] for one in found] == [["pass-0"]] * 3
    assert len({one.evidence for one in found}) == 1, "another server was started"
    assert len(list((tmp_path / "results" / "work" / "programs").iterdir())) == 1
    assert not (tmp_path / "results" / "work" / "scratch").exists()
    assert found[0].versions["torch"]


@pytest.mark.parametrize(
    ("knobs", "why"),
    [
        (["ends=badly"], "cannot be listed: it will not"),
        (["ends=abort"], "cannot be listed: the process was ended by SIGABRT: so it goes"),
    ],
)
def test_passes_that_cannot_be_listed_say_why(knobs: list[str], why: str) -> None:
    catalogue = installed_catalogue().holding(compilers={"watched": WATCHED})
    with pytest.raises(CompilerError, match=f"passes of 'watched' on 'mlp' {why}"):
        list_passes("watched", "mlp", knobs, catalogue)


def test_servers_are_kept_where_runs_differ_in_knobs_alone(tmp_path: Path) -> None:
    other = replace(WATCHED, adapter="ablatrix.compilers.eager:EagerCompiler")
    with KeptServers(tmp_path) as kept:
        first, same, another = (
            kept.of(resolved, Sides(catalogue=resolved.catalogue))
            for resolved in map(resolved_of, (WATCHED, OTHER_KNOB, other))
        )
    assert first is same
    assert another is not first
