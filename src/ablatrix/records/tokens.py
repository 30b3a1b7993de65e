"""The record's parts on generating text: the tokens of a run, the bytes that it must read, and how fast memory is."""

from typing import Annotated, Literal

from pydantic import Field

from ablatrix.records.part import Bytes, Count, Part


class TokenFacts(Part):
    """What one run does of generating text."""

    phase: Literal["prefill", "decode"] = Field(description="prefill: a prompt; decode: one token behind a context.")
    context: Count = Field(description="Tokens of the prompt, or in the cache that a decode step reads.")
    batch: Count = Field(description="Sequences handled together.")
    tokens: Count = Field(description="Tokens of one run: batch x context (prefill), batch (decode).")
    weight_bytes: Bytes = Field(
        description="Bytes of the weights that any run must read: of a table that is looked up one row, of a layer's "
        "experts as many as one token takes."
    )
    cache_bytes: Bytes = Field(description="Bytes of the keys and values that a run makes (prefill) or reads (decode).")


class MemorySpeed(Part):
    """How fast the machine's memory is, as measured once when the run began."""

    bytes_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description="Largest rate of several tries on all cores, over arrays larger than the last cache."
    )
    last_cache_bytes: Bytes | None = Field(description="Size of the last cache; null when the kernel does not tell.")
