"""What a GPU reports: driver, clocks, temperature, power, and what slows it down.

NVML is queried through ``pynvml`` where that can be imported, else ``nvidia-smi`` is run; neither is a dependency. What
is not reported is null, with the reason. Nothing here imports torch or opens the device.

Source of the bits: ``nvmlClocksEventReasons`` in NVIDIA's NVML API reference.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from time import monotonic
from typing import Any, Literal

from ablatrix.records.gpu import GpuNoise, GpuReading

SLOWED = {
    0x04: "sw_power_cap",
    0x08: "hw_slowdown",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
}
"""Reasons that are a disturbance: power or heat takes away clocks that the trial could have had."""
LIMITED = {
    0x01: "gpu_idle",
    0x02: "applications_clocks_setting",
    0x10: "sync_boost",
    0x100: "display_clock_setting",
    **SLOWED,
}
FIELDS = ("driver_version", "clocks.sm", "clocks.mem", "temperature.gpu", "power.draw")
# The first is the name since driver 535, the second the one before.
REASON_FIELDS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
SMI_TIMEOUT_S = 10.0
SPACING_S = 1.0
"""Least time between two readings of a hot trial: ``nvidia-smi`` takes longer than a burst."""
UNREAD = GpuNoise(source=None, reason="it was not read", readings=0, before=None, after=None, throttled_by=None)

Values = dict[str, Any]
Source = Literal["nvml", "nvidia-smi"]


class SilentError(Exception):
    """A source reports nothing; the message says why."""


@dataclass
class GpuWatch:
    """The readings of one GPU during a trial, in the form that the record has.

    Attributes:
        uuid: The GPU, as NVML and ``nvidia-smi`` name it.
        driver: Version of the driver, None until it is known.
        noise: The record's part, as of the last reading.
    """

    uuid: str
    driver: str | None = None
    noise: GpuNoise = UNREAD
    _last: float = float("-inf")

    def look(self, spacing_s: float = 0.0) -> None:
        """Read the GPU, unless that was done less than ``spacing_s`` ago."""
        if monotonic() - self._last < spacing_s:
            return
        source, reason, values = read_gpu(self.uuid)
        self._last = monotonic()
        before = self.noise
        if values is None:
            self.noise = before.model_copy(update={"source": source, "reason": reason})
            return
        self.driver = values.pop("driver")
        reading = GpuReading(**values)
        throttled = before.throttled_by
        if reading.limited_by is not None:
            slowed = {one for one in reading.limited_by if one in SLOWED.values()}
            throttled = sorted({*(throttled or ()), *slowed})
        self.noise = GpuNoise(
            source=source,
            reason=reason,
            readings=before.readings + 1,
            before=before.before or reading,
            after=reading,
            throttled_by=throttled,
        )


def read_gpu(uuid: str) -> tuple[Source | None, str | None, Values | None]:
    """Return the source that answered, why none did, and the values; one of the last two is None.

    The values are ``driver`` and the fields of the record's ``GpuReading``.
    """
    reasons = []
    for source, ask in SOURCES.items():
        try:
            return source, None, ask(uuid)
        except SilentError as error:
            reasons.append(f"{source}: {error}")
    return None, "; ".join(reasons), None


def ask_nvml(uuid: str) -> Values:
    """Ask NVML through ``pynvml``.

    Raises:
        SilentError: ``pynvml`` cannot be imported, or NVML does not know the GPU.
    """
    try:
        nvml: Any = import_module("pynvml")
    except ImportError as error:
        raise SilentError(f"pynvml cannot be imported ({error})") from None
    try:
        nvml.nvmlInit()
        gpu = nvml.nvmlDeviceGetHandleByUUID(uuid)
        driver = nvml.nvmlSystemGetDriverVersion()
    except nvml.NVMLError as error:
        raise SilentError(str(error)) from None

    def read(name: str, *which: int) -> int | None:
        try:
            return int(getattr(nvml, f"nvmlDeviceGet{name}")(gpu, *which))
        except (nvml.NVMLError, AttributeError):  # this GPU, or this release, does not have it
            return None

    power_mw = read("PowerUsage")
    masks = (read(f"CurrentClocks{word}Reasons") for word in ("Event", "Throttle"))  # since driver 535, and before
    return {
        "driver": driver.decode() if isinstance(driver, bytes) else driver,  # bytes in older ones
        "sm_mhz": read("ClockInfo", nvml.NVML_CLOCK_SM),
        "memory_mhz": read("ClockInfo", nvml.NVML_CLOCK_MEM),
        "temperature_c": read("Temperature", nvml.NVML_TEMPERATURE_GPU),
        "power_w": None if power_mw is None else power_mw / 1e3,
        "limited_by": name_limits(next((mask for mask in masks if mask is not None), None)),
    }


def ask_smi(uuid: str) -> Values:
    """Run ``nvidia-smi``.

    Raises:
        SilentError: It is not installed, fails, or does not print the expected line.
    """
    command = shutil.which("nvidia-smi")
    if command is None:
        raise SilentError("there is no such command")
    printed = ""
    for name in REASON_FIELDS:
        query = ",".join((*FIELDS, name))
        words = [command, f"--id={uuid}", f"--query-gpu={query}", "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SilentError(str(error)) from None
        if done.returncode == 0:
            return parse_smi(done.stdout)
        printed = (done.stdout + done.stderr).strip()
        if "not a valid field" not in printed:
            break
    raise SilentError(f"exit code {done.returncode}: {printed[:200]}")


def parse_smi(printed: str) -> Values:
    """Return the values of one line of ``nvidia-smi``: ``FIELDS`` and a mask of reasons, without units.

    A value that is not a number (``[N/A]``, ``[Not Supported]``) is null.

    Raises:
        SilentError: The line does not have the expected number of values.
    """
    values = [value.strip() for value in printed.strip().partition("\n")[0].split(",")]
    if len(values) != len(FIELDS) + 1:
        raise SilentError(f"{len(FIELDS) + 1} values were expected, but it printed {printed.strip()[:200]!r}")
    driver, *numbers, mask = values
    sm, memory, temperature, power = map(_number, numbers)
    return {
        "driver": driver if driver[:1].isdigit() else None,
        "sm_mhz": None if sm is None else int(sm),
        "memory_mhz": None if memory is None else int(memory),
        "temperature_c": None if temperature is None else int(temperature),
        "power_w": power,
        "limited_by": name_limits(int(mask, 16) if mask.lower().startswith("0x") else None),
    }


def name_limits(mask: int | None) -> list[str] | None:
    """Return the names of the reasons in a mask; a bit that is not known keeps its number."""
    if mask is None:
        return None
    bits = (1 << position for position in range(mask.bit_length()))
    return [LIMITED.get(bit, f"{bit:#x}") for bit in bits if mask & bit]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


SOURCES: dict[Source, Callable[[str], Values]] = {"nvml": ask_nvml, "nvidia-smi": ask_smi}
