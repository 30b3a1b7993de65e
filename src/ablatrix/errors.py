"""The errors that ablatrix raises, and what each branch means.

    AblatrixError
    ├── StudyError        a study file that cannot be read, is invalid, or cannot be designed
    ├── WorkloadError     a workload that is unknown, or that cannot be built or exported
    ├── PlanError         a plan that cannot be made, or that its validator refuses
    ├── CompilerError     a compiler that is unknown, not installed, or that failed on a program
    │   ├── UnsupportedError  the compiler does not have what was asked for; no failure
    │   └── ProgramEndedError  a compiler that is a program of its own ended instead of answering
    ├── PluginError       a plug-in that cannot be imported, or whose entries cannot be used
    ├── BuildError        a build of a compiler that cannot be made, or that does not fit
    │   └── BuildFailedError  the fault is its own: a command of making it failed, or it lacks what each needs
    ├── TrialError        the machinery around trials: fork server, channels, result directory
    ├── RecordError       a line or file of records that cannot be read or breaks the schema
    ├── AnalysisError     records that cannot be put into one table or figure as asked
    └── ArtifactError     an artifact that cannot be built or verified

A message names the subject, the broken rule, the values, the location and the remedy, in this shape:
``study.yaml:14: knob 'fusion' of compiler 'tvm' has no level 'maybe'; it has: off, on``.
A trial that crashes is a record, not an exception.
"""


class AblatrixError(Exception):
    """Root of all errors that a user of ablatrix can meet."""


class StudyError(AblatrixError):
    """A study is invalid. ``faults`` holds one message for each fault."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class WorkloadError(AblatrixError):
    """A workload is unknown, or cannot be built, exported or loaded."""


class PlanError(AblatrixError):
    """A plan cannot be made, or breaks a rule that its validator checks."""


class CompilerError(AblatrixError):
    """A compiler is unknown, not installed, or failed on a program."""


class UnsupportedError(CompilerError):
    """The compiler does not have what was asked for. Recorded as ``unsupported``, which is no failure."""


class ProgramEndedError(CompilerError):
    """A compiler that is a program of its own ended. Recorded as ``crashed``, as when the worker itself had ended.

    Attributes:
        signal: Number of the signal that ended it, None when it left by itself.
        exit_code: What it left with, None when a signal ended it.
    """

    def __init__(self, message: str, signal: int | None, exit_code: int | None) -> None:
        super().__init__(message)
        self.signal = signal
        self.exit_code = exit_code


class PluginError(AblatrixError):
    """A plug-in cannot be imported, or adds what cannot be used."""


class BuildError(AblatrixError):
    """A build of a compiler cannot be made, or does not fit what it is to be used for."""


class BuildFailedError(BuildError):
    """A build is at fault itself, and another one of the same study need not be.

    A command of its making failed (its author's, pip, or git on what is to be checked out), it lacks what each build
    must have, or it does not say what it is.

    Attributes:
        build: Its name.
    """

    def __init__(self, message: str, build: str) -> None:
        super().__init__(message)
        self.build = build


class TrialError(AblatrixError):
    """The machinery around trials failed: fork server, channel, result directory."""


class RecordError(AblatrixError):
    """A line or a file of records cannot be read, or breaks the schema."""


class AnalysisError(AblatrixError):
    """Records cannot be put into one table or figure as asked."""


class ArtifactError(AblatrixError):
    """An artifact cannot be built or verified."""
