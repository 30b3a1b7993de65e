"""Which build of its compiler a trial ran."""

from pydantic import Field

from ablatrix.records.part import Part


class BuildFacts(Part):
    """The build of the compiler that the trial ran, where the study compares several."""

    name: str = Field(description="Its name in the study: the level of the knob `build`.")
    digest: str = Field(
        description="SHA-256 of what it was asked to be and of what that turned out to be: Python, packages with "
        "digests, commit. Two names of one build have the same."
    )
    commit: str | None = Field(description="Git commit that it was made from, or that lay there; null without one.")
    dirty: bool | None = Field(description="Whether that checkout had changes that are in no commit; null without one.")
    program: str | None = Field(
        description="SHA-256 of the program as its own torch prepared it, where that is not the torch of the others; "
        "null where all read one."
    )
    complete_code: bool = Field(
        description="Whether all code that runs is in `compile.artifact_digest`, so that two builds with one digest "
        "ran the same code; not so where kernels of a library run beside it."
    )
