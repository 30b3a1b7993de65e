"""Documents to begin with, as literals: the smallest that have every kind of section."""

from __future__ import annotations

from typing import Any

STAGE = {"name": "s", "factorial": {"fusion": ["off", "on"]}}
STUDIES: tuple[dict[str, Any], ...] = (
    {"name": "a", "workloads": ["mlp"], "compilers": ["tvm"], "modes": ["cold"], "stages": [STAGE]},
    {
        "name": "b", "seed": 3, "modes": ["cold", "hot"], "baseline": {"fusion": "off"},
        "workloads": [{"name": "m", "workload": "mlp", "parameters": {"batch": 2}, "title": {"en": "M"}}],
        "compilers": [{"name": "tvm", "fixed": {"schedule": "vectorised"}, "title": "T"}],
        "stages": [{"name": "s", "around": {"partition": "regions"}, "vary": {"reuse": ["release"]}}],
    },
    {
        "name": "c", "modes": ["hot"], "workloads": [{"name": "encoder", "axes": {"tokens": [16, 64]}}],
        "compilers": ["inductor", "xla"], "stages": [{**STAGE, "compilers": ["xla"], "workloads": ["encoder"]}],
        "checks": {"input_sets": 2, "rms_factor": 2.0, "rms_floor": 1e-6}, "device": "cpu",
        "protocol": {
            "budget_s": 60, "threads": 1, "cpus": [0], "layout": "both", "hot": {"blocks": 2, "max_blocks": 3},
        },
    },
    {
        "name": "d", "workloads": ["mlp"], "compilers": ["onnxruntime"], "modes": ["hot"],
        "stages": [
            {"name": "s", "screen": "all", "design": "plackett_burman", "budget_s": 9},
            {"name": "t", "factorial_of": {"stage": "s", "most": 2}},
        ],
    },
    {
        "name": "e", "workloads": ["mlp"], "modes": ["cold"],
        "stages": [
            {"name": "t", "factorial": {"build": ["base", "pr"]}}, {"name": "s", "around": "all_on", "vary": "all"},
        ],
        "compilers": [{"name": "openvino", "builds": ["base", "pr"]}],
        "builds": {"base": {}, "pr": {"pip": ["openvino==2026.4.1"]}},
        "knobs": {"fusion": {"title": {"en": "F", "zh": "\u878d"}, "levels": {"on": "yes"}}},
    },
    {
        "name": "f", "description": "x", "workloads": ["mlp"], "compilers": ["tvm"], "modes": ["cold"],
        "stages": [STAGE],
        "about": {
            "title": "A", "authors": [{"name": "Lovelace, Ada", "orcid": "0000-0002-1825-0097", "affiliation": "B"}],
            "licence": "MIT", "repository": "https://x.y/z", "doi": "10.5281/zenodo.1234",
        },
    },
)  # fmt: skip


def _of(**parts: Any) -> dict[str, Any]:
    """Return the first study with other parts."""
    return {**STUDIES[0], **parts}


def _tvm(knob: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "tvm", "knobs": {"k": knob}}]


GIT = {"repository": "mine", "commit": "a", "build": ["touch ran"]}
OF_BUNDLE: tuple[dict[str, Any], ...] = (
    _of(compilers=[{"name": "mine", "command": ["/bin/sh", "-c", "touch ran"]}]),
    _of(plugins=["mine.py"]),
    _of(workloads=[{"name": "m", "source": "mine.py:model"}]),
    _of(compilers=_tvm({"pass": "mine.py:one", "before": "FuseOps"})),
    _of(compilers=_tvm({"pipeline": "mine.py:all"})),
    _of(compilers=_tvm({"setting": "env:LD_PRELOAD", "levels": ["", "mine.so"]})),
    {**STUDIES[4], "builds": {"base": {}, "pr": {"git": GIT}}},
    STUDIES[0],
)
"""Studies whose code runs where they are trusted."""
OF_KNOB = {"id": "k", "workload": "mlp", "compiler": "tvm", "metric": "planned_bytes"}
CLAIMS: tuple[dict[str, Any], ...] = (
    {
        "version": 1,
        "claims": [{"id": "c", "correct": "all"}, {"id": "m", "cache_misses": "as_planned", "workload": "mlp"}],
    },
    {"version": 1, "claims": [{**OF_KNOB, "knob": "fusion", "at_least": 2}]},
    {"version": 1, "claims": [{**OF_KNOB, "knob": "fusion", "levels": ["off", "on"], "within": 0.25}]},
    {
        "version": 1,
        "claims": [{**OF_KNOB, "configuration": {"x": "on", "n": 2}, "against": {"x": "off"}, "at_most": 0.5}],
    },
)  # fmt: skip
POLICIES: tuple[dict[str, Any], ...] = (
    {"version": 1, "limits": {"run_ms_paired": "2%", "peak_rss_delta_bytes": 0.1}, "levels": "fail", "margin": 0.01},
    {
        "version": 1, "workloads": ["enc*", "m?p"], "undecided": "fail", "failures": "pass", "unsupported": "fail",
        "exceptions": [{"workload": "e*", "compiler": "tvm", "limits": {"run_ms_paired": 0.5}}, {"ignore": True}],
    },
)  # fmt: skip
TEXTS: dict[str, tuple[str, ...]] = {
    "study": (
        """\
name: a # one
workloads: [mlp]
compilers: &c [tvm]
modes: [cold]
stages:
- {name: s, factorial: {fusion: [on]}}
""",
        """\
name: >-
  b
workloads:
- name: mlp
  parameters: {batch: 2}
compilers: [tvm]
modes: [hot]
stages: [{name: s, around: {}, vary: {reuse: [release]}}]
""",
    ),
    "claims": (
        """\
version: 1
claims:
- {id: c, correct: all}
""",
        """\
version: 1
claims:
- &a {id: k, workload: mlp, compiler: tvm, metric: planned_bytes, knob: x, at_least: 2}
- {<<: *a, id: l}
""",
    ),
    "template": (
        """\
version: 1
tables: []
figures: []
text: [setup]
""",
        """\
version: 1
text: []
figures: []
tables:
- number: 1
  title:
    en: A
    zh: |-
      B
  source: workloads
  columns: [{column: workload}]
  caption: C
""",
        """\
version: 1
tables: []
text: []
figures:
- {number: 1, title: A, kind: memory, width: column, caption: C}
""",
    ),
}
"""Documents as people write them, for readers whose bytes are changed."""
YAML = (
    "a: &x [1, 2.5, ~]\nb: *x\n",
    "? [a]\n: - |\n   x\n  - >-\n   y\n",
    "a: {b, c: }\n'd': \"\\u0065\" # f\n",
    "%YAML 1.2\n---\n<<: {a: 0x1f}\nb: 2026-01-01\n...\n",
    "- 'it''s'\n- {a: , b: [c, ]}\n-\n  - d\n",
)
"""Documents with every kind of token, for the parser alone."""
KEYS = (
    b"# mine\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEfoXIKlg1K0Vt1uXn9nKgk1eVwUOVNcFXZ0DLyKvX1f me@here\n",
    b"\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== x\n",
)
