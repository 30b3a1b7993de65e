"""Shapley shares from a sample of orders: pairs of orders are run in rounds until each share is known well enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ablatrix.canonical import content_id
from ablatrix.compilers.catalogue import Level
from ablatrix.records.model import Record
from ablatrix.statistics.screening import Order, antithetic_permutations, coalitions
from ablatrix.study.design import Design
from ablatrix.study.further_stages import Changed, add_round, lay_out
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_choice import FIRST_PAIRS, pairs_of_orders
from ablatrix.study.stage import Stage
from ablatrix.study.stage_choice import StageChoice
from ablatrix.trials.run.seen import observed

SHAPLEY = "sampled_shapley"
MORE = 2
"""Pairs of orders of each round after the first."""


def with_orders(
    resolved: ResolvedStudy,
    design: Design,
    stage: Stage,
    choice: StageChoice,
    levels: dict[str, tuple[Level, ...]],
    most: int,
    max_live: int | None,
) -> Design:
    """Return the design with the first round of orders; all that may be run are drawn before anything of it runs.

    Args:
        resolved: The study with its catalogue.
        design: The design so far.
        stage: The stage.
        choice: What is known of it.
        levels: The knobs that may do something, each with the baseline's level and the other one.
        most: Configurations that it may have.
        max_live: See `make_design`.
    """
    pairs = pairs_of_orders(len(levels), most)
    identity = {"seed": resolved.study.seed, "what": "orders", "stage": stage.name}
    seed = int(content_id({**identity, "pair": [choice.workload, choice.compiler]}), 16)
    orders = antithetic_permutations(len(levels), pairs, np.random.default_rng(seed))
    width = resolved.study.protocol.hot.effect_width
    found = replace(
        choice,
        design=SHAPLEY,
        levels=levels,
        configurations=len(coalitions(orders)),
        orders=orders,
        why=f"{choice.why}; Shapley shares from up to {pairs} pairs of orders, until each is known to +-{width:.3g} on "
        "the logarithm",
    )
    return lay_out(resolved, design, stage, found, _configurations(found, orders[: 2 * FIRST_PAIRS]), max_live)


def next_share_round(
    resolved: ResolvedStudy,
    design: Design,
    stage: Stage,
    choice: StageChoice,
    records: Sequence[Record],
    max_live: int | None,
) -> Design | None:
    """Return the design with further pairs of orders; None where all shares are known well enough, or none is left.

    Args:
        resolved: The study with its catalogue.
        design: The design so far.
        stage: The stage.
        choice: What it is.
        records: Of its measured trials so far, all of them.
        max_live: See `make_design`.
    """
    begun = _begun(choice, records)
    if begun >= len(choice.orders):
        return None
    widths = [one.ratio.half_width for one in observed(choice, records).factors if one.ratio is not None]
    target = resolved.study.protocol.hot.effect_width
    if widths and all(width is not None and width <= target for width in widths):
        return None
    further = choice.orders[begun : begun + 2 * MORE]
    return add_round(resolved, design, stage, choice, _configurations(choice, further), max_live)


def _begun(choice: StageChoice, records: Sequence[Record]) -> int:
    """Return how many orders, from the first, have all their configurations among the records."""
    knobs = list(choice.levels)
    held = {tuple(record.config.knobs[knob] for knob in knobs) for record in records}
    for count in range(len(choice.orders), 0, -2):
        if all(tuple(one.values()) in held for one in _configurations(choice, choice.orders[:count])):
            return count
    return 0


def _configurations(choice: StageChoice, orders: Sequence[Order]) -> list[Changed]:
    return [
        {knob: held[moved] for (knob, held), moved in zip(choice.levels.items(), row, strict=True)}
        for row in coalitions(orders)
    ]
