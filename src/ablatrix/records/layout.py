"""How the address-space layout of a trial's process was drawn."""

from typing import Literal

from pydantic import Field

from ablatrix.records.part import Count, Part

Sampling = Literal["run", "padding", "block", "both"]


class Layout(Part):
    """How the address-space layout of the trial's process was drawn."""

    sampling: Sampling = Field(
        description="The study's setting: what is drawn anew within a run. block: the fork server of each hot block; "
        "padding: stack, heap and mappings of each worker; both; run: nothing."
    )
    padding_seed: Count | None = Field(description="Seed of the padding of stack, heap and mappings; null for none.")
    server: str | None = Field(
        description="Id of the fork server whose layout was inherited: another one for each that was started; null for "
        "a spawned process, which inherits none."
    )
