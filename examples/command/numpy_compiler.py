"""A compiler as a program, in the words of docs/command-protocol.md: it writes Python that calls numpy."""

import json
import re
import sys
from pathlib import Path
from time import perf_counter_ns

import numpy

FRESH = {"name": "fresh", "summary": "Each operation allocates its result."}
KEPT = {"name": "kept", "summary": "Each operation writes into a buffer that is kept from run to run."}
GIVEN = {"name": "given", "summary": "As they come."}
FORTRAN = {"name": "fortran", "summary": "Column by column, copied once when they are loaded."}
KNOBS = [
    {"name": "buffers", "summary": "Where operations write.", "levels": [FRESH, KEPT], "default": "fresh"},
    {"name": "weights", "summary": "Layout of weights.", "levels": [GIVEN, FORTRAN], "default": "given"},
]
# Operation -> numpy on arguments a, b and the place for the result; None as the place allocates.
OPERATIONS = {
    "aten.matmul.default": "numpy.matmul({0}, {1}, out={out})",
    "aten.add.Tensor": "numpy.add({0}, {1}, out={out})",
    "aten.mul.Tensor": "numpy.multiply({0}, {1}, out={out})",
    "aten.relu.default": "numpy.maximum({0}, 0, out={out})",
    "aten.sigmoid.default": "numpy.reciprocal(1 + numpy.exp(-{0}), out={out})",
}


def describe(request):
    """Tell what there is to ask for."""
    told = {"protocol": 1, "summary": "Python that calls numpy.", "versions": {"numpy": numpy.__version__}}
    return {**told, "knobs": KNOBS}


def compile(request):
    """Write the program as Python."""
    graph, given, knobs = request["program"]["graph"], request["program"]["inputs"], request["knobs"]
    lines = ["import numpy", f"INPUTS = {graph['inputs']}", "def load(v):"]
    weights = [value for value, one in zip(graph["inputs"], given, strict=True) if one["parameter"]]
    if knobs["weights"] == "fortran":
        lines += [f"    v[{value}] = numpy.asfortranarray(v[{value}])" for value in weights]
    lines += ["    return v", "def run(v):"]
    for node in graph["nodes"]:
        name, _, arguments = node["operation"].partition("(")
        found = re.fullmatch(r"(%\d+)(?:, (%\d+))?\)", arguments)
        if name not in OPERATIONS or found is None:
            return {"unsupported": f"no kernel for {node['operation']}"}
        (target,) = node["writes"]
        reads = [f"v[{value}]" for value in node["reads"]]
        out = f"v.get({target})" if knobs["buffers"] == "kept" else "None"
        lines.append(f"    v[{target}] = {OPERATIONS[name].format(*reads, out=out)}")
    lines += [f"    return [v[value] for value in {graph['outputs']}]", ""]
    Path(request["directory"], "program.py").write_text("\n".join(lines))
    if "dump" in request:
        Path(request["dump"], "operations.txt").write_text("\n".join(node["operation"] for node in graph["nodes"]))
    return {"artifact": "program.py", "generated_calls": len(graph["nodes"])}


def load(request):
    """Read what was compiled, and the weights."""
    exec(Path(request["artifact"]).read_text(), MODULE)
    MODULE["weights"] = MODULE["load"](read(request["parameters"]))
    return {"threads": {"process": len(list(Path("/proc/self/task").iterdir()))}}


def bind(request):
    """Read a set of inputs."""
    SETS[request["set"]] = {**MODULE["weights"], **read(request["inputs"])}
    return {}


def run(request):
    """Time each iteration by itself."""
    values, function, times = SETS[request["set"]], MODULE["run"], []
    for _ in range(request["count"]):
        start = perf_counter_ns()
        RESULTS[request["set"]] = function(values)
        times.append((perf_counter_ns() - start) / 1e6)
    return {"ms": times}


def check(request):
    """Write the outputs of the last run."""
    outputs = []
    for place, array in enumerate(RESULTS[request["set"]]):
        numpy.save(Path(request["directory"], f"output_{place}.npy"), array)
        outputs.append({"file": f"output_{place}.npy", "dtype": str(array.dtype), "shape": list(array.shape)})
    return {"outputs": outputs}


def read(tensors):
    """Return arrays by the number of their value in the graph."""
    return {MODULE["INPUTS"][int(one["name"].rpartition("_")[2])]: numpy.load(one["file"]) for one in tensors}


MODULE, SETS, RESULTS = {}, {}, {}
ANSWERS = {one.__name__: one for one in (describe, compile, load, bind, run, check)}
for line in sys.stdin:
    request = json.loads(line)
    sys.stdout.write(json.dumps(ANSWERS[request["do"]](request)) + "\n")
    sys.stdout.flush()
