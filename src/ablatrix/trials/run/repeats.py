"""Which trials and blocks are repeated because noise disturbed them."""

from __future__ import annotations

from collections.abc import Callable

IN_VAIN = 3
"""Repeats in a row that were disturbed, too, after which noise is this machine's, and repeating only costs time."""


class Repeats:
    """Decides for each attempt of a run, in their order, whether another one follows.

    A hypervisor that takes a share of every second disturbs each repeat like the first attempt. Whether an attempt is
    repeated depends on what the kernel counted, never on a time, so that giving up chooses no times either.
    """

    def __init__(self, most: int, notice: Callable[[str], None]) -> None:
        """Begin.

        Args:
            most: Repeats of one trial or block (``protocol.repeats``).
            notice: Called with a line about each repeat, and when it gives up.
        """
        self._most, self._notice = most, notice
        self._in_vain = 0

    def follows(self, reason: str | None, left: int) -> bool:
        """Return whether an attempt is repeated.

        Args:
            reason: What disturbed it; None where nothing did.
            left: Repeats that are left.
        """
        if reason is None:
            self._in_vain = 0
            return False
        self._in_vain += left < self._most
        if left == 0:
            return False
        if self._in_vain < IN_VAIN:
            self._notice(f"disturbed, so it is repeated: {reason}")
            return True
        if self._in_vain == IN_VAIN:
            self._in_vain += 1
            self._notice(
                f"disturbed ({reason}), as {IN_VAIN} repeats in a row were: nothing is repeated until something is not"
            )
        return False
