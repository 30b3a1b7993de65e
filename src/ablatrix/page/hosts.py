"""Host x knob on the page: on how many hosts each effect is, how much they differ, and which of them do."""

from collections.abc import Sequence

from ablatrix.analysis.effects import MAIN, odd_text
from ablatrix.page.effects import MetricEffects, p_value_cell
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table


def hosts_table(metrics: Sequence[MetricEffects]) -> Table:
    """Return a row an effect that was measured on several hosts."""
    rows = []
    for one in metrics:
        for effect, held, judgement in one.on_hosts:
            if effect.kind not in MAIN:
                continue
            tau = held.tau_percent
            cells = [
                *(Shown(effect.workload), Shown(effect.compiler), Shown(effect.stage), Shown(one.title)),
                Shown(f"{effect.knob}: {effect.base_level} \N{RIGHTWARDS ARROW} {effect.level}"),
                Shown(f"{len(held.names)}", len(held.names)),
                Shown(f"{held.blocks}", held.blocks),
                EMPTY if tau is None else Shown(f"{tau:.2g} %", tau),
                p_value_cell(judgement.p_holm),
                Shown(odd_text(judgement.odd), tone="warn" if judgement.differs else ""),
            ]
            rows.append(Row(cells, {}))
    headings = [
        *(Heading("workload"), Heading("compiler"), Heading("stage"), Heading("metric")),
        Heading("knob", wide=True),
        *(Heading("hosts", True), Heading("blocks", True)),
        Heading("tau", True, "Standard deviation of the true effect between hosts"),
        Heading("p (Holm)", True, "Of the effect being the same on all hosts"),
        Heading("hosts that disagree", wide=True),
    ]
    return Table("hosts", "Host x knob: whether an effect is the same on every host", headings, rows).folded(
        "compiler", "stage"
    )
