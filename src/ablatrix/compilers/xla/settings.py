"""Which settings XLA has: the options of a compilation, and the passes that a compilation runs."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import XLA, SettingValue
from ablatrix.compilers.settings.address import Address, Type, switches
from ablatrix.compilers.xla.client import prepare
from ablatrix.compilers.xla.passes import watch_passes
from ablatrix.interpreter import interpreter

FLAG, PASS = "flag", "pass"
NAME = re.compile(rb"xla_[a-z][a-z0-9_]{4,}")
NO_SETTING = re.compile(
    r"gpu|cuda|cudnn|nccl|rocm|tpu|ptx|dump|pjrt|hlo_passes$|debug|profil|logging|print|graph_|flags_reset|force_host|test_|"
    r"crash_on|sharding|sdy_|collective|command_buffer|step_marker|xprof|detect_|offload"
)
NO_PASS = re.compile(r"trace_to|shard_args|batched_copy|(?<!-)simplification$")  # functions of JAX, and a pipeline
TYPES: dict[str, Type] = {
    "bool": "switch",
    "int32": "whole number",
    "int64": "whole number",
    "float": "number",
    "double": "number",
}
INVALID = re.compile(r"is not a valid (\w+) value")
SHOWN = re.compile(r"^\s*--(xla_\w+)=(\S*)\s", re.MULTILINE)
PASS_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
WORDS: dict[str, SettingValue] = {"true": True, "false": False}


def addresses() -> Iterator[Address]:
    """Yield the settings of the installed XLA."""
    prepare(1)
    import jax
    import jaxlib

    lowered = _probe()
    library = next(Path(jaxlib.__file__).parent.glob("libjax_common*"), None)
    names = set() if library is None else {name.decode() for name in NAME.findall(library.read_bytes())}
    shown = dict(SHOWN.findall(_help()))
    by_knobs = XLA.acted_on(FLAG)
    for name in sorted(names | set(shown)):
        if NO_SETTING.search(name):
            continue
        kind = _type(lowered, name)
        if kind is not None:
            value = None if name in by_knobs else _plain(kind, shown.get(name))
            yield Address(kind=FLAG, name=name, type=kind, value=value)
    with tempfile.TemporaryDirectory() as directory:
        with watch_passes(Path(directory)) as runs:
            jax.jit(_program).lower(*_inputs()).compile(compiler_options={"xla_cpu_enable_fast_math": True})
        names = {one.name for one in runs}
        passes = {name for name in names if PASS_NAME.fullmatch(name) and not NO_PASS.search(name)}
    yield from switches(PASS, passes | XLA.acted_on(PASS))


def _program(a: Any, b: Any, c: Any) -> Any:
    import jax

    image = jax.lax.conv(b, c, (1, 1), "SAME")
    return jax.nn.softmax(jax.nn.gelu(a @ a + 1.0)).sum(), image.reshape(-1)[::2], jax.numpy.sort(a)


def _inputs() -> tuple[Any, ...]:
    import jax.numpy

    return jax.numpy.ones((64, 64)), jax.numpy.ones((1, 4, 8, 8)), jax.numpy.ones((4, 4, 3, 3))


def _probe() -> Any:
    import jax

    return jax.jit(lambda value: value + 1).lower(1.0)


def _type(lowered: Any, name: str) -> Type | None:
    """Return the type of an option, as XLA says it when it is given none; None where there is no such option."""
    try:
        lowered.compile(compiler_options={name: ""})
    except Exception as error:  # XLA's errors come as several types of jaxlib
        found = INVALID.search(str(error))
        return None if found is None else TYPES.get(found[1], "text")
    return "text"


def _help() -> str:
    """Return what XLA prints of its flags, with their values, before it ends its process."""
    environment = {**os.environ, "XLA_FLAGS": "--help", "JAX_PLATFORMS": "cpu"}
    command = interpreter("-c", "import jax; jax.devices()")
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr


def _plain(kind: Type, text: str | None) -> SettingValue | None:
    if not text:
        return None
    try:
        match kind:
            case "switch":
                return WORDS.get(text)
            case "whole number":
                return int(text)
            case "number":
                return float(text)
    except ValueError:
        return None
    return text.strip('"')
