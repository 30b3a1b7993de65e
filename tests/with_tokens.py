"""Records of a model that generates text, in several contexts, that never ran."""

from collections.abc import Iterator, Sequence

from ablatrix.records.model import Record, TrialMachine
from ablatrix.records.tokens import MemorySpeed, TokenFacts
from tests.synthetic import make_records


def of_context(context: int, factor: float, name: str | None = None) -> Iterator[Record]:
    """Records of a workload whose times are those of the synthetic one, times a factor."""
    for one in make_records(workloads=["encoder"], modes=["hot"], blocks=2, noise=0.0):
        assert one.runtime is not None
        times = {
            field: value * factor
            for field, value in one.runtime.model_dump().items()
            if field.startswith("run_ms_") and value is not None
        }
        tokens = TokenFacts(
            phase="decode", context=context, batch=4, tokens=4, weight_bytes=6 << 20, cache_bytes=2 << 20
        )
        workload = one.workload.model_copy(
            update={
                "name": name or "decoder",
                "source": name and f"hf:llama?context={context}",
                "parameters": {"phase": "decode", "context": context, "layers": 2},
                "digest": f"d{context}",
                "tokens": tokens,
            }
        )
        machine = TrialMachine(
            **{**one.meta.machine.model_dump(), "memory_speed": MemorySpeed(bytes_per_s=8e9, last_cache_bytes=1 << 20)}
        )
        yield one.model_copy(
            update={
                "record_id": f"{one.record_id}-{context}",
                "trial_id": f"{one.trial_id}-{context}",
                "cell_id": f"{one.cell_id}-{context}",
                "block_id": f"{one.block_id}-{context}",
                "workload": workload,
                "runtime": one.runtime.model_copy(update=times),
                "meta": one.meta.model_copy(update={"machine": machine}),
            }
        )


def over_contexts(contexts: Sequence[int], named: bool = False) -> list[Record]:
    """Records of one model whose times are 1 + context / 512 of those of the synthetic one.

    Args:
        contexts: Tokens of each.
        named: Whether each context is a workload of its own name.
    """
    made = [of_context(context, 1 + context / 512, f"at-{context}" if named else None) for context in contexts]
    return [one for records in made for one in records]
