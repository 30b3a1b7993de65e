"""What the help of each command adds to its options: the group it is listed in, examples, and its exit codes."""

from collections.abc import Callable, Mapping
from typing import Any

import typer

PLAN, READ, WRITE, SHARE, LOOK = (
    "Plan and run a study",
    "Read results",
    "Write tables, figures and text",
    "Artifacts: share, check, repeat",
    "What there is",
)
GROUPS: Mapping[str, str] = {
    **dict.fromkeys(("init", "design", "run", "status", "watch", "rerun", "models", "cluster"), PLAN),
    **dict.fromkeys(("bisect", "bisect-builds", "reduce"), PLAN),
    **dict.fromkeys(("effects", "diagnose", "show", "claims", "verdict", "compare", "pr", "history"), READ),
    **dict.fromkeys(("init", "design", "run", "status", "watch", "rerun", "models", "bisect-builds"), PLAN),
    **dict.fromkeys(("effects", "diagnose", "explain", "show", "claims", "verdict", "compare", "pr", "history"), READ),
    **dict.fromkeys(("tabulate", "paper", "page"), WRITE),
    **dict.fromkeys(("artifact", "sign", "verify", "reproduce", "badges"), SHARE),
    **dict.fromkeys(("doctor", "workloads", "compilers", "knobs", "passes", "schema"), LOOK),
}
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "init": ("ablatrix init study.yaml", "ablatrix init study.yaml --model mlp --compiler tvm --mode hot"),
    "design": ("ablatrix design studies/quick.yaml", "ablatrix design studies/quick.yaml --only workload=mlp"),
    "run": (
        "ablatrix run studies/quick.yaml --out results/quick",
        "ablatrix run --model mlp --compiler tvm --knob fusion=off,on --out results/mlp",
        "ablatrix run studies/quick.yaml --out results/quick --only status=timeout",
        "ablatrix run studies/quick.yaml --out results/quick --slots ray://10.0.0.1:6379",
    ),
    "cluster": ("ablatrix cluster check ray", "ablatrix cluster check ray://10.0.0.1:6379"),
    "status": ("ablatrix status results/quick",),
    "watch": ("ablatrix watch results/quick --every 5",),
    "rerun": ("ablatrix rerun 8974259a --results results/quick --study studies/quick.yaml",),
    "models": ("ablatrix models --out results/models --compiler onnxruntime",),
    "bisect": (
        "ablatrix bisect 8974259a --results results/quick --study studies/quick.yaml --out bisect",
        "ablatrix bisect study.yaml --workload encoder --compiler onnxruntime --trouble slower --out bisect",
    ),
    "bisect-builds": (
        "ablatrix bisect-builds study.yaml --out bisection",
        "ablatrix bisect-builds study.yaml --for wrong_output --workload mlp --out bisection",
    ),
    "reduce": (
        "ablatrix reduce 8974259a --results results/quick --study studies/quick.yaml --out reduced",
        "ablatrix reduce study.yaml --knob fold=on --trouble wrong_output --out reduced",
    ),
    "effects": (
        "ablatrix effects results/quick",
        "ablatrix effects artifact.zip --metric run_ms_paired --workload mlp",
        "ablatrix effects results/quick --csv",
        "ablatrix effects results/pr --show builds",
    ),
    "diagnose": ("ablatrix diagnose results/quick", "ablatrix diagnose results/quick --show causes --show proof"),
    "explain": (
        "ablatrix explain mlp tvm:fusion=off tvm:fusion=on",
        "ablatrix explain studies/quick.yaml 1f3c 9ab0 --chart why.pdf",
        "ablatrix explain results/quick 1f3c 9ab0 --study studies/quick.yaml --keep results/quick",
    ),
    "show": ("ablatrix show 8974259a --results results/quick",),
    "claims": ("ablatrix claims results/quick --claims studies/quick.claims.yaml",),
    "verdict": ("ablatrix verdict results/quick", "ablatrix verdict artifact.zip --report reproduction.json"),
    "compare": ("ablatrix compare results/here results/there", "ablatrix compare old.zip new.zip --margin 1%"),
    "pr": (
        "ablatrix pr study.yaml --base stable --head mine --out results/pr --confirm",
        "ablatrix pr study.yaml --base pip:onnxruntime==1.23.0 --head here --out results/pr",
        "ablatrix pr --results results/pr --policy policy.yaml --junit pr.xml",
    ),
    "history": ("ablatrix history nightly", "ablatrix history nightly --last 3 --page history.html"),
    "tabulate": ("ablatrix tabulate results/quick --out tables",),
    "paper": ("ablatrix paper results/quick --out paper", "ablatrix paper init paper.yaml"),
    "page": ("ablatrix page results/quick --out report.html",),
    "artifact": ("ablatrix artifact studies/quick.yaml --out artifact",),
    "sign": ("ablatrix sign artifact --key ~/.ssh/id_ed25519",),
    "verify": ("ablatrix verify artifact.zip", "ablatrix verify artifact.zip --signed-by id_ed25519.pub"),
    "reproduce": ("ablatrix reproduce artifact.zip --study tiny", "ablatrix reproduce artifact.zip --out here"),
    "badges": ("ablatrix badges artifact.zip --report here/reproduction.json",),
    "doctor": ("ablatrix doctor", "ablatrix doctor --compiler tvm --no-measure"),
    "workloads": ("ablatrix workloads",),
    "compilers": ("ablatrix compilers",),
    "knobs": ("ablatrix knobs tvm",),
    "passes": (
        "ablatrix passes onnxruntime --model encoder --knob fusion=on",
        "ablatrix passes xla --model mlp --knob pass:algsimp=off --all",
    ),
    "schema": ("ablatrix schema study",),
}
FAILS: Mapping[str, str] = {
    "run": "a trial failed or was not run",
    "cluster": "a host may not take part",
    "status": "a trial failed or has no record",
    "watch": "a trial failed or has no record",
    "rerun": "the trial failed",
    "bisect": "no culprit was found",
    "bisect-builds": "no culprit was found",
    "reduce": "a fresh interpreter does not show the trouble in what is left",
    "effects": "no knob varies",
    "claims": "a claim does not hold",
    "verdict": "a criterion fails or is undecided",
    "compare": "B does not confirm A",
    "pr": "the policy does not let it pass",
    "history": "a series became slower, or lacks the newest run",
    "artifact": "a trial failed or was not run",
    "verify": "something does not hold",
    "reproduce": "a claim is not reproduced",
    "badges": "a requirement is missing",
    "doctor": "studies cannot run here",
}
"""What exit code 1 means, for the commands that have it."""
ENDINGS = "2 wrong usage or input, 70 a fault of ablatrix, 130 and 143 interrupted"


def add(app: typer.Typer, name: str, command: Callable[..., Any]) -> None:
    """Add a command with its group, examples and exit codes."""
    app.command(name, rich_help_panel=GROUPS[name], epilog=epilog(name))(command)


def epilog(name: str) -> str:
    """Return what stands below the options of a command."""
    examples = "\n".join(f"  {one}" for one in EXAMPLES[name])
    failed = f", 1 {FAILS[name]}" if name in FAILS else ""
    return f"Examples:\n{examples}\n\nExit codes: 0 done{failed}, {ENDINGS}."
