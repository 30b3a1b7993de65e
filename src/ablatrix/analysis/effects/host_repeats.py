"""Which host each repeat of a unit is of, where it ran on several."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablatrix.analysis.groups import HostNumbers, Whole
from ablatrix.analysis.reasons import Cause


@dataclass(frozen=True)
class OnHosts:
    """The repeats of a unit that ran on several hosts.

    Attributes:
        names: Of the hosts, in the order of the rows of `Readings.logs`.
        of_repeat: The number of each repeat's host.
        logs: A row a repeat and a column a configuration, relative to the baseline where there is one.
    """

    names: tuple[str, ...]
    of_repeat: tuple[int, ...]
    logs: NDArray[np.float64]


def hosts_of_repeats(repeats: Sequence[range], hosts: HostNumbers | None, first: Whole) -> tuple[str, ...]:
    """Return the host of each repeat, out of a trial of each block; nothing where all are of one.

    Parts of a repeat that were run on several hosts are a host of their own: what differs between them is not noise.
    """
    if hosts is None:
        return ()
    named = [hosts.names[number] for number in hosts.numbers[first].tolist()]
    found = tuple(" + ".join(sorted({named[block] for block in repeat})) for repeat in repeats)
    return found if len(set(found)) > 1 else ()


def on_several_hosts(
    hosts: Sequence[str], logs: NDArray[np.float64], base: int | None, lost: Sequence[Counter[str]]
) -> OnHosts:
    """Return the repeats of several hosts, relative to the baseline.

    Args:
        hosts: Of each repeat.
        logs: A row a repeat and a column a configuration.
        base: Column of the baseline.
        lost: Gets, by configuration, the values that lack the baseline of their repeat.
    """
    names = tuple(sorted(set(hosts)))
    of_repeat = tuple(names.index(one) for one in hosts)
    if base is None:
        return OnHosts(names, of_repeat, logs)
    without = np.isnan(logs[:, base])
    for _, column in np.argwhere(~np.isnan(logs) & without[:, np.newaxis]).tolist():
        lost[column][Cause.NO_BASELINE] += 1
    return OnHosts(names, of_repeat, logs - logs[:, [base]])
