"""The knobs that vary, with their levels and the baseline's, and where the baselines are not as compilers ship."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from ablatrix.analysis.groups import PLAN, StagePlan, departures_of, knob_order
from ablatrix.paper.fragment import Fragment, Name, Term, listed, say
from ablatrix.paper.number import WHOLE
from ablatrix.paper.sentences.fastest import knob_at
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.provenance.keys import key_part

KNOBS, OWN_KNOBS, LEVELS = 5, 12, 4
"""Knobs that are named; that are named by compiler, where each has its own; levels of a knob that are listed. Of more,
the numbers and the table."""
SWITCHED = ("on", "off")
_NUMBERED = {1: "/one", 2: "/two"}
"""How phrases on one knob and on two end; on more, they end in nothing."""

Levels = Mapping[str, Sequence[str]]


def knobs(sources: Sources) -> Written:
    """The knobs that vary, with their levels, the baseline's first."""
    varied = _varied(sources)
    found: dict[str, dict[str, None]] = {}
    for own in varied.values():
        for knob, levels in own.items():
            found.setdefault(knob, {}).update(dict.fromkeys(levels))
    order = [knob for knob in knob_order(sources.findings.trials) if knob in found]
    if not order:
        yield LeftOut("knobs", say("lacks/varied"))
        return
    addresses = _addresses(sources)
    count = sources.ledger.constant("setup/knobs", len(order), "knobs of the records with more than one level", WHOLE)
    compilers = listed(sources.compiler(name) for name in sources.estimates.compilers)
    slots: dict[str, Fragment]
    is_own = len(varied) > 1 and all(sum(knob in own for own in varied.values()) == 1 for knob in order)
    see = sources.see("setup", "levels_in")
    items: Fragment
    if is_own and len(order) <= OWN_KNOBS and see != Name(""):
        items = listed((_of_compiler(sources, *one, addresses) for one in varied.items()), "clauses")
        yield Sentence(
            "knobs", say("setup/knobs_own", count=count, knobs=items, design=_design(sources, is_own), see=see)
        )
    elif len(order) > KNOBS:
        slots = {"count": count, "compilers": compilers, "design": _design(sources, is_own)}
        yield Sentence("knobs", say("setup/many_knobs", see=sources.see("setup", "at_end"), **slots))
    else:
        bases = {knob: _bases(sources, knob) for knob in order}
        is_one = len(sources.estimates.compilers) == 1
        slots = {"but": _exceptions(sources, bases)}
        slots["of"] = say("setup/of", compilers=compilers) if is_one else Name("")
        crossed = [knob for knob in _crossed(sources) if knob in found]
        parts = [crossed, [knob for knob in order if knob not in crossed]] if crossed else [order]
        held = [_with_levels(sources, {knob: list(found[knob]) for knob in part}, bases, addresses) for part in parts]
        if crossed:
            slots |= {"count": count, "crossed": held[0], "single": held[1], "centre": _starting_from(sources)}
            yield Sentence("knobs", say("setup/knobs_of_stages", **slots))
        elif len(order) > 1:
            slots |= {"count": count, "knobs": held[0], "design": _design(sources, is_own)}
            yield Sentence("knobs", say("setup/knobs", **slots))
        else:
            yield Sentence("knobs", say("setup/knobs/one", knobs=held[0], **slots))


def _varied(sources: Sources) -> Mapping[str, Levels]:
    """Return the knobs that vary on each compiler, with their levels, in the order in which records have them."""
    order = [knob for knob in knob_order(sources.findings.trials) if f"knob_{knob}" in sources.trials.columns]
    measured = sources.trials.lazy().filter(pl.col("role") == "measured")
    seen = measured.select("compiler", *(f"knob_{knob}" for knob in order)).unique().collect()
    found: dict[str, dict[str, list[str]]] = {}
    for compiler in sources.estimates.compilers:
        own = seen.filter(pl.col("compiler") == compiler)
        for knob in order:
            levels = own[f"knob_{knob}"].drop_nulls().unique().sort()
            if levels.len() > 1:
                found.setdefault(compiler, {})[knob] = list(map(str, levels.to_list()))
    return found


def _plans(sources: Sources) -> Mapping[str, Mapping[int, StagePlan]]:
    """Return the stages of each compiler by their numbers; nothing of records that do not know their design."""
    if PLAN not in sources.findings.trials.columns:
        return {}
    told = sources.findings.trials.lazy().filter((pl.col("role") == "measured") & pl.col(PLAN).is_not_null())
    found: dict[str, dict[int, StagePlan]] = {}
    for compiler, text in told.select("compiler", PLAN).unique().collect().sort("compiler", PLAN).iter_rows():
        plan = StagePlan.read(text)
        found.setdefault(str(compiler), {})[plan.number] = plan
    return found


