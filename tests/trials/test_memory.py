import mmap
from pathlib import Path

import pytest

from ablatrix.trials.host.memory import MemoryReading, PeakMeter, read_memory

MEBIBYTE = 1 << 20
SLACK_BYTES = 4 * MEBIBYTE  # page counts kept per core, and whatever else this process does


def _touch(size_bytes: int) -> None:
    """Take pages from the kernel and give them back; an allocator would hand out pages that it already holds."""
    with mmap.mmap(-1, size_bytes) as block:
        for page in range(0, size_bytes, mmap.PAGESIZE):
            block[page] = 1


@pytest.fixture
def resettable() -> None:
    if PeakMeter.reset().start_bytes is None:
        pytest.skip("this kernel does not let a process reset its peak resident set")


@pytest.mark.usefixtures("resettable")
def test_growth_counts_memory_allocated_and_freed_in_phase() -> None:
    meter = PeakMeter.reset()
    _touch(64 * MEBIBYTE)
    growth = meter.growth_bytes()
    assert growth is not None
    assert abs(growth - 64 * MEBIBYTE) < SLACK_BYTES


@pytest.mark.usefixtures("resettable")
def test_growth_of_second_phase_ignores_peak_of_first() -> None:
    _touch(128 * MEBIBYTE)
    meter = PeakMeter.reset()
    _touch(16 * MEBIBYTE)
    growth = meter.growth_bytes()
    assert growth is not None
    assert abs(growth - 16 * MEBIBYTE) < SLACK_BYTES


@pytest.mark.usefixtures("resettable")
def test_level_after_peak_falls_back() -> None:
    meter = PeakMeter.reset()
    _touch(64 * MEBIBYTE)
    reading = meter.read()
    assert reading is not None
    assert reading.peak_bytes - reading.resident_bytes > 64 * MEBIBYTE - SLACK_BYTES


def test_growth_without_permission_to_reset_is_none(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("VmHWM:\t  900 kB\nVmRSS:\t  300 kB\n")
    (tmp_path / "clear_refs").mkdir()  # opening it for writing fails, also for root
    meter = PeakMeter.reset(tmp_path)
    assert meter.start_bytes is None
    assert meter.read() is None
    assert meter.growth_bytes() is None


def test_memory_figures_are_bytes_and_silent_kernel_gives_none(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tpython\nVmHWM:\t  900 kB\nVmRSS:\t  300 kB\n")
    assert read_memory(tmp_path) == MemoryReading(resident_bytes=300 * 1024, peak_bytes=900 * 1024)
    (tmp_path / "status").write_text("Name:\tpython\nVmRSS:\t  300 kB\n")
    assert read_memory(tmp_path) is None
    assert read_memory(tmp_path / "absent") is None
