"""Find every number of a paper again, from its rows: ``python recompute.py RESULTS... PAPER``.

Plain Python, and Student's t out of scipy; nothing of ablatrix, whose numbers these are. For each number of
``provenance.json`` the rows are read from the records, its statistic is computed anew, printed, and held against what
the file, the macros and the sentences say. Exit code 1 and a line for each fault, else 0.
"""

import functools
import hashlib
import itertools
import json
import math
import operator
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.linalg import pinv, pinvh
from scipy.special import ndtr
from scipy.stats import chi2, linregress, norm, uniform
from scipy.stats import t as student

Record = dict[str, Any]
Records = dict[str, Record]
Number = dict[str, Any]
Parameters = dict[str, Any]
Levels = tuple[tuple[str, str], ...]  # of a configuration: knob and level, sorted
Repeat = tuple[str, dict[Levels, float]]  # its host, and log times by configuration
Unit = tuple[str, str, str]  # workload, its digest, compiler
TOGETHER: Unit = ("", "", "")  # all units at once
Interval = tuple[float, float | None]  # mean of logarithms and half-width

TOLERANCE = 1e-9
CLOSE = 1e-12  # logarithms that differ by less are the same
COMPUTED = {
    "planned_bytes", "physical_bytes_est", "compile_cache_miss_delta_first_run", "generated_calls", "generated_kernels",
}  # fmt: skip
STEPS = {"peak_rss_delta_bytes": 131072}  # the smallest difference that is one
WORD = r"\w*\d[\w.]*"
PARTS_OF_RECORD: tuple[tuple[str, ...], ...] = (
    (), ("workload",), ("config",), ("meta",), ("meta", "machine"), ("plan",), ("compile",), ("runtime",),
    ("correctness",),
)  # fmt: skip
RENAMED: dict[str, tuple[str, ...]] = {
    "workload": ("workload", "name"),
    "workload_digest": ("workload", "digest"),
    "compiler": ("config", "compiler"),
    "plan_ms": ("runtime", "plan_ms"),
    "parameter_count": ("workload", "parameter_count"),
    "compile_ms": ("runtime", "compile_ms"),
    "samples_counted": ("runtime", "samples", "counted"),
    "stopping_effect_target": ("runtime", "stopping", "effect_target"),
    "stopping_most_blocks": ("runtime", "stopping", "most_blocks"),
    "tokens_context": ("workload", "tokens", "context"),
    "host_id": ("meta", "place", "host_id"),
}
PREFIXES: dict[str, tuple[str, ...]] = {
    "threads_": ("meta", "threads"),
    "estimator_": ("compile", "estimator"),
    "parameter_": ("workload", "parameters"),
}
VIEWS: dict[str, Callable[[float], float]] = {
    "reduction": lambda ratio: 1 - ratio,
    "increase": lambda ratio: ratio - 1,
    "inverse": lambda ratio: 1 / ratio,
    "factor": lambda ratio: ratio,
    "saved": lambda ratio: 1 - 1 / ratio,
    "added": lambda ratio: 1 / ratio - 1,
    "spread": math.exp,
}
POWER = re.compile(r"\$(?:(\d[.\d]*)\\times)?10\^\{(-?\d+)\}\$")
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
RAISED_POWER = re.compile("(?:(\\d[.\\d]*)\N{MULTIPLICATION SIGN})?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
REFERENCE = re.compile(r"~\\ref\{(?:fig|tab):(\d+)\}")
CODE = re.compile(r"\\texttt\{((?:\\.|\{\}|[^{}\\])*)\}")
SUPERSEDED = "attempt that a later one replaced"
TIMED_OTHER = "hot trial that timed another executable than was checked"
LATEX = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<",
    r"\textgreater{}": ">", r"\textbar{}": "|", r"$\rightarrow$": "→", r"$\pm$": "±", r"\&": "&", r"\%": "%",
    r"\$": "$", r"\#": "#", r"\_": "_", r"\{": "{", r"\}": "}", "-{}": "-",
    r"\textendash{}": "\N{EN DASH}", r"$\times$": "\N{MULTIPLICATION SIGN}",
    "$-$": "-", r"\allowbreak{}": "",
}  # fmt: skip


def main(results: list[str], paper: str) -> int:
    records = read_records([Path(one) for one in results])
    faults = check(records, Path(paper))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def read_records(paths: Sequence[Path]) -> Records:
    """Return the final record of each trial (of several attempts the last) by row id."""
    contents = sorted((hashlib.sha256(path.read_bytes()).hexdigest(), path) for path in paths)
    found: Records = {}
    for run, (_, path) in enumerate(contents):
        finals: Records = {}
        lines: Counter[str] = Counter()
        titles = read_titles(path.with_name("design.json"))
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            lines[record["trial_id"]] += 1
            if record["final"]:
                held = finals.get(record["trial_id"])
                if held is None or record["attempt"] >= held["attempt"]:
                    finals[record["trial_id"]] = record | {"run": run, "titles": titles}
        for record in finals.values():
            record["replaced"] = lines[record["trial_id"]] - 1
            found[f"{run}:{record['record_id']}" if len(paths) > 1 else record["record_id"]] = record
    return found


def read_titles(path: Path) -> list[str]:
    """Return the titles that a design gives to workloads, compilers, knobs and levels."""
    held = json.loads(path.read_text(encoding="utf-8")).get("titles", {}) if path.exists() else {}
    found: list[str] = []

    def gather(part: Any) -> None:
        for value in part.values() if isinstance(part, dict) else ():
            if isinstance(value, str):
                found.append(value)
            gather(value)

    for kind in ("workloads", "compilers", "knobs", "levels"):
        gather(held.get(kind, {}))
    return found


