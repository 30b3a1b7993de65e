"""What a GPU says of itself, by stand-ins for ``pynvml`` and ``nvidia-smi``: null, with a reason, where it does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ablatrix.records.gpu import GpuReading
from ablatrix.trials.host import gpu
from ablatrix.trials.host.gpu import GpuWatch, SilentError, name_limits, parse_smi, read_gpu

LINE = "535.104.05, 1410, 1215, 34, 62.13, 0x0000000000000001\n"
IDLE = {
    "driver": "535.104.05",
    "sm_mhz": 1410,
    "memory_mhz": 1215,
    "temperature_c": 34,
    "power_w": 62.13,
    "limited_by": ["gpu_idle"],
}

Smi = Callable[[str], None]


@pytest.fixture
def smi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Smi:
    """Puts a shell script as ``nvidia-smi`` in front of the path, and takes ``pynvml`` away."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def put(script: str) -> None:
        file = tmp_path / "nvidia-smi"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    return put


def test_nvidia_smi_line_is_read() -> None:
    assert parse_smi(LINE) == IDLE


@pytest.mark.parametrize("absent", ["[N/A]", "[Not Supported]", "N/A", "[Unknown Error]"])
def test_nvidia_smi_value_that_gpu_lacks_is_null(absent: str) -> None:
    assert parse_smi(", ".join([absent] * 6)) == dict.fromkeys(IDLE)


@pytest.mark.parametrize("printed", ["", "No devices were found", "1410, 1215, 34"])
def test_nvidia_smi_line_of_other_form_is_refused_and_shown(printed: str) -> None:
    with pytest.raises(SilentError, match="6 values were expected"):
        parse_smi(printed)


def test_throttle_bits_have_names_and_unknown_one_keeps_its_number() -> None:
    assert name_limits(0) == []
    assert name_limits(0x24) == ["sw_power_cap", "sw_thermal_slowdown"]
    assert name_limits(0x1000_0000_0001) == ["gpu_idle", "0x100000000000"]
    assert name_limits(None) is None


def test_nvidia_smi_is_asked_for_this_gpu_only(smi: Smi, tmp_path: Path) -> None:
    smi(f'echo "$@" > {tmp_path}/asked; echo "{LINE.strip()}"')
    assert read_gpu("GPU-12") == ("nvidia-smi", None, IDLE)
    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "--id=GPU-12"
    assert asked[2] == "--format=csv,noheader,nounits"


def test_nvidia_smi_of_older_driver_is_asked_by_older_name(smi: Smi) -> None:
    refusal = 'Field "clocks_event_reasons.active" is not a valid field to query.'
    smi(f"case \"$2\" in *event*) echo '{refusal}'; exit 2;; *) echo '{LINE.strip()}';; esac")
    assert read_gpu("GPU-12") == ("nvidia-smi", None, IDLE)


def test_gpu_state_with_failing_sources_keeps_both_reasons(smi: Smi) -> None:
    smi("echo 'No devices were found'; exit 6")
    source, reason, values = read_gpu("GPU-12")
    assert (source, values) == (None, None)
    assert reason is not None
    assert "nvml: pynvml cannot be imported" in reason
    assert "nvidia-smi: exit code 6: No devices were found" in reason


def test_gpu_reason_without_nvidia_smi_names_missing_command(
    smi: Smi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _, reason, _ = read_gpu("GPU-12")
    assert reason is not None and reason.endswith("nvidia-smi: there is no such command")


def test_nvidia_smi_that_hangs_is_abandoned(smi: Smi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "SMI_TIMEOUT_S", 0.05)
    smi("exec sleep 5")
    assert "timed out" in (read_gpu("GPU-12")[1] or "")


class NvmlError(Exception):
    pass


def make_nvml(**changed: Any) -> SimpleNamespace:
    def not_supported(*_: Any) -> int:
        raise NvmlError("Not Supported")

    calls = {
        "NVMLError": NvmlError,
        "NVML_CLOCK_SM": 1,
        "NVML_CLOCK_MEM": 2,
        "NVML_TEMPERATURE_GPU": 0,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": lambda uuid: f"handle of {uuid}",
        "nvmlSystemGetDriverVersion": lambda: b"535.104.05",
        "nvmlDeviceGetClockInfo": lambda handle, which: {1: 1410, 2: 1215}[which],
        "nvmlDeviceGetTemperature": lambda handle, which: 34,
        "nvmlDeviceGetPowerUsage": lambda handle: 62130,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda handle: 1,
    }
    return SimpleNamespace(**{**calls, **{name: value or not_supported for name, value in changed.items()}})


def test_nvml_reports_same_values_in_same_units(smi: Smi, monkeypatch: pytest.MonkeyPatch) -> None:
    smi("exit 1")
    monkeypatch.setitem(sys.modules, "pynvml", make_nvml())
    assert read_gpu("GPU-12") == ("nvml", None, IDLE)


def test_nvml_value_that_is_missing_is_null_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", make_nvml(nvmlDeviceGetPowerUsage=None))
    assert read_gpu("GPU-12") == ("nvml", None, {**IDLE, "power_w": None})
    older = make_nvml()
    del older.nvmlDeviceGetCurrentClocksThrottleReasons
    monkeypatch.setitem(sys.modules, "pynvml", older)
    assert read_gpu("GPU-12") == ("nvml", None, {**IDLE, "limited_by": None})


def test_nvml_that_does_not_know_gpu_falls_back_to_nvidia_smi(smi: Smi, monkeypatch: pytest.MonkeyPatch) -> None:
    smi(f'echo "{LINE.strip()}"')
    monkeypatch.setitem(sys.modules, "pynvml", make_nvml(nvmlDeviceGetHandleByUUID=None))
    assert read_gpu("MIG-12") == ("nvidia-smi", None, IDLE)


def watched(monkeypatch: pytest.MonkeyPatch, *masks: int | None) -> GpuWatch:
    """A watch that reads these masks, one after the other."""
    left = iter(masks)
    ask = {"nvml": lambda uuid: {**IDLE, "limited_by": name_limits(next(left))}}
    monkeypatch.setattr(gpu, "SOURCES", ask)
    watch = GpuWatch("GPU-12")
    for _ in masks:
        watch.look()
    return watch


def test_gpu_watch_keeps_first_and_last_reading_and_all_throttling(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watched(monkeypatch, 0x1, 0x4, 0x44, 0x2)
    told = watch.noise
    assert (told.source, told.reason, told.readings) == ("nvml", None, 4)
    assert told.before == GpuReading(**{key: value for key, value in IDLE.items() if key != "driver"})
    assert told.after is not None and told.after.limited_by == ["applications_clocks_setting"]
    assert told.throttled_by == ["hw_thermal_slowdown", "sw_power_cap"]
    assert watch.driver == "535.104.05"


def test_gpu_watch_ignores_idle_and_locked_clocks_and_keeps_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert watched(monkeypatch, 0x1, 0x2 | 0x100).noise.throttled_by == []
    assert watched(monkeypatch, None).noise.throttled_by is None


def test_gpu_watch_without_source_has_reason(smi: Smi) -> None:
    smi("echo broken; exit 9")
    watch = GpuWatch("GPU-12")
    watch.look()
    told = watch.noise
    assert (told.source, told.before, told.after, told.throttled_by, told.readings) == (None, None, None, None, 0)
    assert "exit code 9: broken" in (told.reason or "")


def test_gpu_watch_limits_its_reading_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watched(monkeypatch, 0x1)
    watch.look(60)
    assert watch.noise.readings == 1
