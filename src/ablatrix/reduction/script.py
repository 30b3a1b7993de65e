"""The text of ``repro.py``: the reduced program, the compiler's plain use, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ablatrix.reduction.plain_calls import PlainCall, load_source
from ablatrix.reduction.source import VALUES_FILE, comment, inputs_source, kept_in_file, module_source
from ablatrix.troubles import SLOWER, Trouble, message_class
from ablatrix.workloads.capture import FlatGraph

IN_CHILD = ("crashed", "timeout", "out_of_memory")
"""Troubles that end the process, so that the script looks at them from another one."""
LEAST_FRAGMENT = 8
"""Characters of a message that are enough to know it again."""
IMPORTS = "<imports>"
MODULES = ("importlib.util", "os", "pathlib", "signal", "statistics", "subprocess", "sys", "tempfile", "time")
_CHECKS: Mapping[str, str] = {
    "wrong_output": '''
def check():
    """Return whether an output is wrong: further from float64 than float32 can be."""
    model, inputs = make()
    eager = list(model(*inputs))
    actual = compile_model(model, inputs)()
    torch.set_flush_denormal(False)  # else what the compiler left on in this thread is on in the comparison, too
    try:
        wide = [one.double() if one.is_floating_point() else one for one in inputs]
        expected = list(make()[0].double()(*wide))
    except (RuntimeError, TypeError):  # it names the type float32 itself
        expected = eager
    is_wrong = len(actual) != len(expected)
    for index, (made, wanted, plain) in enumerate(zip(actual, expected, eager)):
        if tuple(made.shape) != tuple(wanted.shape):
            print(f"output {index}: expected shape {tuple(wanted.shape)}, actual {tuple(made.shape)}")
            is_wrong = True
            continue
        made, wanted, plain = (one.detach().double() for one in (made, wanted, plain))
        scale = wanted[wanted.isfinite()].abs().max().item() if wanted.isfinite().any() else 0.0
        rounding = (plain - wanted).abs().nan_to_num(0.0, 0.0).max().item()
        limit = max(FACTOR * rounding, FLOOR * scale)
        error = (made - wanted).abs()
        same = (made == wanted) | (made.isnan() & wanted.isnan())
        wrong = ~same & ~(error <= limit)
        print(f"output {index}: {int(wrong.sum())} of {wrong.numel()} elements are wrong (limit {limit:.3g})")
        for at in wrong.nonzero()[:3]:
            place = tuple(at.tolist())
            print(f"  at {list(place)}: expected {wanted[place].item():.9g}, actual {made[place].item():.9g}")
        is_wrong = is_wrong or bool(wrong.any())
    return is_wrong
''',
    "error": '''
def check():
    """Return whether compiling or running raises the error."""
    model, inputs = make()
    print(f"expected: {[tuple(one.shape) for one in model(*inputs)]}")
    try:
        compile_model(model, inputs)()
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        print(f"actual: {text[:2000]}")
        return MESSAGE in text
    print("actual: it compiles and runs")
    return False
''',
    "crashed": '''
def check():
    """Return whether a process that compiles and runs the model is ended by the signal."""
    model, inputs = make()
    print(f"expected: {[tuple(one.shape) for one in model(*inputs)]}", flush=True)
    ended = subprocess.run([sys.executable, __file__, "--child"]).returncode
    if ended < 0:
        print(f"actual: the process was ended by {signal.Signals(-ended).name}")
        return signal.Signals(-ended).name == SIGNAL or not SIGNAL
    print(f"actual: the process left with {ended}")
    return ended != 0 and not SIGNAL
''',
    "timeout": '''
def check():
    """Return whether a process that compiles and runs the model takes longer than it may."""
    print(f"expected: an answer within {LIMIT_S} s", flush=True)
    try:
        subprocess.run([sys.executable, __file__, "--child"], timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        print(f"actual: none after {LIMIT_S} s")
        return True
    print("actual: it answered")
    return False
''',
    "slower": '''
def check():
    """Return whether the model is slower with the settings than without: the median of paired rounds."""
    model, inputs = make()
    slow, fast = compile_model(model, inputs), compile_reference(model, inputs)
    logs = []
    for number in range(WARM + ROUNDS):
        times = {}
        for run in (slow, fast) if number % 2 else (fast, slow):
            start = time.perf_counter()
            for _ in range(CALLS):
                run()
            times[run] = time.perf_counter() - start
        if number >= WARM:
            logs.append(times[slow] / times[fast])
    ratio = statistics.median(logs)
    print(f"expected: about 1.0 times the time without the settings; actual: {ratio:.3f} times")
    return ratio > 1.0 + (RATIO - 1.0) / 2.0
''',
}


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a script is about.

    Attributes:
        graph: The reduced program.
        trouble: What it shows.
        title: One line that says so.
        facts: Lines for its head: versions, machine, settings.
        call: How the compiler is called.
        reference: Of a slow-down: how it is called where it is not slow.
        timeout_s: Of a process that hangs: how long is waited.
    """

    graph: FlatGraph
    trouble: Trouble
    title: str
    facts: tuple[str, ...]
    call: PlainCall
    reference: PlainCall | None = None
    timeout_s: float = 60.0


