"""The columns that follow from tokens: ``ms_per_token``, ``tokens_per_s`` and ``floor_share``."""

import polars as pl

TIME = pl.col("run_ms_p50")


def with_token_rates(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the table with times a token, tokens a second and shares of the floor; null where a run has no tokens.

    The floor is the time in which memory, at the speed that was measured when the run began, can hand over the weights
    and the cache that any run must read. It is none where both are smaller than the last cache, which may hold them
    from one run to the next.
    """
    read_bytes = pl.col("tokens_weight_bytes") + pl.col("tokens_cache_bytes")
    beyond_cache = read_bytes > pl.col("memory_last_cache_bytes").fill_null(0)
    floor_ms = 1e3 * read_bytes / pl.col("memory_bytes_per_s")
    tokens = pl.when(TIME > 0).then(pl.col("tokens_a_run"))
    return trials.with_columns(
        (TIME / tokens).alias("ms_per_token"),
        (1e3 * tokens / TIME).alias("tokens_per_s"),
        (pl.when(beyond_cache & (TIME > 0)).then(floor_ms) / TIME).alias("floor_share"),
    )
