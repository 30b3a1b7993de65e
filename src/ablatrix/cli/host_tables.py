"""Effects over hosts in the terminal: on how many, how much they differ, and which of them do."""

from ablatrix.analysis.effects import MAIN, Effect, Evidence, measured_text, odd_text
from ablatrix.cli.effect_cells import KNOB, Table, by_unit
from ablatrix.cli.screen_tables import p_value_text
from ablatrix.cli.tables import Column

HOST_COLUMNS = (
    Column("knob", comfort=KNOB),
    Column("ratio [95 % interval]", whole=True),
    Column("hosts", whole=True),
    Column("tau", whole=True),
    Column("p (Holm)", rank=1, whole=True),
    Column("disagree", comfort=15),
)


def host_table(one: Evidence, *, every: bool) -> Table | None:
    """Return host x knob of each main effect and level around a centre; unless all are wanted, where hosts differ."""
    rows = []
    for effect, held, judgement in one.on_hosts:
        if effect.kind not in MAIN or not (every or judgement.differs):
            continue
        tau = held.tau_percent
        tested = p_value_text(judgement.p_holm) if judgement.p_holm is not None else ""
        row = [
            f"{effect.knob}: {effect.base_level} -> {effect.level}",
            measured_text(effect.ratio, effect.exact),
            str(len(held.names)),
            "" if tau is None else f"{tau:.2g} %",
            tested if held.is_tested else "one block a host",
            odd_text(judgement.odd),
        ]
        rows.append((_unit(effect), row))
    title = "host x knob; tau: how far the true effect differs between hosts (standard deviation)"
    return (title, HOST_COLUMNS, by_unit(rows)) if rows else None


def host_line(one: Evidence) -> str | None:
    """Return in one line what a metric's effects are over; None where they are of one host."""
    held = [(effect, on, judgement) for effect, on, judgement in one.on_hosts if effect.kind in MAIN]
    if not held:
        return None
    hosts = sorted({len(on.names) for _, on, _ in held})
    several = str(hosts[0]) if len(hosts) == 1 else f"{hosts[0]} to {hosts[-1]}"
    known = [on.tau_percent for _, on, _ in held if on.tau_percent is not None]
    tau = f", tau up to {max(known):.2g} %" if known else ""
    differ = sum(judgement.differs for *_, judgement in held)
    tested = sum(on.is_tested for _, on, _ in held)
    said = f"{differ} of {tested} effects differ between hosts" if tested else "one block a host: not tested"
    return f"on {several} hosts{tau}; host x knob: {said}"


def _unit(effect: Effect) -> str:
    return ", ".join([f"{effect.workload} on {effect.compiler}", effect.stage, *map(str, effect.origin)])