def check(records: Records, paper: Path) -> list[str]:
    """Return what is wrong with a paper, in words."""
    provenance = json.loads((paper / "provenance.json").read_text(encoding="utf-8"))
    macros = read_macros(paper / "macros.tex")
    ids = provenance["rows"]
    faults = [f"row {one}: no final record has this id" for one in ids if one not in records]
    faults += [f"row {one}: stands twice" for one in ids if ids.count(one) > 1] if len(set(ids)) < len(ids) else []
    numbers = {number["key"]: number for number in provenance["numbers"]}
    if len(numbers) < len(provenance["numbers"]):
        faults.append("two numbers have one key")
    if faults:
        return faults
    recomputed = Recomputed(records, ids, numbers)
    for key, number in numbers.items():
        try:
            value = recomputed.value(key)
        except (ArithmeticError, IndexError, KeyError, TypeError, ValueError) as error:
            faults.append(f"{key}: cannot be computed from its rows: {error!r}")
            continue
        if not math.isclose(value, number["value"], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            faults.append(f"{key}: is {number['value']!r}, but its rows give {value!r}")
        form = number["format"]
        text = format(value if form["divide_by"] == 1 else value / form["divide_by"], form["spec"])
        if text != number["text"] and printed(number["value"], form) != number["text"]:
            faults.append(f"{key}: is printed {number['text']}, but should be {text}")
        if macros.pop(("number", key), None) != number["text"]:
            faults.append(f"{key}: its macro does not print {number['text']}")
        if macros.pop(("unit", key), None) != number["unit"]:
            faults.append(f"{key}: its macro does not have the unit {number['unit']}")
    faults += [f"macro {key}: no number has this key" for _, key in macros]
    return faults + check_text(records, provenance, numbers, paper)


def check_text(records: Records, provenance: dict[str, Any], numbers: dict[str, Number], paper: Path) -> list[str]:
    """Return where sentences print something else than their numbers, or digits that are no number's."""
    faults: list[str] = []
    by_paragraph: dict[str, list[str]] = defaultdict(list)
    words = names_of(records)
    for sentence in provenance["sentences"]:
        text, place = sentence["text"], f"{sentence['paragraph']}, {sentence['name']}"
        by_paragraph[sentence["paragraph"]].append(text)
        rest = list(text)
        for key, (start, end) in zip(sentence["numbers"], sentence["number_spans"], strict=True):
            if text[start:end] != numbers[key]["text"]:
                faults.append(f"{place}: prints {text[start:end]!r} where {key} is {numbers[key]['text']}")
            rest[start:end] = " " * (end - start)
        for start, end in sentence["name_spans"]:
            unknown = set(re.findall(WORD, text[start:end], re.ASCII)) - words
            if unknown and text[start:end] not in words:
                faults.append(f"{place}: {text[start:end]!r} is a name of no record")
            rest[start:end] = " " * (end - start)
        if digits := re.findall(r"\d+", "".join(rest)):
            faults.append(f"{place}: {', '.join(digits)} is no number of provenance.json")
    for name, texts in by_paragraph.items():
        wanted = ("" if provenance["language"] == "zh" else " ").join(texts)
        if unescaped_markdown((paper / "text" / f"{name}.md").read_text(encoding="utf-8")) != wanted + "\n":
            faults.append(f"text/{name}.md: is not the sentences of provenance.json")
        if unescaped_latex((paper / "text" / f"{name}.tex").read_text(encoding="utf-8")) != wanted + "\n":
            faults.append(f"text/{name}.tex: is not the sentences of provenance.json")
    return faults


def printed(value: float, form: dict[str, Any]) -> str:
    return format(value if form["divide_by"] == 1 else value / form["divide_by"], form["spec"])


def names_of(records: Records) -> set[str]:
    """Return the words that records use: names, levels, processors, and parts of them with a digit."""
    words: set[str] = set()
    for record in records.values():
        words.update(word for field in record["runtime"] or () for word in field.split("_"))
        machine = record["meta"]["machine"]
        texts = [record["workload"]["name"], record["config"]["compiler"], machine["cpu"]]
        texts += [str(machine[name]) for name in ("kernel", "container", "isa", "os") if machine.get(name)]
        texts += [*record["titles"], *record["meta"]["versions"], *record["meta"]["versions"].values()]
        texts += [str(value) for value in record["workload"]["parameters"].values() if not isinstance(value, float)]
        texts += [name.replace("_", " ") for name in record["workload"]["parameters"]]
        texts.append((record["meta"]["machine"].get("gpu") or {}).get("name", ""))
        texts += [record["status"], record["workload"]["digest"][:6], *record["meta"]["threads"]]
        texts += [address.partition(":")[2] for address in (record["config"].get("settings") or {}).values()]
        departures = record["config"].get("departures") or {}
        for knob, level in [*record["config"]["knobs"].items(), *departures.items()]:
            texts += [knob, str(level)]
        words.update(texts)
        for text in texts:
            words.update(re.findall(WORD, text, re.ASCII))
    return words


def read_macros(path: Path) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    pattern = re.compile(r"^\\ablatrix@(number|unit)\{([^{}]*)\}\{(.*)\}$")
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := pattern.match(line):
            kind, key, text = match.groups()
            found[kind, key] = unescaped_latex(text)
    return found


def unescaped_markdown(text: str) -> str:
    text = RAISED_POWER.sub(lambda match: f"{match[1] or 1}e{int(match[2].translate(RAISED)):+03d}", text)
    text = re.sub(r"(?<!\\)`", "", text)  # around words of programs, in which nothing is escaped
    return re.sub(r"\\(.)", r"\1", text).replace("\N{MINUS SIGN}", "-")


def unescaped_latex(text: str) -> str:
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("% "))
    text = POWER.sub(lambda match: f"{match[1] or 1}e{int(match[2]):+03d}", text)
    text = REFERENCE.sub(r"{REF}\1", text)
    text = CODE.sub(r"\1", text)
    pattern = "|".join(map(re.escape, sorted(LATEX, key=len, reverse=True)))
    return re.sub(pattern, lambda match: LATEX[match.group()], text).replace("{REF}", " ")


def read(record: Any, column: str) -> Any:
    """Return a column of ablation.csv from a record; None where the record lacks it."""
    if column == "run":
        return record["run"]
    if column.startswith("knob_"):
        level = record["config"]["knobs"].get(column.removeprefix("knob_"))
        return None if level is None else str(level)
    if column in RENAMED:
        return follow(record, RENAMED[column])
    for prefix, path in PREFIXES.items():
        if column.startswith(prefix):
            return follow(record, (*path, column.removeprefix(prefix)))
    for path in PARTS_OF_RECORD:
        part = follow(record, path)
        if isinstance(part, dict) and column in part:
            return part[column]
    return None


def follow(record: Any, path: Sequence[str]) -> Any:
    for step in path:
        record = record.get(step) if isinstance(record, dict) else None
    return record


