"""What the records of a real run say of the processes that made them."""

from __future__ import annotations

from pathlib import Path

from ablatrix.records.journal import read_records


def test_run_with_installed_compilers_forks_each_trial_and_counts_noise(finished: Path) -> None:
    records = list(read_records(finished / "results.jsonl"))
    assert records
    for record in records:
        noise = record.meta.noise
        assert record.meta.process == "forked"
        assert noise.cpu_s is not None
        assert noise.cpu_s > 0
        assert noise.voluntary_switches is not None
        assert noise.span_s is not None
        assert record.runtime is not None
        assert record.runtime.peak_rss_compile_bytes is not None or "peak_rss_compile_bytes" in record.runtime.reasons