def script_text(script: Script) -> str:
    """Return the text of ``repro.py``.

    Raises:
        WorkloadError: An argument of an operation cannot be written as Python.
    """
    trouble, call = script.trouble, script.call
    held = kept_in_file(script.graph)
    own = (*call.own, *(script.reference.own if script.reference else ()))
    parts = [
        comment(script.title),
        "#",
        comment("\n".join(script.facts)),
        "#",
        comment("Run it with Python: it exits with 1 when the fault shows, and with 0 when it does not."),
        "",
        *_environment(call.environment),
        IMPORTS,
        *_constants(script),
    ]
    if held:
        parts.append(f'VALUES = torch.load(pathlib.Path(__file__).resolve().with_name("{VALUES_FILE}"))')
    parts += [
        "\n",
        module_source(script.graph),
        "",
        inputs_source(script.graph),
        "",
        "def make():\n    return Model().eval().requires_grad_(False), make_inputs()",
        load_source(own),
        "",
        call.code,
    ]
    if script.reference is not None and trouble.kind == SLOWER:
        parts += ["", script.reference.code.replace("def compile_model", "def compile_reference")]
    kind = trouble.kind if trouble.kind in _CHECKS else "error"
    parts += [_CHECKS[kind], "", 'if __name__ == "__main__":']
    if trouble.kind in IN_CHILD:
        parts += ['    if "--child" in sys.argv:', "        compile_model(*make())()", "        sys.exit(0)"]
    parts += ["    with torch.no_grad():", "        sys.exit(1 if check() else 0)", ""]
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(parts))
    return text.replace(IMPORTS, _imports(text))


def fragment_of(message: str) -> str:
    """Return the longest part of a message that does not depend on names, sizes and paths; empty where all does."""
    cause = message.strip().splitlines()[0].rpartition("): ")[2] if message.strip() else ""
    pieces = re.split(r"NAME|PATH|#|\.\.\.", message_class(cause))
    found = max((one.strip(" '\"`,:;()[]") for one in pieces), key=len, default="")
    return found if len(found) >= LEAST_FRAGMENT and found in message else ""


def _imports(text: str) -> str:
    """Return the imports of what a script uses."""
    return "".join(f"import {name}\n" for name in MODULES if f"{name}." in text) + "\nimport torch\n"


def _environment(variables: Mapping[str, str]) -> list[str]:
    """Return lines that set variables before anything is imported, where the script runs by itself."""
    if not variables:
        return []
    lines = "".join(f"    os.environ[{name!r}] = {value!r}\n" for name, value in variables.items())
    return [f'import os\n\nif __name__ == "__main__":\n{lines}']


def _constants(script: Script) -> list[str]:
    trouble = script.trouble
    if trouble.kind == "wrong_output":
        return ["FACTOR = 4.0  # times the error of eager float32", "FLOOR = 1e-5  # of the largest value"]
    if trouble.kind in {"crashed", "out_of_memory"}:
        return [f"SIGNAL = {(trouble.error if trouble.error.startswith('SIG') else '')!r}"]
    if trouble.kind == "timeout":
        return [f"LIMIT_S = {script.timeout_s:g}"]
    if trouble.kind == SLOWER:
        ratio = 1.0 if trouble.ratio is None else trouble.ratio.value
        return [f"RATIO = {ratio:.4f}  # as it was measured", "WARM, ROUNDS, CALLS = 5, 41, 10"]
    return [f"MESSAGE = {fragment_of(trouble.told)!r}"]
