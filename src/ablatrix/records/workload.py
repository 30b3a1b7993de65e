"""Parts of what a record says of its workload."""

from pydantic import Field

from ablatrix.records.part import Finite, Part


class InputFacts(Part):
    """One input of a workload."""

    name: str = Field(description="Name of the input.")
    shape: list[int | str] = Field(description="Sizes; a dynamic dimension stands by its name.")
    dtype: str = Field(description="Element type, as torch names it without the prefix.")


class WorkloadAxis(Part):
    """The value of one axis of a workload."""

    name: str = Field(description="The parameter.")
    value: int | Finite | str | bool = Field(description="Its value, as the study has it.")
