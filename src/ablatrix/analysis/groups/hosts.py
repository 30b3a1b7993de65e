"""Hosts as blocks: where a unit ran on several hosts, a host's value is the mean over its blocks, and hosts repeat.

A value is always taken relative to the baseline of its own block first, so that no time of one host meets one of
another. Where a unit ran on one host alone, its blocks repeat, as ever. See `ablatrix.statistics.hosts` for why hosts
weigh the same, and docs/hosts.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups.numbering import Numbered, Real, Whole, means_by, numbered_codes
from ablatrix.records.place import short_host_ids

HOST_COLUMNS = ("host_id", "host")
"""What tells hosts apart: their ids; in records before 1.5 their names."""


@dataclass(frozen=True)
class HostNumbers:
    """Which host each row of a table is of.

    Attributes:
        numbers: Of the host of each row, from 0 on.
        names: Of the hosts: as short as tells them apart.
    """

    numbers: Whole
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many hosts there are."""
        return len(self.names)


def host_columns(trials: pl.DataFrame, groups: Sequence[str] = ()) -> list[str]:
    """Return the columns of a table that tell hosts apart; none where hosts are groups of their own."""
    if not {*HOST_COLUMNS}.isdisjoint(groups):
        return []
    return [name for name in HOST_COLUMNS if name in trials.columns]


def host_expr(columns: Sequence[str]) -> pl.Expr:
    """Return the host of a trial, out of the columns that its table has."""
    known = [pl.col(name).cast(pl.String) for name in HOST_COLUMNS if name in columns]
    return pl.coalesce(*known) if known else pl.lit(None, pl.String())


def host_numbers(trials: pl.DataFrame) -> HostNumbers | None:
    """Return which host each row is of; None where all are of one, or nothing says so."""
    known = [name for name in HOST_COLUMNS if name in trials.columns]
    if all(trials[name].n_unique() < 2 for name in known):  # of labels that is known at once
        return None
    hosts = trials.select(host_expr(known).fill_null("").alias("host")).to_series()
    distinct = hosts.unique().sort().to_list()
    if len(distinct) < 2:
        return None
    places = pl.DataFrame(
        {"host": distinct, "number": range(len(distinct))}, {"host": pl.String(), "number": pl.Int64()}
    )
    joined = hosts.to_frame().join(places, on="host", how="left", maintain_order="left")
    short = short_host_ids(distinct)
    return HostNumbers(joined["number"].to_numpy(), tuple(short[one] for one in distinct))


def over_hosts_of(logs: Mapping[tuple[Any, ...], float], trials: pl.DataFrame) -> list[float]:
    """Return log ratios by block as values that repeat: as they are, or the mean of each host where there are several.

    Args:
        logs: By run and id of a block.
        trials: That the blocks are of.
    """
    found = host_numbers(trials)
    if found is None:
        return list(logs.values())
    blocks = trials.select("run", "block_id").rows()
    hosts = {block: host for block, host in zip(blocks, found.numbers.tolist(), strict=True) if block in logs}
    held: dict[int, list[float]] = {}
    for block, log in logs.items():
        held.setdefault(hosts[block], []).append(log)
    return [log for logs in held.values() for log in logs] if len(held) < 2 else [fmean(one) for one in held.values()]


def are_shared(several: Sequence[tuple[str, ...]]) -> bool:
    """Return whether several figures are of the same hosts, in one order; not where they are of blocks."""
    return bool(several) and bool(several[0]) and len(set(several)) == 1


def repeating(units: Whole, blocks: Numbered, hosts: HostNumbers | None) -> Numbered:
    """Return which value repeats for each row: its block; its host, where its unit has several.

    Args:
        units: The number of the unit of each row.
        blocks: The block of each row; a block is of one host and one unit.
        hosts: The host of each row.
    """
    if hosts is None:
        return blocks
    pairs = np.unique(units * hosts.count + hosts.numbers)
    several = np.bincount(pairs // hosts.count, minlength=int(units.max(initial=0)) + 1) > 1
    return numbered_codes(np.where(several[units], blocks.count + hosts.numbers, blocks.numbers))


def means_of_repeats(keys: Whole, values: Real, blocks: Numbered, repeats: Numbered) -> tuple[Whole, Real]:
    """Return the mean of each group in each of what repeats, from its mean in each block.

    Args:
        keys: ``group * blocks.count + block``, distinct.
        values: The mean of each.
        blocks: As in ``keys``.
        repeats: What `repeating` returned.

    Returns:
        ``group * repeats.count + repeat``, sorted and distinct, with the mean of each.
    """
    if repeats is blocks:
        return keys, values
    of_block = np.zeros(blocks.count, np.int64)
    of_block[blocks.numbers] = repeats.numbers
    return means_by((keys // blocks.count) * repeats.count + of_block[keys % blocks.count], values)


def over_hosts(logs: NDArray[np.float64], hosts: Sequence[int], base: int | None) -> NDArray[np.float64]:
    """Return the values of each host: means over its blocks, relative to the baseline where there is one.

    Args:
        logs: A row a block and a column a configuration; NaN without a value.
        hosts: The number of each block's host, from 0 on.
        base: Column of the baseline. A block that lacks its value counts for nothing. Without one, a configuration that
            some block of a host lacks has no value there: its mean would be over other blocks than those of the rest.
    """
    count = max(hosts, default=-1) + 1
    found = np.full((count, logs.shape[1]), math.nan)
    relative = logs if base is None else logs - logs[:, [base]]
    for host in range(count):
        own = relative[[block for block, at in enumerate(hosts) if at == host]]
        for column, values in enumerate(own.T):
            there = values[~np.isnan(values)].tolist()
            if there and (base is not None or len(there) == len(values)):
                found[host, column] = fmean(there)
    return found
