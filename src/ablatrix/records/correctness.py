"""The record's part on how outputs compare with the oracle."""

from pydantic import Field

from ablatrix.records.part import Count, Finite, Part


class Correctness(Part):
    """How the outputs compare with the float64 oracle."""

    checked: Count = Field(description="Outputs x input draws that were compared.")
    missing: Count = Field(description="Outputs x input draws that were to be compared and were not.")
    draws: Count = Field(description="Input draws asked for.")
    max_abs_diff: Finite | None = Field(description="Worst absolute difference; null when nothing was compared.")
    max_rel_diff: Finite | None = Field(description="Worst relative difference, where the oracle is not zero.")
    rms_ratio: Finite | None = Field(
        description="Worst RMS error over the largest of eager and its runs with other roundings (with the floor); "
        "before 1.3 over eager's own."
    )
    cosine: Finite | None = Field(description="Smallest cosine between output and oracle.")
    nonfinite: Count = Field(description="Elements that are not finite where the oracle's are.")
    rms_factor: Finite = Field(
        description="Tolerance in force: allowed rms_ratio, and allowed worst_ratio where it is 1 or more."
    )
    rms_floor: Finite = Field(description="Tolerance in force: floor added to eager's RMS error, relative.")
    ok: bool | None = Field(
        description="All compared and within tolerance; null when something is missing, or nothing could be judged."
    )
    checked_digest: str | None = Field(description="artifact_digest of the executable that was checked.")
    timed_digest: str | None = Field(description="artifact_digest of the executable that was timed.")
    note: str | None = Field(
        default=None,
        description="Which output and draw was worst, or why one was not compared; and what is known of eager.",
    )
    worst_ratio: Finite | None = Field(
        default=None,
        description="Largest error of one element over the largest of eager in elements like it; null before 1.3.",
    )
    allowed_over_eager: Finite | None = Field(
        default=None,
        description="RMS error that was allowed, in units of eager's own; of the output where it is largest. Null "
        "where eager has no error, and before 1.3.",
    )
    ill_conditioned: Count | None = Field(
        default=None,
        description="Outputs x input draws that were not judged, as float32 does not determine them; null before 1.3.",
    )
    undetermined: Count | None = Field(
        default=None,
        description="Elements of judged outputs that have more than one right value in float32 (a near tie, an "
        "overflow); null before 1.3.",
    )
    eager_wrong: Count | None = Field(
        default=None,
        description="Judged outputs x input draws in which eager itself differs from the oracle; null before 1.3.",
    )
    float_distance: Finite | None = Field(
        default=None,
        description="RMS difference of the oracle of a quantised program from that of the model before, relative; the "
        "largest over outputs and input draws. Null where it is not quantised, and before 1.4.",
    )
    tolerance_by: str | None = Field(
        default=None,
        description="Knob whose level promised the tolerance in force; null where it is the study's, and before 1.3.",
    )
    generated_tokens: Count | None = Field(
        default=None,
        description="Tokens that decode steps generated one after the other and that were compared with the oracle's; "
        "null where nothing is generated, and before 1.4.",
    )
    generated_ties: Count | None = Field(
        default=None,
        description="How many of these were another token whose score is equal but for rounding; null before 1.4.",
    )
