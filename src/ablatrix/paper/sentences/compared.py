"""Compilers of one study beside each other: the best of each, and eager."""

from ablatrix.paper.fragment import listed, say
from ablatrix.paper.sentences.fastest import eager_time, levels_said, median_of
from ablatrix.paper.sentences.sentence import Sentence, Sources, Written
from ablatrix.provenance.units import Unit
from ablatrix.records.metrics import HOT_METRIC


def compilers_compared(sources: Sources) -> Written:
    """The fastest configuration of each compiler on a workload that several compile, the lowest first, and eager's.

    Compilers never share a block, so that medians are what there is to compare.
    """
    found = sources.findings.best(HOT_METRIC, "hot")
    by_workload: dict[tuple[str, str], list[Unit]] = {}
    for unit in sources.estimates.units.values():
        if "hot" in unit.ok and (unit.workload, unit.digest, unit.compiler) in found:
            by_workload.setdefault((unit.workload, unit.digest), []).append(unit)
    for units in by_workload.values():
        if len(units) < 2:
            continue
        bests = []
        for unit in units:
            levels, configuration = levels_said(unit, found[unit.workload, unit.digest, unit.compiler])
            bests.append((median_of(sources, unit, levels, "compared"), unit.compiler, configuration))
        bests.sort(key=lambda best: (best[0].value, best[1]))
        times = listed(
            say("compared_at", compiler=compiler, configuration=configuration, p50=p50)
            for p50, compiler, configuration in bests
        )
        eager = eager_time(sources, units[0], "compared/eager")
        said = say("compared", workload=units[0].label, times=times, reference=eager)
        yield Sentence(f"compared/{units[0].workload_key}", said)
