"""From the settings of a configuration to XLA's options of one compilation."""

from __future__ import annotations

from dataclasses import dataclass

from ablatrix.compilers.catalogue import SettingValue
from ablatrix.compilers.settings import NO_SETTINGS, Applied


@dataclass(frozen=True, slots=True)
class Options:
    """What a compilation depends on; ``partition``, ``reuse`` and ``upper_bound`` enter through the plan and the task.

    Attributes:
        threads: Threads of the pool.
        settings: What the knobs set, by address.
    """

    threads: int
    settings: Applied = NO_SETTINGS

    def compiler_options(self) -> dict[str, SettingValue]:
        """Return the options of a compilation; XLA ignores names of passes that it does not have."""
        disabled = ",".join(self.settings.switched_off("pass"))
        return {**({"xla_disable_hlo_passes": disabled} if disabled else {}), **self.settings.building("flag")}
