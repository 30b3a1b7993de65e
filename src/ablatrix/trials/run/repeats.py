"""Which trials and blocks are repeated because noise disturbed them."""

from __future__ import annotations

from collections.abc import Callable


class Repeats:
    """Decides for each attempt of a run, in their order, whether another one follows.

    A hypervisor that takes a share of every second disturbs each repeat like the first attempt, and a repeat takes the
    time of a further block. So nothing is repeated after one whose repeats were all disturbed, until an attempt is not.
    Whether an attempt is repeated depends on what the kernel counted, never on a time, so that giving up chooses no
    times either.
    """

    def __init__(self, most: int, notice: Callable[[str], None]) -> None:
        """Begin.

        Args:
            most: Repeats of one trial or block (``protocol.repeats``).
            notice: Called with a line about each repeat, and when it gives up.
        """
        self._most, self._notice = most, notice
        self._in_vain = False

    def follows(self, reason: str | None, left: int) -> bool:
        """Return whether an attempt is repeated.

        Args:
            reason: What disturbed it; None where nothing did.
            left: Repeats that are left.
        """
        if reason is None:
            self._in_vain = False
        if reason is None or self._in_vain or not self._most:
            return False
        if left:
            self._notice(f"disturbed, so it is repeated: {reason}")
            return True
        self._in_vain = True
        self._notice(f"disturbed when it was repeated, too ({reason}): nothing is repeated until something is not")
        return False
