"""From the settings of a configuration to ONNX Runtime's session options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import SettingValue
from ablatrix.compilers.settings import NO_SETTINGS, Applied

NOTHING = "none"
VERBOSE = 0
ERRORS_ONLY = 3  # warnings would go to the output of the trial
DECIDED_BY_FIRST = ("session.set_denormal_as_zero",)
"""What the first session of a process decides for the thread that makes it, whatever later ones say."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a session depends on; ``partition`` and ``upper_bound`` enter through the task itself.

    Attributes:
        threads: Threads inside an operator.
        settings: What the knobs set, by address.
        without: One further optimiser that does not run, or ``none``.
    """

    threads: int
    settings: Applied = NO_SETTINGS
    without: str = NOTHING

    def disabled(self) -> list[str]:
        """Return the names of the optimisers that do not run."""
        named = {*self.settings.switched_off("optimizer"), *([] if self.without == NOTHING else [self.without])}
        return sorted(named)

    def optimising(self, file: Path) -> Any:
        """Return the options of a session that optimises a model and saves it."""
        options = self._common()
        _apply(options, self.settings.building("session") | self.first(), self.settings.building("option"))
        options.optimized_model_filepath = str(file)
        return options

    def first(self) -> dict[str, SettingValue]:
        """Return entries of the run that the session that optimises has to have, as it is the first of a process."""
        entries = self.settings.running("session")
        return {name: entries[name] for name in DECIDED_BY_FIRST if name in entries}

    def running(self) -> Any:
        """Return the options of a session that runs a saved model as it is."""
        import onnxruntime

        options = self._common()
        _apply(options, self.settings.running("session"), self.settings.running("option"))
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return options

    def _common(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        # A trial that waits for its turn must not keep a processor busy; it is stopped then, but not while it is timed.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        return options

    def read_back(self, options: Any) -> dict[str, str]:
        """Return the settings of the run time that a session's options say are in force, by address."""
        found = {f"session:{name}": _entry(options, name) for name in self.settings.reported("session")}
        found |= {f"option:{name}": getattr(options, name) for name in self.settings.reported("option")}
        return {address: str(getattr(value, "name", value)) for address, value in found.items()}


def _entry(options: Any, name: str) -> str:
    try:
        return str(options.get_session_config_entry(name))
    except RuntimeError:  # it was never set, and ONNX Runtime does not say what it takes then
        return "not set"


def _apply(options: Any, entries: Mapping[str, SettingValue], attributes: Mapping[str, SettingValue]) -> None:
    for name, value in entries.items():
        options.add_session_config_entry(name, str(value))
    for name, value in attributes.items():
        members = getattr(type(getattr(options, name)), "__members__", None)
        setattr(options, name, value if members is None else members[value])
