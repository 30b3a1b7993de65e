"""Where a study's models, inputs and compilers come from, and under which licences, as far as its files say.

Records know what ablatrix ships and what a study names. Of the authors' own files they know name and digest; what else
a reader wants to know is in the study's block ``about:``, or is left for the authors to fill in, and says so.
"""

from typing import Literal

from ablatrix.artifact.contents import RecordedWorkload
from ablatrix.artifact.documents.facts import Facts
from ablatrix.artifact.documents.markup import plain

SHIPPED_WORKLOADS = frozenset({
    "attention", "bound_propagation", "convolution", "decoder", "encoder", "mlp", "resnet",
})  # fmt: skip
SHIPPED_COMPILERS = frozenset({"eager", "inductor", "onnxruntime", "openvino", "tvm", "xla"})
"""What comes with ablatrix; anything else is the authors' own, or comes from a plug-in."""

Kind = Literal["shipped", "architecture", "onnx", "saved", "function", "plug-in"]
FROM_SEED: frozenset[Kind] = frozenset({"shipped", "architecture"})  # weights
DRAWN: frozenset[Kind] = frozenset({"shipped", "architecture", "onnx"})  # inputs


ASKED = "to be filled in by the authors"
"""What every fact that is left to the authors begins with."""


def asked(what: str, key: str | None = None) -> str:
    """Return what stands for a fact that only the authors know, with the key of ``about:`` that gives it."""
    where = f"; set `about: {key}` in `study.yaml`" if key else ""
    return f"{ASKED} ({what}{where})"


def kind_of(workload: RecordedWorkload) -> Kind:
    """Return what a workload is: shipped with ablatrix, the authors' own by its form, or of a plug-in."""
    source = workload.source
    if source is None:
        return "shipped" if workload.name in SHIPPED_WORKLOADS else "plug-in"
    if source.startswith("hf:"):
        return "architecture"
    file = source.partition("?")[0].lower()
    return "saved" if file.endswith(".pt2") else "onnx" if file.endswith(".onnx") else "function"


def models_line(facts: Facts) -> str:
    """Return all models in one line."""
    named: dict[str, list[str]] = {}
    for one in facts.trials.workloads:
        named.setdefault(_weights(facts, one), []).append(f"{one.name} ({one.parameter_count:,} parameters)")
    return "; ".join(f"{', '.join(names)}: {origin}" for origin, names in named.items())


def model_items(facts: Facts) -> list[tuple[str, str]]:
    """Return each model with its number of weights, and where they come from."""
    return [(one.name, f"{one.parameter_count:,} parameters, {_weights(facts, one)}") for one in facts.trials.workloads]


def data_line(facts: Facts) -> str:
    """Return where inputs come from, for each kind of workload."""
    drawn = [one.name for one in facts.trials.workloads if kind_of(one) in DRAWN]
    subject = "all inputs" if len(drawn) == len(facts.trials.workloads) else f"the inputs of {', '.join(drawn)}"
    parts = [f"none: {subject} are drawn from the study's seed"] if drawn else []
    parts += [f"for {one.name}, {_inputs(one)}" for one in facts.trials.workloads if kind_of(one) not in DRAWN]
    return "; ".join(parts)


def own_code(facts: Facts) -> tuple[str, ...]:
    """Return the models, plug-ins and compilers that are neither of ablatrix nor of a package that the lock names."""
    sources = [one.source for one in facts.trials.workloads if one.source and kind_of(one) == "function"]
    plugged = [f"the plug-in with {one.name}" for one in facts.trials.workloads if kind_of(one) == "plug-in"]
    compilers = sorted(facts.trials.compilers - SHIPPED_COMPILERS)
    named = [*(f"`{plain(one)}`" for one in sources), *plugged, *(f"compiler {one}" for one in compilers)]
    return tuple(dict.fromkeys(named))


def code_licences(facts: Facts) -> str:
    """Return the licences of the code."""
    own = f"; the authors' own code: {_licence(facts, 'licence')}" if own_code(facts) else ""
    return f"ablatrix: Apache-2.0 (`LICENSE`){own}"


def data_licences(facts: Facts) -> str:
    """Return the licences of study and records, and of models and data where the authors bring some."""
    kinds = [kind_of(one) for one in facts.trials.workloads]
    parts = [f"study, records and results: {_licence(facts, 'licence')}"]
    if any(kind not in FROM_SEED for kind in kinds):
        parts.append(f"models: {_given(facts.about.model_licence, 'licence', 'model_licence')}")
    if any(kind not in DRAWN for kind in kinds):
        parts.append(f"data: {_given(facts.about.data_licence, 'licence', 'data_licence')}")
    return "; ".join(parts)


def authors_line(facts: Facts) -> str:
    """Return the authors with their affiliations."""
    shown = [
        f"{plain(one.shown)} ({plain(one.affiliation)})" if one.affiliation else plain(one.shown)
        for one in facts.about.authors
    ]
    return ", ".join(shown) or asked("names", "authors")


def availability(facts: Facts) -> str:
    """Return where the artifact can be had."""
    about = facts.about
    places = [*([f"DOI {about.doi}"] if about.doi else []), *([about.repository] if about.repository else [])]
    return (
        f"{', '.join(map(plain, places))}; ablatrix is in it as source" if places else asked("repository", "repository")
    )


def archived(facts: Facts) -> str:
    """Return the DOI."""
    return _given(facts.about.doi, "DOI, once it is archived", "doi")


def _weights(facts: Facts, workload: RecordedWorkload) -> str:
    """Return where the weights of a workload come from."""
    kind = kind_of(workload)
    if kind == "shipped":
        return "drawn from a fixed seed by ablatrix; nothing is downloaded"
    if kind == "plug-in":
        return f"from a plug-in; {asked('where they come from, and what is downloaded')}"
    source = plain(workload.source or "")
    if kind == "architecture":
        return f"architecture of transformers `{source}`, drawn from a fixed seed; nothing is downloaded"
    file = source.partition("?")[0].partition(":")[0]
    where = "in this artifact" if any(entry.path == file for entry in facts.entries) else "not in this artifact"
    digest = f"SHA-256 {workload.source_digest[:16]}, " if workload.source_digest else ""
    if kind == "function":
        rest = asked("where they come from, and what is downloaded")
        return f"as `{source}` makes them ({digest}{where}); {rest}"
    return f"as stored in `{source}` ({digest}{where})"


def _inputs(workload: RecordedWorkload) -> str:
    kind, source = kind_of(workload), plain(workload.source or "")
    if kind == "saved":
        return f"the example inputs saved in `{source}` and values sampled from them by seed, or random ones"
    if kind == "function":
        return f"the inputs that `{source}` gives, and what is sampled from them by seed"
    return f"inputs that its plug-in makes; {asked('what they are')}"


def _licence(facts: Facts, what: str) -> str:
    return _given(facts.about.licence, what, "licence")


def _given(value: str | None, what: str, key: str) -> str:
    return asked(what, key) if value is None else plain(value)
