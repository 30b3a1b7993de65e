"""Which hosts of a cluster may take part in a run from here, without running anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.trials.messages import Interrupt
from ablatrix.trials.results import Silence
from ablatrix.trials.run.seat import HostReport
from ablatrix.trials.run.seats import Seats
from ablatrix.trials.slots import SlotBook, choose_field


def check_hosts(address: str) -> list[HostReport]:
    """Return what each host of a cluster would be told at the beginning of a run.

    Args:
        address: As for ``run --slots``.

    Raises:
        TrialError: There is no cluster, or its library is not installed.
        Interrupted: The user asked to stop.
    """
    shared = Path.cwd() if address.startswith("slurm") else None  # jobs find messages by a path of all hosts
    with tempfile.TemporaryDirectory(prefix=".ablatrix-check-", dir=shared) as directory:
        field = choose_field(address, Path(directory))
        if field is None:
            raise TrialError("local is this host alone; see ablatrix doctor, or name a cluster such as ray")
        with field, Interrupt() as interrupt:
            seats = Seats(field, SlotBook(Path(directory)), None, Silence())
            try:
                return seats.look(interrupt)
            finally:
                seats.leave()
