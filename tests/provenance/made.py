"""Records of shapes that the synthetic study does not have."""

from collections.abc import Sequence

from ablatrix.records.model import Record


def renamed(record: Record, mark: str, **changed: object) -> Record:
    """The record of another trial: its ids end in a mark."""
    ids = {name: f"{getattr(record, name)[:-1]}{mark}" for name in ("record_id", "trial_id")}
    return record.model_copy(update={**ids, **changed})


def in_block(record: Record, number: int) -> Record:
    return record.model_copy(update={"meta": record.meta.model_copy(update={"block": number})})


def in_two_parts(records: Sequence[Record]) -> list[Record]:
    """The records as if each block had been run in two parts, fusion off and on, with the baseline in each."""
    found = []
    for record in records:
        knobs, is_measured = record.config.knobs, record.role == "measured"
        if not is_measured or knobs["fusion"] == "off":
            found.append(in_block(record, 2 * record.meta.block))
        if is_measured and (knobs["fusion"] == "on" or knobs == record.config.baseline):
            second = renamed(record, "+", block_id=f"{record.block_id[:-1]}+")
            found.append(in_block(second, 2 * record.meta.block + 1))
    return found


def with_a_third_level(records: Sequence[Record]) -> list[Record]:
    """The records, and those of a third level of fusion, which sorts before the second."""
    found = list(records)
    for record in records:
        if record.role == "measured" and record.config.knobs["fusion"] == "on":
            knobs = {**record.config.knobs, "fusion": "more"}
            config = record.config.model_copy(update={"knobs": knobs})
            found.append(renamed(record, "m", config=config, cell_id=f"{record.cell_id[:-1]}m"))
    return found