class Recomputed:
    """Values of numbers, from their rows alone (and, for those made of others, from theirs)."""

    def __init__(self, records: Records, ids: list[str], numbers: dict[str, Number]) -> None:
        self.records, self.ids, self.numbers = records, ids, numbers
        self.known: dict[str, float] = {}
        self.logs_known: dict[tuple[str, str], list[float]] = {}
        self.parts: dict[Any, set[str]] | None = None
        self.grids_known: dict[tuple[str, str], list[dict[Levels, float]]] = {}
        self.hosts_known: dict[tuple[str, str], list[str]] = {}
        self.offsets: dict[tuple[str, str], dict[Unit, float]] = {}

    def value(self, key: str) -> float:
        if key not in self.known:
            number = self.numbers[key]
            statistic = "only_value" if number["statistic"] == "value" else number["statistic"]
            value = getattr(self, statistic)(number, number["parameters"])
            view = number["parameters"].get("view")
            self.known[key] = value if view is None else VIEWS[view](value)
        return self.known[key]

    def rows(self, number: Number) -> list[Record]:
        found = []
        for first, last in number["rows"]:
            if not 0 <= first <= last < len(self.ids):
                raise IndexError(f"rows {first} to {last} of {len(self.ids)}")
            found += [self.records[one] for one in self.ids[first : last + 1]]
        return found

    def values(self, number: Number, column: str) -> list[Any]:
        return [value for row in self.rows(number) if (value := read(row, column)) is not None]

    # Counts and order statistics

    def constant(self, number: Number, parameters: Parameters) -> Any:
        assert parameters["source"] and not number["rows"]
        return number["value"]

    def excluded(self, number: Number, parameters: Parameters) -> Any:
        if parameters["reason"] == SUPERSEDED:
            return sum(record["replaced"] for record in self.records.values())
        assert parameters["reason"] == TIMED_OTHER
        return sum(map(timed_another, self.records.values()))

    def count(self, number: Number, parameters: Parameters) -> float:
        return len(self.rows(number))

    def distinct(self, number: Number, parameters: Parameters) -> float:
        return len({tuple(read(row, column) for column in parameters["columns"]) for row in self.rows(number)})

    def sum(self, number: Number, parameters: Parameters) -> Any:
        return sum(self.values(number, parameters["column"]))

    def min(self, number: Number, parameters: Parameters) -> Any:
        return min(self.values(number, parameters["column"]))

    def max(self, number: Number, parameters: Parameters) -> Any:
        return max(self.values(number, parameters["column"]))

    def median(self, number: Number, parameters: Parameters) -> Any:
        return statistics.median(self.values(number, parameters["column"]))

    def median_share(self, number: Number, parameters: Parameters) -> Any:
        pairs = [(read(row, parameters["part"]), read(row, parameters["whole"])) for row in self.rows(number)]
        return statistics.median(part / whole for part, whole in pairs)

    def line(self, number: Number, parameters: Parameters) -> Any:
        times = defaultdict(list)
        for row in self.rows(number):
            tokens = row["workload"]["tokens"]
            times[tokens["context"]].append(row["runtime"]["run_ms_p50"] / tokens["tokens"])
        fitted = linregress(list(times), [statistics.median(one) for one in times.values()])
        reach = float(student.ppf(0.975, len(times) - 2)) * fitted.stderr
        found = {"slope": fitted.slope, "low": fitted.slope - reach, "high": fitted.slope + reach}
        return {**found, "r_squared": fitted.rvalue**2}[parameters["part"]]

    # The statistic "value".
    def only_value(self, number: Number, parameters: Parameters) -> Any:
        (value,) = set(self.values(number, parameters["column"]))
        return value

    def sum_of(self, number: Number, parameters: Parameters) -> float:
        return sum(map(self.value, parameters["of"]))

    def wins(self, number: Number, parameters: Parameters) -> float:
        pairs = zip(parameters["of"], parameters["against"], strict=True)
        return sum(key in keys and self.value(key) == min(map(self.value, keys)) for key, keys in pairs)

    def number_of(self, number: Number, parameters: Parameters) -> float:
        return len({key for key in parameters["of"] if self.value(key) is not None})

    def min_of(self, number: Number, parameters: Parameters) -> float:
        return min(map(self.value, parameters["of"]))

    def max_of(self, number: Number, parameters: Parameters) -> float:
        return max(map(self.value, parameters["of"]))

    def equal_pairs(self, number: Number, parameters: Parameters) -> float:
        digests: dict[Levels, set[str]] = defaultdict(set)
        for row in self.rows(number):
            digests[levels_of(row)].add(row["compile"]["artifact_digest"])
        return sum(
            digests[here] == digests[there] and len(digests[here]) == 1 for here, there in pairs_of(digests, parameters)
        )

    def acting_pairs(self, number: Number, parameters: Parameters) -> float:
        fixed = set(parameters["fixed"].items())
        digests: dict[Levels, set[str]] = defaultdict(set)
        for row in self.rows(number):
            if row["role"] == "measured" and fixed <= set(levels_of(row)):
                digests[levels_of(row)].add(row["compile"]["artifact_digest"])
        pairs = pairs_of(digests, parameters)
        same = [pair for pair in pairs if is_named(pair, parameters["same_program"])]
        if any(digests[here] != digests[there] for here, there in same) or len(same) != len(parameters["same_program"]):
            raise ValueError("pairs that are said to be one program have different code")
        return len(pairs) - (len(same) if parameters["part"] == "acting" else 0)

    def ties(self, number: Number, parameters: Parameters) -> float:
        """Return how many configurations may be the best besides the lowest (Hsu 1984), or how many are compared."""
        may_be, names = self.may_be(number, parameters)
        return len(names) if parameters["part"] == "compared" else len(may_be) - 1

    def may_be_best(self, number: Number, parameters: Parameters) -> float:
        may_be, _ = self.may_be(number, parameters)
        return int(any(set(parameters["knobs"].items()) <= set(at) for at in may_be))

    def may_be(self, number: Number, parameters: Parameters) -> tuple[list[Levels], list[Levels]]:
        """Return the configurations that may be the best, the lowest among them, and all that are compared."""
        rows = [row for row in self.rows(number) if row["role"] == "measured"]
        rows = [row for row in rows if row["config"]["compiler"] == parameters["compiler"]]
        times = self.times(self.rows(number), parameters)
        rows = [row for row in rows if times.get(id(row))]
        baseline = {tuple(sorted((k, str(v)) for k, v in row["config"]["baseline"].items())) for row in rows}
        # Of a repeat whose parts have all lost their baselines nothing is left that could be put together.
        found = repeats_of(rows, times, baseline, parameters["split"])
        repeats = [one for one in over_hosts(found, baseline) if one]
        names = [at for at in repeats[0] if all(at in repeat for repeat in repeats)]
        if len(names) == 1 or len(repeats) == 1:
            return names[:1], names
        table = [[repeat[at] for repeat in repeats] for at in names]
        means = [mean(logs) for logs in table]
        rest = [[log - own for log in logs] for logs, own in zip(table, means, strict=True)]
        centres = [mean(column) for column in zip(*rest, strict=True)]
        squares = [(log - centre) ** 2 for logs in rest for log, centre in zip(logs, centres, strict=True)]
        freedom = (len(names) - 1) * (len(repeats) - 1)
        bound = dunnett_bound(len(names) - 1, freedom)
        width = bound * math.sqrt(2 * math.fsum(squares) / freedom / len(repeats)) + self.control_offset(parameters)
        return [at for at, value in zip(names, means, strict=True) if value - min(means) <= width + CLOSE], names

    # Ratios

    def effect(self, number: Number, parameters: Parameters) -> float:
        return part_of(self.interval(number, 1), parameters["part"])

    total = paired_ratio = reference_ratio = shapley = interaction = speed_up = effect

    def break_even(self, number: Number, parameters: Parameters) -> float:
        """Return the runs that repay a compile, and their limits by Fieller with variances of their own."""
        rows = [row for row in self.rows(number) if row["role"] == "measured"]
        rows = [row for row in rows if row["config"]["compiler"] == parameters["compiler"]]
        hot = self.times([row for row in self.rows(number) if row["mode"] == "hot"], parameters)
        sides = [set(parameters[name].items()) for name in ("knobs", "baseline")]
        samples = []
        hosts = {(row["run"], row["block_id"]): host_of(row) for row in rows}
        for mode, sign in (("cold", 1.0), ("hot", -1.0)):
            blocks: dict[Any, dict[int, float]] = defaultdict(dict)
            for row in rows:
                time = read(row, parameters["cold_metric"]) if mode == "cold" else hot.get(id(row))
                for side, levels in enumerate(sides):
                    if row["mode"] == mode and time and levels <= set(levels_of(row)):
                        blocks[row["run"], row["block_id"]][side] = time
            pairs = [(place, two[0], two[1]) for place, two in blocks.items() if len(two) == 2]
            samples.append([sign * (one - base) for one, base in at_mean_speed(pairs, hosts)])
        means, squares = [mean(one) for one in samples], [statistics.variance(one) / len(one) for one in samples]
        if parameters["part"] == "value":
            return means[0] / means[1]
        shares = means[1] ** 2 * squares[0], means[0] ** 2 * squares[1]
        freedom = sum(shares) ** 2 / sum(share**2 / (len(one) - 1) for share, one in zip(shares, samples, strict=True))
        bound = student.ppf(0.975, freedom) ** 2
        a, b, c = (
            means[1] ** 2 - bound * squares[1],
            means[0] * means[1],
            means[0] ** 2 - bound * squares[0],
        )
        root = math.sqrt(b * b - a * c)
        return float((b - root) / a if parameters["part"] == "low" else (b + root) / a)

    def idle_knobs(self, number: Number, parameters: Parameters) -> float:
        own = [row for row in self.rows(number) if row["config"]["stage"] == parameters["stage"]]
        (named,) = {tuple(row["config"]["stage_plan"]["chosen"]["idle"]) for row in own}
        return len(named)

    def screened_effect(self, number: Number, parameters: Parameters) -> float:
        """Return a main effect of a screening: from levels within blocks, over runs or over all corners."""
        rows = self.rows(number)
        times = self.times(rows, parameters)
        own = [
            row
            for row in rows
            if row["role"] == "measured" and row["config"]["stage"] == parameters["stage"] and times.get(id(row))
        ]
        table: dict[Any, dict[Levels, float]] = defaultdict(dict)
        for row in own:
            table[row["block_id"]][levels_of(row)] = math.log(times[id(row)])
        wider, knob = self.control_offset(parameters), parameters["knob"]
        plan = own[0]["config"]["stage_plan"]
        if plan["chosen"]["orders"]:
            return part_of(share_of(list(table.values()), plan, knob, wider), parameters["part"])
        if plan["chosen"]["design"] == "groups":
            return part_of(left_out(list(table.values()), own, knob, wider), parameters["part"])
        weights = screen_weights(own, sorted({levels_of(row) for row in own}), knob)
        held = within_blocks(list(table.values()), weights, wider)
        return part_of(held, parameters["part"])

    def claim(self, number: Number, parameters: Parameters) -> float:
        return part_of(self.interval(number, -1), parameters["part"])

    def interval(self, number: Number, sign: int) -> Interval:
        parameters = number["parameters"]
        logs = [sign * log for log in self.logs(number)]
        if parameters["metric"] in COMPUTED:
            centre, reach = interval(logs)
            # What is computed and not measured is exact, also in one repeat.
            return centre, 0.0 if reach is None else reach
        step = self.step(number)
        return interval(logs, self.control_offset(parameters) + step, step)

    def geometric_mean(self, number: Number, parameters: Parameters) -> float:
        members = [self.numbers[key] for key in parameters["of"]]
        groups = [self.logs(one) for one in members]
        means = [math.fsum(logs) / len(logs) for logs in groups]
        families = [[parameters["of"].index(key) for key in keys] for keys in parameters.get("by_workload", ())]
        weights = [1 / len(means)] * len(means)
        for family in families:
            for at in family:
                weights[at] = 1 / len(family) / len(families)
        shared = {tuple(self.hosts_known[self.grid_key(one)]) for one in members}
        if len(shared) == 1 and any(shared):  # what is odd about a host may be so for all workloads
            over = [
                math.fsum(w * log for w, log in zip(weights, logs, strict=True)) for logs in zip(*groups, strict=True)
            ]
            measured = [one for one in members if one["parameters"]["metric"] not in COMPUTED]
            of = dict(zip((one["key"] for one in members), weights, strict=True))
            step = math.fsum(of[one["key"]] * self.step(one) for one in measured)
            wider = step + math.fsum(of[one["key"]] * self.control_offset(one["parameters"]) for one in measured)
            return part_of(interval(over, wider, step), parameters["part"])
        mean = math.fsum(weight * one for weight, one in zip(weights, means, strict=True))
        if min(map(len, groups)) < 2:
            return part_of((mean, None), parameters["part"])
        measured = [one for one in members if one["parameters"]["metric"] not in COMPUTED]
        weight_of = {id(one): weight for one, weight in zip(members, weights, strict=True)}
        step = math.fsum(weight_of[id(one)] * self.step(one) for one in measured)
        wider = step + math.fsum(weight_of[id(one)] * self.control_offset(one["parameters"]) for one in measured)
        parts = zip(weights, groups, strict=True)
        squares = [weight**2 * statistics.variance(logs) / len(logs) for weight, logs in parts]
        whole = math.fsum(squares)
        freedom = 1.0
        if whole > 0:
            freedom = whole**2 / sum(one**2 / (len(logs) - 1) for one, logs in zip(squares, groups, strict=True))
        error = max(math.sqrt(whole), step / math.sqrt(12 * min(map(len, groups))))
        return part_of((mean, student.ppf(0.975, freedom) * error + wider), parameters["part"])

    def control(self, number: Number, parameters: Parameters) -> float:
        logs, steps = self.control_logs(self.rows(number), parameters)
        step = mean(steps) if steps else 0.0
        centre, reach = interval(logs, step, step)
        if parameters["part"] == "reach":
            return 0.0 if reach is None else max(reach - centre, centre + reach)
        return part_of((centre, reach), parameters["part"])

    def control_offset(self, parameters: Parameters) -> float:
        """Return how far the control of a unit is off where it fails among those of all units; 0 where it holds."""
        kind = parameters["metric"], parameters["mode"]
        if kind not in self.offsets:
            self.offsets[kind] = self.failed_controls(*kind)
        return self.offsets[kind].get(
            (parameters["workload"], parameters["workload_digest"], parameters["compiler"]), 0.0
        )

    def failed_controls(self, metric: str, mode: str) -> dict[Unit, float]:
        units: dict[Unit, list[Record]] = defaultdict(list)
        ok = [row for row in self.records.values() if row["status"] == "ok" and row["mode"] == mode]
        ok = [row for row in ok if not timed_another(row)]
        for row in ok:
            if row["role"] in ("measured", "twin"):
                units[row["workload"]["name"], row["workload"]["digest"], row["config"]["compiler"]].append(row)
        reaches, p_values, held = {}, {}, {}
        for unit in units:
            parameters = {"metric": metric, "compiler": unit[2]}
            rows = [row for row in ok if (row["workload"]["name"], row["workload"]["digest"]) == unit[:2]]
            logs, steps = self.control_logs(rows, parameters)
            if len(logs) < 2:
                continue
            step = mean(steps) if steps else 0.0
            centre, reach = interval(logs, step, step)
            assert reach is not None
            reaches[unit] = max(reach - centre, centre + reach)
            p_values[unit] = p_value(logs, step, step)
            held[unit] = logs, step
        least = 0.01 / (len(p_values) + 1)
        pooled = [held[unit] for unit, value in p_values.items() if value is not None and value > least]
        together = None
        if len(pooled) > 1:
            together = p_value_of_mean([logs for logs, _ in pooled], mean([step for _, step in pooled]))
        tested = sorted((value, unit) for unit, value in p_values.items() if value is not None)
        if together is not None:
            tested = sorted([*tested, (together, TOGETHER)])
        failed = {unit for unit, value in p_values.items() if value is None}
        for rank, (value, unit) in enumerate(tested):  # Holm: from the smallest on, until one is too large
            if value * (len(tested) - rank) > 0.01:
                break
            failed.add(unit)
        if TOGETHER in failed:
            return reaches
        return {unit: reaches[unit] for unit in failed}

    def control_logs(self, rows: list[Record], parameters: Parameters) -> tuple[list[float], list[float]]:
        """Return the log of control over baseline in each block, and the steps of a metric that has some."""
        times = self.times(rows, parameters)
        blocks: dict[Any, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            own = str(row["config"]["compiler"]) == parameters["compiler"] and row["role"] in ("measured", "twin")
            if own and times.get(id(row)):
                key = row["run"], row["block_id"], row["cell_id"]
                blocks[key][row["role"]].append(math.log(times[id(row)]))
        pairs = {key: (mean(two["twin"]), mean(two["measured"])) for key, two in blocks.items() if len(two) == 2}
        cells = {cell for _, _, cell in pairs}  # the baseline, and its configuration in each further build
        at = sorted({key[:2] for key in pairs}, key=str)
        at = [block for block in at if all((*block, cell) in pairs for cell in cells)]
        both = [mean([twin - base for twin, base in (pairs[*block, cell] for cell in cells)]) for block in at]
        hosts = {(row["run"], row["block_id"]): host_of(row) for row in rows}
        both, _ = means_on_hosts(both, [hosts[block] for block in at])
        size = STEPS.get(parameters["metric"])
        least = [min(pair) for pair in pairs.values()]
        return both, [math.log1p(size / math.exp(mean(least)))] if size and least else []

    def step(self, number: Number) -> float:
        """Return the smallest difference that the metric shows beside the values behind a number, as a logarithm."""
        parameters = number["parameters"]
        size = STEPS.get(parameters["metric"])
        if not size:
            return 0.0
        rows = [row for row in self.rows(number) if row["role"] == "measured"]
        rows = [row for row in rows if row["config"]["compiler"] == parameters["compiler"]]
        values: dict[Levels, list[float]] = defaultdict(list)
        for row in rows:
            if (value := read(row, parameters["metric"])) is not None and value > 0:
                values[levels_of(row)].append(math.log(value))
        steps = {at: math.log1p(size / math.exp(mean(logs))) for at, logs in values.items()}
        sets = self.sets_behind(number, rows)
        return mean([max(steps[at] for at in one if at in steps) for one in sets])

    def sets_behind(self, number: Number, rows: list[Record]) -> list[tuple[Levels, ...]]:
        """Return the pairs of configurations that a number is a mean over; for a total, its ends."""
        parameters = number["parameters"]
        statistic = parameters.get("by", number["statistic"])
        if statistic == "paired_ratio":
            sides = [set(parameters[name].items()) for name in ("knobs", "baseline")]
            return [tuple(at for side in sides for at in {levels_of(row) for row in rows} if side <= set(at))]
        grid = self.grids_known[self.grid_key(number)]
        if statistic in ("shapley", "interaction"):
            return [tuple(corner_at(parameters, moved) for moved in subsets_of(parameters["start"]))]
        if statistic == "total":
            ends = ({**parameters["fixed"], **parameters[end]} for end in ("start", "end"))
            return [tuple(tuple(sorted(levels.items())) for levels in ends)]
        return self.whole_pairs(grid, parameters)

    def whole_pairs(self, grid: list[dict[Levels, float]], parameters: Parameters) -> list[tuple[Levels, ...]]:
        seen = {at: None for repeat in grid for at in repeat}
        pairs = [pair for pair in pairs_of(seen, parameters) if all(set(pair) <= repeat.keys() for repeat in grid)]
        return [pair for pair in pairs if not is_named(pair, parameters.get("same_program", []))]

    def grid_key(self, number: Number) -> tuple[str, str]:
        return number["key"].rsplit("/", 1)[0], str(number["rows"])  # the parts of one interval share their rows

    def logs(self, number: Number) -> list[float]:
        """Return the log ratio of each repeat behind an effect, a total, a ratio to the baseline or a claim."""
        key = self.grid_key(number)
        if key not in self.logs_known:
            self.logs_known[key] = self.new_logs(number)
        return self.logs_known[key]

    def new_logs(self, number: Number) -> list[float]:
        parameters, rows = number["parameters"], self.rows(number)
        times = self.times(rows, parameters)
        statistic = parameters.get("by", number["statistic"])
        own = [
            row
            for row in rows
            if row["role"] == "measured" and row["config"]["compiler"] == parameters["compiler"] and times.get(id(row))
        ]
        if any(
            (row["workload"]["name"], row["workload"]["digest"], row["mode"], row["status"])
            != (parameters["workload"], parameters["workload_digest"], parameters["mode"], "ok")
            for row in rows
        ):
            raise ValueError("rows of another workload, mode or status")
        key = self.grid_key(number)
        if statistic in ("paired_ratio", "reference_ratio"):
            eager = [row for row in rows if row["role"] == "reference" and times.get(id(row))]
            found = (
                paired(own, times, parameters["knobs"], parameters["baseline"])
                if statistic == "paired_ratio"
                else paired_with(own, eager, times, parameters["knobs"])
            )
            hosts = {(row["run"], row["block_id"]): host_of(row) for row in rows}
            logs, self.hosts_known[key] = means_on_hosts([log for _, log in found], [hosts[at] for at, _ in found])
            return logs
        fixed = set(parameters["fixed"].items())
        baseline = {tuple(sorted((k, str(v)) for k, v in row["config"]["baseline"].items())) for row in own}
        own = [row for row in own if fixed <= set(levels_of(row)) or levels_of(row) in baseline]
        if None not in {row["meta"].get("replicate") for row in own}:
            held = self.numbered_repeats(own, times, baseline)
        else:
            held = repeats_of(own, times, baseline, parameters["split"])
        repeats = over_hosts(held, baseline)
        levels = parameters["levels"]

        def in_grid(at: Levels) -> bool:
            return fixed <= set(at) and all(level in levels.get(knob, (level,)) for knob, level in at)

        grid = [{at: log for at, log in repeat.items() if in_grid(at)} for repeat in repeats]
        grid = [repeat for repeat in grid if repeat]
        self.grids_known[key] = grid
        names = sorted({host for host, _ in held})
        self.hosts_known[key] = names if len(names) > 1 else []
        if statistic == "total":
            return totals(grid, parameters)
        if statistic in ("shapley", "interaction"):
            return [(share if statistic == "shapley" else crossed)(one, parameters) for one in whole(grid, parameters)]
        if statistic == "speed_up":
            sides = [tuple(sorted({**parameters["fixed"], **parameters[end]}.items())) for end in ("start", "end")]
            return [repeat[sides[0]] - repeat[sides[1]] for repeat in grid if all(side in repeat for side in sides)]
        pairs = self.whole_pairs(grid, parameters)
        if not pairs:
            raise ValueError("no pair is there in every repeat")
        return [mean([repeat[there] - repeat[here] for here, there in pairs]) for repeat in grid]

    def numbered_repeats(self, rows: list[Record], times: dict[int, float], baseline: set[Levels]) -> list[Repeat]:
        """Return repeats of records that say to which one a block belongs; parts are relative to their baselines."""
        if self.parts is None:
            self.parts = defaultdict(set)
            for row in self.records.values():
                if row["role"] == "measured":
                    self.parts[repeat_of(row)].add(row["block_id"])
        blocks: dict[Any, dict[Any, dict[Levels, float]]] = defaultdict(lambda: defaultdict(dict))
        for row in sorted(rows, key=lambda row: (row["run"], row["meta"]["block"], row["meta"]["position"])):
            blocks[repeat_of(row)][row["block_id"]][levels_of(row)] = math.log(times[id(row)])
        hosts = {row["block_id"]: host_of(row) for row in rows}
        found = []
        for repeat, parts in blocks.items():
            joined: dict[Levels, float] = {}
            for part in parts.values():
                base = next((log for at, log in part.items() if at in baseline), None)
                if len(self.parts[repeat]) == 1:
                    joined |= part
                elif base is not None:
                    joined |= {at: log - base for at, log in part.items()}
            found.append((" + ".join(sorted({hosts[block] for block in parts})), joined))
        return found

    def times(self, rows: list[Record], parameters: Parameters) -> dict[int, float]:
        """Return the metric of rows by identity; of paired run times, each block's as its bursts give them."""
        if parameters["metric"] != "run_ms_paired":
            found = {id(row): read(row, parameters["metric"]) for row in rows}
            return {one: value for one, value in found.items() if value is not None and value > 0}
        blocks: dict[Any, list[tuple[int, list[float], list[float] | None]]] = defaultdict(list)
        sides: dict[Any, dict[str, int]] = defaultdict(dict)
        for row in rows:
            bursts = follow(row, ("runtime", "burst_ms_p50"))
            if bursts and min(bursts) > 0:
                fastest = follow(row, ("runtime", "burst_ms_min"))
                blocks[row["run"], row["block_id"]].append((id(row), bursts, fastest))
                sides[row["run"], row["block_id"], row["cell_id"]][row["role"]] = id(row)
        times = {one: time for held in blocks.values() for one, time in paired_times(held)}
        for pair in sides.values():
            if {"measured", "twin"} <= pair.keys() and {pair["measured"], pair["twin"]} <= times.keys():
                own, twin = times[pair["measured"]], times[pair["twin"]]
                times[pair["measured"]] = math.sqrt(own * twin)  # both measured the configuration
                times[pair["twin"]] = math.sqrt(own * twin) * twin / own
        return times


def paired_times(held: list[tuple[int, list[float], list[float] | None]]) -> Iterator[tuple[int, float]]:
    """Yield each trial's time in a round: calm, or as usual where a block was never calm."""
    longest = max(len(bursts) for _, bursts, _ in held)
    whole = [one for one in held if len(one[1]) == longest]
    has_fastest = all(fastest and len(fastest) == longest and min(fastest) > 0 for *_, fastest in whole)
    logs = [
        (one, [math.log(time) for time in (fastest if has_fastest and fastest else bursts)])
        for one, bursts, fastest in whole
    ]
    rows = [values for _, values in logs]
    is_calm = longest < 8 or not between_parts(rows, usual_levels) < 0.8 * between_parts(rows, calm_levels)
    levels = calm_levels(rows) if is_calm else usual_levels(rows)
    yield from ((one, math.exp(level)) for (one, _), level in zip(logs, levels, strict=True))


def calm_levels(rows: list[list[float]]) -> list[float]:
    """Return the mean of the fastest third of each row, without what all lost in a round."""
    count = len(rows[0])
    firsts = [mean(sorted(values)[: math.ceil(count / 10)]) for values in rows]
    lost = [min(values[number] - first for values, first in zip(rows, firsts, strict=True)) for number in range(count)]
    return [mean(sorted(map(operator.sub, values, lost))[: math.ceil(count / 3)]) for values in rows]


def usual_levels(rows: list[list[float]]) -> list[float]:
    """Return the mean of the middle three fifths of each row, without what the middle one lost in a round."""
    count = len(rows[0])
    centres = [statistics.median(values) for values in rows]
    lost = [
        statistics.median([values[number] - centre for values, centre in zip(rows, centres, strict=True)])
        for number in range(count)
    ]
    cut = count // 5
    return [mean(sorted(map(operator.sub, values, lost))[cut : count - cut]) for values in rows]


def between_parts(rows: list[list[float]], levels: Callable[[list[list[float]]], list[float]]) -> float:
    """Return how much levels vary between parts of every fourth round, where each part is as fast as it is."""
    parts = [levels([values[start::4] for values in rows]) for start in range(4)]
    apart = [[level - mean(part) for level in part] for part in parts]
    return float(sum((level - mean(of_row)) ** 2 for of_row in zip(*apart, strict=True) for level in of_row))


def repeat_of(row: Record) -> Any:
    """Return what the parts of one repeat share."""
    workload, compiler = row["workload"], row["config"]["compiler"]
    return row["run"], row["mode"], workload["name"], workload["digest"], compiler, row["meta"]["replicate"]


def levels_of(row: Record) -> Levels:
    return tuple(sorted((knob, str(level)) for knob, level in row["config"]["knobs"].items() if level is not None))


def pairs_of(configurations: Iterable[Levels], parameters: Parameters) -> list[tuple[Levels, Levels]]:
    """Return (at the base level, at the level) of one knob, everything else the same."""
    base, moved = ((parameters["knob"], parameters[name]) for name in ("base_level", "level"))
    found = []
    for here in configurations:
        if base in here:
            there = tuple(sorted({*here} - {base} | {moved}))
            if there in configurations:
                found.append((here, there))
    return found


def repeats_of(rows: list[Record], times: dict[int, float], baseline: set[Levels], is_split: bool) -> list[Repeat]:
    """Return log times by configuration for each repeat; parts of a split one are put together over their baselines.

    Records say which repeat a block is of; of those before schema 1.3 it is found from the configurations.
    """
    blocks: dict[Any, dict[Levels, float]] = defaultdict(dict)
    order: dict[Any, int] = {}
    repeat_of: dict[Any, int | None] = {}
    for row in sorted(rows, key=lambda row: (row["run"], row["meta"]["block"], row["meta"]["position"])):
        place = row["run"], row["block_id"]
        order.setdefault(place, row["meta"]["block"])
        repeat_of[place] = row["meta"].get("replicate")
        blocks[place][levels_of(row)] = math.log(times[id(row)])
    hosts = {(row["run"], row["block_id"]): host_of(row) for row in rows}
    if not is_split:
        return [(hosts[place], held) for place, held in blocks.items()]
    repeats: list[tuple[list[dict[Levels, float]], set[Levels]]] = []
    on: list[set[str]] = []
    last: tuple[int, int, int | None] | None = None
    for (run, block), held in blocks.items():
        others = held.keys() - baseline
        number, repeat = order[run, block], repeat_of[run, block]
        if last is None or last[0] != run:
            is_part = False
        elif repeat is not None and last[2] is not None:
            is_part = repeat == last[2]
        else:
            is_part = number - last[1] <= 1 and bool(others) and not others & repeats[-1][1]
        if is_part:
            repeats[-1][0].append(held)
            repeats[-1][1].update(others)
            on[-1].add(hosts[run, block])
        else:
            repeats.append(([held], set(others)))
            on.append({hosts[run, block]})
        last = run, number, repeat
    found = []
    for (parts, _), names in zip(repeats, on, strict=True):
        if len(parts) == 1:
            found.append((" + ".join(sorted(names)), parts[0]))
            continue
        joined: dict[Levels, float] = {}
        for part in parts:
            base = next((log for at, log in part.items() if at in baseline), None)
            if base is not None:
                joined |= {at: log - base for at, log in part.items()}
        found.append((" + ".join(sorted(names)), joined))
    return found


def host_of(row: Record) -> str:
    """Return the id of the host that a row was measured on; in records before schema 1.5 its name."""
    place = row["meta"].get("place")
    return str(place["host_id"] if place else row["meta"]["machine"]["host"])


def over_hosts(repeats: list[Repeat], baseline: set[Levels]) -> list[dict[Levels, float]]:
    """Return repeats as they are; of several hosts the mean of each, relative to the baseline of each repeat."""
    hosts = sorted({host for host, _ in repeats})
    if len(hosts) < 2:
        return [held for _, held in repeats]
    found = []
    for host in hosts:
        values: dict[Levels, list[float]] = defaultdict(list)
        for _, held in (one for one in repeats if one[0] == host):
            base = next((log for at, log in held.items() if at in baseline), None)
            for at, log in held.items():
                if base is not None:
                    values[at].append(log - base)
        found.append({at: mean(logs) for at, logs in values.items()})
    return found


def means_on_hosts(logs: list[float], hosts: list[str]) -> tuple[list[float], list[str]]:
    """Return logs of blocks as they are; of several hosts the mean of each, and the hosts."""
    names = sorted(set(hosts))
    if len(names) < 2:
        return logs, []
    return [mean([log for log, host in zip(logs, hosts, strict=True) if host == name]) for name in names], names


def at_mean_speed(pairs: list[tuple[Any, float, float]], hosts: dict[Any, str]) -> list[tuple[float, float]]:
    """Return (time, baseline's time) by block; of several hosts by host, at the geometric mean of their baselines."""
    names = sorted({hosts[place] for place, *_ in pairs})
    if len(names) < 2:
        return [(one, base) for _, one, base in pairs]
    own = [[(math.log(one), math.log(base)) for place, one, base in pairs if hosts[place] == name] for name in names]
    speed = mean([mean([base for _, base in of]) for of in own])
    return [(math.exp(speed + mean([one - base for one, base in of])), math.exp(speed)) for of in own]


def screen_weights(own: list[Record], runs: list[Levels], knob: str) -> dict[Levels, float]:
    """Return the weight of each run in the main effect of a knob of a screening."""
    plan = own[0]["config"]["stage_plan"]
    place = plan["knobs"].index(knob)
    high = str(plan["levels"][place][-1])
    corners = {levels_of(row): row["config"].get("corners") for row in own}
    if any(held is not None for held in corners.values()):
        pairs = sum(len(held or ()) for held in corners.values()) / 2
        signs = {at: sum(1 if corner >> place & 1 else -1 for corner in corners[at] or ()) for at in runs}
        return {at: sign / pairs for at, sign in signs.items() if sign}
    if plan["chosen"]["design"] == "one_at_a_time":
        centre = tuple(sorted((name, str(level)) for name, level in plan["centre"].items()))
        return {centre: -1.0, next(at for at in runs if dict(at)[knob] == high): 1.0}
    if len(plan["levels"][place]) == 2:
        return {at: (1.0 if dict(at)[knob] == high else -1.0) / (len(runs) / 2) for at in runs}
    named = [(name, list(map(str, held))) for name, held in zip(plan["knobs"], plan["levels"], strict=True)]
    coded = [[held.index(dict(at)[name]) - 1 for name, held in named] for at in runs]
    return {
        at: 2.0 * weight for at, weight in zip(runs, pinv(coded)[place].tolist(), strict=True) if abs(weight) > CLOSE
    }


def within_blocks(blocks: list[dict[Levels, float]], weights: dict[Levels, float], wider: float) -> Interval:
    """Return a contrast of runs with the half-width of its interval, each level within blocks."""
    if all(at in block for block in blocks for at in weights):
        return interval([math.fsum(weight * block[at] for at, weight in weights.items()) for block in blocks], wider)
    return contrast(solved(blocks), weights, wider)


@dataclass(frozen=True)
class Solved:
    """Levels of runs within blocks by least squares, with their covariance up to the variance of the noise."""

    place: dict[Levels, int]
    levels: list[float]
    spread: list[list[float]]
    variance: float
    freedom: int


def contrast(held: Solved, weights: dict[Levels, float], wider: float) -> Interval:
    at_place = {held.place[at]: weight for at, weight in weights.items()}
    centre = math.fsum(weight * held.levels[place] for place, weight in at_place.items())
    error = math.fsum(a * b * held.spread[one][other] for one, a in at_place.items() for other, b in at_place.items())
    return centre, float(student.ppf(0.975, held.freedom)) * math.sqrt(held.variance * error) + wider


def solved(blocks: list[dict[Levels, float]]) -> Solved:
    runs = sorted({at for block in blocks for at in block})
    values = [
        (number, len(blocks) + runs.index(at), log) for number, block in enumerate(blocks) for at, log in block.items()
    ]
    size = len(blocks) + len(runs)
    normal, right = [[0.0] * size for _ in range(size)], [0.0] * size
    for block, run, log in values:
        for one, other in itertools.product((block, run), repeat=2):
            normal[one][other] += 1.0
        right[block] += log
        right[run] += log
    spread = pinvh(normal).tolist()
    found = [math.fsum(a * b for a, b in zip(row, right, strict=True)) for row in spread]
    freedom = len(values) - size + 1
    variance = math.fsum((log - found[block] - found[run]) ** 2 for block, run, log in values) / freedom
    place = {at: len(blocks) + number for number, at in enumerate(runs)}
    return Solved(place, found, spread, variance, freedom)


def left_out(blocks: list[dict[Levels, float]], own: list[Record], knob: str, wider: float) -> Interval:
    """Return what leaving a knob out of all on does; the baseline, which is in every block, says nothing of it."""
    plan, baseline = own[0]["config"]["stage_plan"], own[0]["config"]["baseline"]
    at_base = tuple(sorted((name, str(level)) for name, level in baseline.items()))
    centre = tuple(sorted((name, str(level)) for name, level in plan["centre"].items()))
    gone = str(plan["levels"][plan["knobs"].index(knob)][-1])
    without = tuple(sorted({**dict(centre), knob: gone}.items()))
    kept = [{at: log for at, log in block.items() if at != at_base} for block in blocks]
    return contrast(solved(kept), {centre: -1.0, without: 1.0}, wider)


def share_of(blocks: list[dict[Levels, float]], plan: Record, knob: str, wider: float) -> Interval:
    """Return the Shapley share of a knob from pairs of orders, and an interval that covers pairs and measuring."""
    held = solved(blocks)
    base = {name: str(level) for name, level in plan["centre"].items()}
    moved = dict(zip(plan["knobs"], (str(levels[-1]) for levels in plan["levels"]), strict=True))

    def at(names: Iterable[str]) -> Levels:
        return tuple(sorted({**base, **{name: moved[name] for name in names}}.items()))

    pairs, orders = [], plan["chosen"]["orders"]
    for order in orders[::2]:
        steps: dict[str, dict[Levels, float]] = {name: defaultdict(float) for name in plan["knobs"]}
        for way in (order, order[::-1]):
            names = [plan["knobs"][one] for one in way]
            for number, name in enumerate(names):
                steps[name][at(names[: number + 1])] += 0.5
                steps[name][at(names[:number])] -= 0.5
        if all(run in held.place for step in steps.values() for run in step):
            middle = (len(order) - 1) / 2
            pairs.append((steps, {plan["knobs"][one]: abs(place - middle) for place, one in enumerate(order)}))
    values = {name: [contrast(held, steps[name], 0.0)[0] for steps, _ in pairs] for name in plan["knobs"]}
    count = len(pairs)
    own = values[knob]
    centre = mean(own)
    weights = [{held.place[run]: weight for run, weight in steps[knob].items()} for steps, _ in pairs]
    noise = [
        [
            held.variance * math.fsum(a * b * held.spread[i][j] for i, a in one.items() for j, b in other.items())
            for other in weights
        ]
        for one in weights
    ]
    alone = math.fsum(noise[one][one] for one in range(count)) / count
    shared = (math.fsum(map(math.fsum, noise)) - alone * count) / (count * (count - 1))
    left = unexplained([[places[name] ** 2 for _, places in pairs] for name in plan["knobs"]], list(values.values()))
    between = left * statistics.variance(own) / count
    parts = [(between, count - 1), (max(0.0, shared), held.freedom)]
    variance = math.fsum(size for size, _ in parts)
    freedom = variance**2 / math.fsum(size**2 / one for size, one in parts)
    return centre, float(student.ppf(0.975, freedom)) * math.sqrt(variance) + wider


def unexplained(curves: list[list[float]], values: list[list[float]]) -> float:
    """Return which part of the variance between pairs a parabola over places leaves, in the mean over knobs."""
    count = len(values[0])
    if count < 4:
        return 1.0
    shares = []
    for curve, own in zip(curves, values, strict=True):
        across = [one - mean(curve) for one in curve]
        rest = [one - mean(own) for one in own]
        size, spread = (math.fsum(one * one for one in held) for held in (rest, across))
        if size > 1e-24 and spread > 0:
            shares.append(math.fsum(a * b for a, b in zip(rest, across, strict=True)) ** 2 / size / spread)
    return min(1.0, (1 - mean(shares)) * (count - 1) / (count - 2)) if shares else 1.0


def corner_at(parameters: Parameters, moved: Iterable[str]) -> Levels:
    """Return the configuration in which some knobs have the levels of the end, and the others those of the start."""
    start, end = parameters["start"], parameters["end"]
    levels = {**parameters["fixed"], **{knob: end[knob] if knob in moved else start[knob] for knob in start}}
    return tuple(sorted(levels.items()))


def subsets_of(knobs: Iterable[str]) -> Iterator[tuple[str, ...]]:
    held = list(knobs)
    return itertools.chain.from_iterable(itertools.combinations(held, size) for size in range(len(held) + 1))


def whole(grid: list[dict[Levels, float]], parameters: Parameters) -> list[dict[Levels, float]]:
    """Return the repeats that have every configuration between the two ends."""
    corners = [corner_at(parameters, moved) for moved in subsets_of(parameters["start"])]
    return [repeat for repeat in grid if all(corner in repeat for corner in corners)]


def totals(grid: list[dict[Levels, float]], parameters: Parameters) -> list[float]:
    ends = corner_at(parameters, ()), corner_at(parameters, tuple(parameters["start"]))
    held = whole(grid, parameters) or [repeat for repeat in grid if all(corner in repeat for corner in ends)]
    return [repeat[ends[1]] - repeat[ends[0]] for repeat in held]


def share(repeat: dict[Levels, float], parameters: Parameters) -> float:
    """Return the Shapley value of a knob by its weights: s! (k - s - 1)! / k! for a set of s others."""
    knob, others = parameters["knob"], [one for one in parameters["start"] if one != parameters["knob"]]
    count, terms = len(others) + 1, []
    for moved in subsets_of(others):
        weight = math.factorial(len(moved)) * math.factorial(count - len(moved) - 1) / math.factorial(count)
        with_it, without = corner_at(parameters, (*moved, knob)), corner_at(parameters, moved)
        terms.append(weight * (repeat[with_it] - repeat[without]))
    return math.fsum(terms)


def crossed(repeat: dict[Levels, float], parameters: Parameters) -> float:
    """Return the mean over the other knobs of how much more one does while the other is moved."""
    one, other = parameters["knob"], parameters["other"]
    rest = list(subsets_of([knob for knob in parameters["start"] if knob not in (one, other)]))

    def at(*moved: str) -> float:
        return repeat[corner_at(parameters, moved)]

    return mean([at(*held, one, other) - at(*held, other) - at(*held, one) + at(*held) for held in rest])


def paired_with(
    rows: list[Record], eager: list[Record], times: dict[int, float], levels: Parameters
) -> list[tuple[Any, float]]:
    """Return the log ratio of a configuration to eager in each of its blocks, for each of its trials."""
    reference: dict[Any, list[float]] = defaultdict(list)
    for row in eager:
        reference[row["run"], row["block_id"]].append(math.log(times[id(row)]))
    return [
        ((row["run"], row["block_id"]), math.log(times[id(row)]) - mean(reference[row["run"], row["block_id"]]))
        for row in rows
        if set(levels.items()) <= set(levels_of(row)) and (row["run"], row["block_id"]) in reference
    ]


def paired(
    rows: list[Record], times: dict[int, float], treated: Parameters, base: Parameters
) -> list[tuple[Any, float]]:
    blocks: dict[Any, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        levels = dict(levels_of(row))
        for side, wanted in (("treated", treated), ("base", base)):
            if all(levels.get(knob) == level for knob, level in wanted.items()):
                blocks[row["run"], row["block_id"]][side].append(math.log(times[id(row)]))
    return [(place, mean(two["treated"]) - mean(two["base"])) for place, two in blocks.items() if len(two) == 2]


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def interval(logs: Sequence[float], wider: float = 0.0, step: float = 0.0) -> Interval:
    """Return mean and half-width of Student's t interval, wider by so much at each end; none from one repeat."""
    centre = mean(logs)
    if len(logs) < 2:
        return centre, None
    return centre, student.ppf(0.975, len(logs) - 1) * error_of(logs, step) + wider


def error_of(logs: Sequence[float], step: float) -> float:
    """Return the standard error of a mean, at least that of values which are rounded to steps."""
    scatter = 0.0 if max(logs) - min(logs) <= CLOSE else statistics.stdev(logs)
    return max(scatter / math.sqrt(len(logs)), step / math.sqrt(12 * len(logs)))


def p_value(logs: Sequence[float], wider: float, step: float) -> float | None:
    """Return the two-sided p-value of the mean being no farther from 0 than ``wider``; None without any scatter."""
    beyond, error = max(0.0, abs(mean(logs)) - wider), error_of(logs, step)
    if error == 0.0:
        return 1.0 if beyond <= CLOSE else None
    return float(2 * student.sf(beyond / error, len(logs) - 1))


def p_value_of_mean(groups: Sequence[Sequence[float]], step: float) -> float | None:
    """Return the two-sided p-value of the mean of several groups being no farther from 0 than a step, by Welch."""
    squares = [0.0 if max(own) - min(own) <= CLOSE else statistics.variance(own) / len(own) for own in groups]
    whole, fewest = math.fsum(squares), min(map(len, groups))
    beyond = max(0.0, abs(mean([mean(own) for own in groups])) - step)
    error = max(math.sqrt(whole) / len(groups), step / math.sqrt(12 * fewest))
    if error == 0.0:
        return 1.0 if beyond <= CLOSE else None
    freedom = 1.0
    if whole > 0:
        freedom = whole**2 / sum(one**2 / (len(own) - 1) for one, own in zip(squares, groups, strict=True))
    return float(2 * student.sf(beyond / error, freedom))


@functools.cache
def dunnett_bound(comparisons: int, freedom: int) -> float:
    """Return the one-sided critical value of Dunnett's test at 5 %, by sums over fine grids."""
    places = [(place + 0.5) / 400 for place in range(400)]
    shared, scales = uniform.ppf(places, -6, 12), (chi2.ppf(places, freedom) / freedom) ** 0.5
    weights = norm.pdf(shared)

    def held(bound: float) -> float:
        inner = ndtr(math.sqrt(2) * bound * scales[:, None] - shared[None, :]) ** comparisons
        return float((inner @ weights).mean() / weights.sum())

    low, high = 0.0, 50.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if held(middle) < 0.95 else (low, middle)
    return high


def is_named(pair: Sequence[Levels], named: Sequence[Sequence[dict[str, str]]]) -> bool:
    """Return whether a pair is among pairs that are named by some of their levels."""
    return any(
        all(set(levels.items()) <= set(at) for at, levels in zip(order, one, strict=True))
        for one in named
        for order in (tuple(pair), tuple(reversed(pair)))
    )


def timed_another(row: Record) -> bool:
    digests = (
        [row["correctness"][name] for name in ("checked_digest", "timed_digest")] if row["correctness"] else [None]
    )
    return row["mode"] == "hot" and row["status"] == "ok" and None not in digests and digests[0] != digests[1]


def part_of(held: Interval, part: str) -> float:
    centre, reach = held
    if part == "value":
        return math.exp(centre)
    if reach is None:
        raise ValueError("one repeat has no interval")
    if part == "half_width":
        return reach
    return math.exp(centre - reach if part == "low" else centre + reach)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:-1], sys.argv[-1]))