def _design(sources: Sources, is_own: bool) -> Fragment:
    """Return how knobs are varied, where each compiler has one stage and all are of one kind; else nothing."""
    plans = _plans(sources)
    kinds = {plan.kind for stages in plans.values() for plan in stages.values()}
    if len(kinds) != 1 or kinds == {"screen"} or any(len(stages) != 1 for stages in plans.values()):
        return Name("")
    return say(f"setup/design/{kinds.pop()}/each" if is_own else f"setup/design/{kinds.pop()}")


def _crossed(sources: Sources) -> list[str]:
    """Return the knobs of a factorial, where one stage more varies others one at a time; else none."""
    plans = [stages[number] for stages in _plans(sources).values() for number in sorted(stages)]
    crossed = dict.fromkeys(knob for plan in plans if plan.kind == "factorial" for knob in plan.levels)
    single = {knob for plan in plans if plan.kind == "around" for knob in plan.levels}
    kinds = {plan.number: plan.kind for plan in plans}
    if not single or single & crossed.keys() or sorted(kinds.values()) != ["around", "factorial"]:
        return []
    return list(crossed)


def _starting_from(sources: Sources) -> Fragment:
    """Return from which configuration knobs are varied one at a time, where all compilers share it and it is short."""
    crossed = _crossed(sources)
    moves = {
        tuple((knob, level) for knob, level in plan.centre.items() if knob in crossed)
        for stages in _plans(sources).values()
        for plan in stages.values()
        if plan.kind == "around"
    }
    bases = {knob: _base(_bases(sources, knob)) for knob in crossed}
    if len(moves) != 1:
        return Name("")
    found = dict(moves.pop())
    moved = [(knob, found[knob]) for knob in crossed if found.get(knob, bases[knob]) != bases[knob]]
    if not moved:
        return say("setup/starting_from", centre=say("centre/baseline"))
    named = say("centre/named", moves=listed(knob_at(sources, *move) for move in moved))
    return say("setup/starting_from", centre=named)


def _addresses(sources: Sources) -> Mapping[tuple[str, str], str]:
    """Return what each setting that is a knob is called by its compiler: by compiler and knob."""
    if "settings" not in sources.findings.trials.columns:
        return {}
    told = (
        sources.findings.trials.lazy().filter(pl.col("settings").is_not_null()).select("compiler", "settings").unique()
    )
    return {
        (str(compiler), knob): address.partition(":")[2]
        for compiler, text in told.collect().sort("compiler", "settings").iter_rows()
        for knob, address in json.loads(text).items()
    }


def _bases(sources: Sources, knob: str) -> Mapping[str, str]:
    """Return the baseline's level of a knob by compiler."""
    units = [unit for unit in sources.estimates.units.values() if knob in unit.baseline]
    return {unit.compiler: unit.baseline[knob] for unit in units}


def _base(bases: Mapping[str, str]) -> str:
    """Return the level that most compilers have in their baselines; of several the first by name."""
    counts = Counter(bases.values())
    return min(counts, key=lambda level: (-counts[level], level))


def _with_levels(
    sources: Sources,
    levels: Levels,
    bases: Mapping[str, Mapping[str, str]],
    addresses: Mapping[tuple[str, str], str],
) -> Fragment:
    """Return knobs with their levels; neighbours that have the same ones, with those behind the last of them."""
    order = list(levels)
    called = {knob: _in_order(own, _base(bases[knob])) for knob, own in levels.items()}
    texts = {knob: [sources.level(knob, at) for at in own] for knob, own in called.items()}
    code = {knob: next((held for (_, name), held in addresses.items() if name == knob), None) for knob in order}
    items: list[Fragment] = []
    is_shared = False
    for knob, after in zip(order, [*order[1:], None], strict=True):
        named, address = sources.knob(knob), code[knob]
        if after is not None and texts[after] == texts[knob] and address is None and code[after] is None:
            items.append(named)
            is_shared = True
            continue
        choice = _choice(sources, knob, texts[knob])
        if address is not None:
            choice = say("setup/address_and", address=Name(address, is_code=True), levels=choice)
        items.append(say("setup/knobs_alike" if is_shared else "setup/knob", knob=named, levels=choice))
        is_shared = False
    return listed(items)


