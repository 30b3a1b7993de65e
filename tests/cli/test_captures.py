"""What commands print at 80 and 120 columns, held against captures; no word is cut and no line is too long.

To make the captures again: ``ABLATRIX_WRITE_CAPTURES=1 pytest tests/cli/test_captures.py``; look at each difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from ablatrix.cli.progress import PlainLines
from ablatrix.cli.run_state import RunState, UnitState
from ablatrix.cli.status import show_state
from ablatrix.records.brief import Brief
from ablatrix.records.model import Stopping
from ablatrix.records.status import Status
from tests.cli.conftest import Ablatrix
from tests.synthetic import Plant, make_records, write_records

CAPTURES = Path(__file__).parent / "golden"
WIDTHS = (80, 120)
PLANTS = [
    Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "release"}),
    Plant("timeout", "encoder", "cold", {"partition": "regions"}, block=1),
]
QUICK = Path(__file__).parents[2] / "studies" / "quick.yaml"
STOPPING = Stopping(
    blocks=7,
    least_blocks=5,
    most_blocks=12,
    effect_target=0.02,
    cell_target=0.06,
    effect_half_width=0.0051,
    cell_half_width=0.027,
    short_of=None,
    decision="precise",
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("captured")
    write_records(place / "results.jsonl", make_records(blocks=3, plants=PLANTS))
    return place


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("effects", ["effects", "{results}", "--metric", "run_ms_paired"]),
        ("effects-all", ["effects", "{results}", "--metric", "run_ms_paired", "--show", "all"]),
        ("diagnose", ["diagnose", "{results}"]),
        ("diagnose-all", ["diagnose", "{results}", "--show", "all"]),
        ("design", ["design", "{quick}"]),
    ],
)
def test_command_at_width_prints_capture(
    here: Ablatrix, results: Path, monkeypatch: pytest.MonkeyPatch, name: str, arguments: Sequence[str], width: int
) -> None:
    words = [one.format(results=results, quick=QUICK) for one in arguments]
    monkeypatch.setenv("COLUMNS", str(width))
    done = here(*words)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    hold(f"{name}-{width}", text, width)
    monkeypatch.setenv("COLUMNS", "1000")
    assert_no_word_is_cut(text, here(*words, "--wide").stdout.decode())


@pytest.mark.usefixtures("no_images")
@pytest.mark.slow
@pytest.mark.parametrize("width", [80, pytest.param(120, marks=pytest.mark.long)])
def test_verdict_at_width_prints_capture(
    here: Ablatrix, results: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = here("verdict", results)
    assert done.returncode == 1, done.stderr.decode()
    hold(f"verdict-{width}", done.stdout.decode(), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_run_at_width_prints_capture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    """A run's lines of progress, and the summary at its end."""
    monkeypatch.setenv("COLUMNS", str(width))
    records = make_records(
        workloads=["encoder"], modes=["hot"], blocks=1, plants=[Plant("crashed", "encoder", "hot", {})]
    )
    lines = PlainLines()
    lines.notice("encoder: preparing the workload: build, export, oracle")
    lines.recorded(Brief.of(records[0]))
    lines.decided("encoder", "tvm", STOPPING)
    lines.decided("mlp", "tvm", STOPPING.model_copy(update=ONE_BLOCK))
    progress = capsys.readouterr().err
    units = [
        UnitState(
            workload=workload,
            compiler="tvm",
            mode=mode,
            planned=126,
            statuses={Status.OK: 125, Status.CRASHED: 1} if mode == "cold" else {Status.OK: 120},
            stopping=STOPPING if mode == "hot" else None,
            left_s=3.0,
        )
        for workload in ("encoder", "mlp")
        for mode in ("cold", "hot")
    ]
    failed = next(one for one in records if one.status.is_failure)
    show_state(
        RunState(
            study="quick",
            units=tuple(units),
            is_running=True,
            begun="2026-11-28T01:48:30.514Z",
            last="2026-11-28T01:54:30.514Z",
            seconds=361.0,
            failures=(failed,) * 5,
        ),
        wide=False,
    )
    hold(f"run-{width}", capsys.readouterr().out, width)
    assert "encoder on tvm: 7 blocks: effects known to +-0.5% (wanted +-2.0%), cells known to +-2.7%" in progress
    assert (
        "mlp on tvm: one block: no interval yet, which takes two; no block is added, as the study allows one block "
        "(protocol.hot.max_blocks)" in progress
    )


ONE_BLOCK = {
    "blocks": 1,
    "least_blocks": 1,
    "most_blocks": 1,
    "effect_half_width": None,
    "cell_half_width": None,
    "decision": "most_blocks",
}


def hold(name: str, text: str, width: int) -> None:
    """Hold a text against its capture, and its lines against the width."""
    file = CAPTURES / f"{name}.txt"
    if os.environ.get("ABLATRIX_WRITE_CAPTURES"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= width


def assert_no_word_is_cut(text: str, whole: str) -> None:
    """Assert that each word of a text is one of the same output at a width where nothing wraps."""
    known = {word.strip("();,:") for word in whole.split()}
    known |= {"omitted", "for", "want", "of", "width", "shows", "all", "--wide"}
    found = {word.strip("();,:") for word in text.split() if not re.fullmatch("-+", word)}
    assert found - known == set()
