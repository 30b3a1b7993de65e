"""A record on its way to a file: it is written as it came, unless it was changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ablatrix.errors import RecordError
from ablatrix.records.brief import Brief
from ablatrix.records.journal import record_line
from ablatrix.records.model import Record, Stopping
from ablatrix.study.design import make_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.results import Finished, Ledger, Line, ResultDirectory, Silence, Sink, read_whole, validated_text
from ablatrix.trials.results.finished import add_final
from tests.synthetic import make_records, write_records

DATA = {
    "name": "s",
    "workloads": ["mlp"],
    "compilers": ["tvm"],
    "modes": ["cold", "hot"],
    "stages": [{"name": "p", "factorial": {"fusion": ["off"]}}],
}
RECORDS = make_records(workloads=["attention"], blocks=1)
HOT = next(one for one in RECORDS if one.mode == "hot" and one.role == "measured")
STOPPING = Stopping(
    blocks=3,
    least_blocks=2,
    most_blocks=7,
    effect_target=0.02,
    cell_target=0.06,
    effect_half_width=0.0123,
    cell_half_width=None,
    short_of="cell 'a \"b\"'",
    decision="continue",
)


def ledger_of(path: Path, sink: Sink | None = None) -> Ledger:
    resolved = resolve_study(Study.model_validate(DATA))
    directory = ResultDirectory(path)
    return Ledger(directory.make(resolved.study, make_design(resolved)), directory, None, sink, Silence(), True)


def test_line_that_came_whole_is_written_as_it_came() -> None:
    text = record_line(HOT).replace('"final":true', '"final": true')  # as another program might write it
    line = read_whole(text, "[1.0]", "spool")
    assert line.record == HOT
    assert line.text == text


def test_line_that_was_changed_is_written_anew() -> None:
    line = read_whole(record_line(HOT), None, "spool").changed(final=False)
    assert line.text == record_line(HOT.model_copy(update={"final": False}))


@pytest.mark.parametrize("came", [True, False])
def test_decision_on_blocks_is_put_into_a_line(came: bool) -> None:
    line = read_whole(record_line(HOT), None, "spool") if came else Line.of(HOT, None)
    told = line.with_stopping(STOPPING)
    assert told.record.runtime is not None
    assert told.record.runtime.stopping == STOPPING
    assert json.loads(told.text) == json.loads(record_line(told.record))
    assert (told.came_as is not None) == came


def test_text_of_an_error_is_not_taken_for_the_decision() -> None:
    failed = HOT.model_copy(update={"study": 'a "stopping":null b'})
    told = read_whole(record_line(failed), None, "spool").with_stopping(STOPPING)
    assert json.loads(told.text) == json.loads(record_line(told.record))


def test_line_that_breaks_the_schema_is_named() -> None:
    with pytest.raises(RecordError, match="spool: field 'status'"):
        read_whole(record_line(HOT).replace('"status":"ok"', '"status":"fine"'), None, "spool")


def test_record_that_breaks_the_schema_is_not_sent() -> None:
    assert validated_text(Line.of(HOT, None)) == record_line(HOT)
    broken = HOT.model_copy(update={"wall_s": -1.0})
    with pytest.raises(RecordError, match="field 'wall_s'"):
        validated_text(Line.of(broken, None))


def test_record_of_a_line_is_validated_when_it_is_asked_for() -> None:
    line = read_whole(record_line(HOT).replace('"study_dirty":', '"study_dirtiness":'), None, "spool")
    assert line.brief == Brief.of(HOT)
    with pytest.raises(RecordError, match="study_dirtiness"):
        line.record  # noqa: B018


def test_old_line_is_read_and_written_anew() -> None:
    data = json.loads(record_line(HOT)) | {"schema_version": "1.4"}
    del data["meta"]["place"]
    del data["meta"]["noise"]["cluster_cpu_s"]
    line = read_whole(json.dumps(data) + "\n", None, "spool")
    assert line.came_as is None
    assert line.record.meta.place is None


def test_what_counts_of_a_trial_is_its_last_final_record() -> None:
    def attempt(number: int, *, final: bool) -> Record:
        return HOT.model_copy(update={"attempt": number, "final": final})

    held: dict[str, Finished] = {}
    for one in (attempt(0, final=True), attempt(2, final=True), attempt(1, final=True), attempt(3, final=False)):
        add_final(held, Brief.of(one))
    assert [one.attempt for one in held.values()] == [2]
    assert HOT.runtime is not None
    assert held[HOT.trial_id].bursts_ms == tuple(HOT.runtime.burst_ms_min or ())


def test_lines_that_are_written_together_are_there_at_the_end(tmp_path: Path) -> None:
    told: list[str] = []
    ledger = ledger_of(tmp_path, lambda one: told.append(one.record_id))
    ledger.open()
    cold = [one for one in RECORDS if one.mode == "cold"]
    with ledger.begin(set()):
        with ledger.together() as batch:
            ledger.write([Line.of(HOT, '{"a": 1}')])
            ledger.write([Line.of(cold[0], None)])
            assert ledger.next_attempt(HOT.trial_id) == 1
            assert ledger.is_written(HOT.trial_id, 0)
            assert told == []
        assert (tmp_path / "results.jsonl").read_text() == ""
        ledger.to_disk(batch)
        assert told == []
        ledger.tell(batch)
        assert told == [HOT.record_id, cold[0].record_id]
        assert (tmp_path / "results.jsonl").read_text() == record_line(HOT) + record_line(cold[0])
        assert (tmp_path / "samples" / f"{HOT.block_id}.jsonl").read_text() == '{"a": 1}\n'
        assert ledger.statuses() == {HOT.trial_id: "ok", cold[0].trial_id: cold[0].status}
        ledger.write([Line.of(cold[1], None)])
        assert told[-1] == cold[1].record_id


def test_results_are_read_once_and_follow_what_is_written(tmp_path: Path) -> None:
    write_records(tmp_path / "results.jsonl", RECORDS[:3])
    ledger = ledger_of(tmp_path)
    ledger.read()
    with ledger.begin(set()):
        ledger.write([Line.of(HOT, None)])
    assert set(ledger.open()) == {one.trial_id for one in (*RECORDS[:3], HOT)}