def _of_compiler(sources: Sources, compiler: str, levels: Levels, addresses: Mapping[tuple[str, str], str]) -> Fragment:
    """Return the knobs of a compiler that no other one has, each with what the compiler calls it."""
    items: list[Fragment] = []
    for knob in levels:
        address, called = addresses.get((compiler, knob)), sources.knob(knob)
        code = Name(address or "", is_code=True)
        items.append(say("setup/knob", knob=called, levels=code) if address else called)
    return say("setup/knobs_with", compiler=sources.compiler(compiler), knobs=listed(items))


def _choice(sources: Sources, knob: str, called: Sequence[Term]) -> Fragment:
    """Return the levels of a knob, the baseline's first; of many, how many there are and the first and the last."""
    if len(called) > LEVELS:
        count = sources.ledger.constant(f"setup/levels/{key_part(knob)}", len(called), f"levels of {knob}", WHOLE)
        return say("setup/levels", count=count, least=called[0], most=called[-1])
    return say("either", one=called[0], other=called[1]) if len(called) == 2 else listed(called, "items")


def _in_order(levels: Sequence[str], base: str) -> list[str]:
    def rank(level: str) -> tuple[bool, float, str]:
        return level != base, float(level) if level.isdigit() else 0.0, level

    return sorted(levels, key=rank)


def _exceptions(sources: Sources, bases: Mapping[str, Mapping[str, str]]) -> Fragment:
    """Return which compilers have other baselines than the level that is listed first."""
    others: list[Fragment] = []
    for knob, by_compiler in bases.items():
        by_level: dict[str, list[str]] = {}
        for compiler, level in by_compiler.items():
            by_level.setdefault(level, []).append(compiler)
        for level, compilers in by_level.items():
            if level != _base(by_compiler):
                named = listed(sources.compiler(one) for one in compilers)
                slots: dict[str, Fragment] = {"knob": sources.knob(knob), "level": sources.level(knob, level)}
                others.append(say("setup/base_of", compilers=named, **slots))
    return say("setup/but", exceptions=listed(others, "parallel")) if others else Name("")


def departures(sources: Sources) -> Written:
    """Where the baselines are not as their compilers ship."""
    baselines: dict[str, dict[str, str]] = {}
    for unit in sources.estimates.units.values():
        baselines.setdefault(unit.compiler, {}).update(unit.baseline)
    alike: dict[tuple[str, str, str], list[str]] = {}
    for compiler, shipped in departures_of(sources.findings.trials).items():
        for knob, level in shipped.items():
            if compiler in baselines:
                alike.setdefault((knob, baselines[compiler][knob], level), []).append(compiler)
    if alike:
        items = list(_departures(sources, alike, tuple(baselines)))
        phrase = "setup/departures" if len(alike) > 1 else "setup/departures/one"
        yield Sentence("departures", say(phrase, departures=listed(items, "series" if len(items) > 2 else "parallel")))


def _departures(
    sources: Sources, alike: Mapping[tuple[str, str, str], Sequence[str]], every: Sequence[str]
) -> Iterator[Fragment]:
    """Yield what is not as shipped: what is switched off, or on, on the same compilers together."""
    switched: dict[tuple[str, tuple[str, ...]], list[tuple[str, str]]] = {}
    for (knob, level, _), compilers in alike.items():
        if sources.level(knob, level).texts["en"] in SWITCHED:
            key = sources.level(knob, level).texts["en"], tuple(compilers)
            switched.setdefault(key, []).append((knob, level))
    for (_, compilers), held in switched.items():
        slots: dict[str, Fragment] = {"knobs": listed(sources.knob(knob) for knob, _ in held)}
        slots |= {"level": sources.level(*held[0]), "on": _on(sources, compilers, every)}
        yield say(f"setup/departure/switched{_NUMBERED.get(len(held), '')}", **slots)
    for (knob, level, shipped), compilers in alike.items():
        if sources.level(knob, level).texts["en"] not in SWITCHED:
            slots = {"level": sources.level(knob, level), "shipped": sources.level(knob, shipped)}
            yield say("setup/departure", knob=sources.knob(knob), on=_on(sources, compilers, every), **slots)


def _on(sources: Sources, compilers: Sequence[str], every: Sequence[str]) -> Fragment:
    """Return on which compilers; nothing of the only one."""
    if len(every) == 1:
        return Name("")
    if len(compilers) == len(every):
        return say("setup/departure/everywhere")
    return say("setup/departure/on", compilers=listed(sources.compiler(one) for one in compilers))
