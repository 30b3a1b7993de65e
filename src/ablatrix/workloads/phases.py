"""The two phases of a model that generates text, as pure functions: a whole prompt, and one token behind it.

``prefill`` takes a prompt of ``context`` tokens and returns the scores of the token that follows, and the keys and
values of every layer. ``decode`` takes one token with the keys and values of ``context`` tokens before it, and returns
the scores of the next one, and the token's own keys and values. Nothing is written in place: whoever runs the step
keeps the cache. Its slots may be in any order, as a mask says which of them hold a token, and keys carry their
position.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from transformers.cache_utils import Cache, CacheLayerMixin

from ablatrix.errors import WorkloadError
from ablatrix.records.tokens import TokenFacts
from ablatrix.workloads.built import Built, generator
from ablatrix.workloads.generation import CacheLayout, Prompted, put_tokens

FULL, SLIDING = "full_attention", "sliding_attention"
CHECKED_TOKENS = 32
SHORT = 2  # tokens of the prompt that shows the shapes of keys and values
EXPERTS_A_TOKEN = ("num_experts_per_tok", "moe_topk", "top_k_experts")


@dataclass(frozen=True)
class Phase:
    """Which phase, and its sizes.

    Attributes:
        context: Tokens of the prompt, or tokens in the cache of a decode step.
        batch: Sequences handled together.
        check_tokens: Tokens that the check of ``decode`` generates, the prompt's first one included; 0: none.
    """

    name: Literal["prefill", "decode"]
    context: int
    batch: int
    check_tokens: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Phase | None:
        """Return the phase that a workload's parameters name; None where they name none.

        Raises:
            WorkloadError: ``check_tokens`` is given for ``prefill``, or does not fit the context.
        """
        name = parameters.get("phase")
        if name is None:
            return None
        context, checked = int(parameters["context"]), parameters.get("check_tokens")
        if name == "prefill" and checked is not None:
            raise WorkloadError("'check_tokens' is of phase decode, which generates them; leave it out")
        if checked is not None and checked > context:
            raise WorkloadError(
                f"check_tokens <= context must hold, as the tokens lie in the cache, but got {checked} > {context}"
            )
        most = min(CHECKED_TOKENS, context) if checked is None else int(checked)
        return cls(name, context, int(parameters.get("batch", 1)), most)


class StepLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values of one layer: those before, which are read, and the step's own, which are kept apart."""

    def __init__(self, past: tuple[torch.Tensor, torch.Tensor] | None, is_sliding: bool) -> None:
        super().__init__()
        self.past = past
        self.is_sliding = is_sliding
        self.is_initialized = True

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing is allocated: the past is an input."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep the step's own keys and values; return them behind those before."""
        self.keys, self.values = key_states, value_states
        if self.past is None:
            return key_states, value_states
        return torch.cat((self.past[0], key_states), -2), torch.cat((self.past[1], value_states), -2)

    def get_seq_length(self) -> int:
        """Return the number of tokens before."""
        return 0 if self.past is None else int(self.past[0].shape[-2])

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many tokens are attended to, and where the first of them is."""
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        """Return that there is no bound."""
        return -1


class Prefill(nn.Module):  # type: ignore[misc]
    """Token ids of a prompt in; scores of the token that follows, and keys and values of every layer out."""

    def __init__(self, model: nn.Module, layers: Sequence[str], window: int) -> None:
        super().__init__()
        self.model = model
        self.layers = tuple(layers)
        self.window = window

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map [batch, context] ids to [batch, 1, vocabulary] scores, and keys and values layer by layer.

        A layer with a sliding window keeps those of the last tokens alone, one fewer than its window.
        """
        cache = Cache(layers=[StepLayer(None, one == SLIDING) for one in self.layers])
        scores = _scores(self.model, input_ids=ids, past_key_values=cache)
        states = [
            state[:, :, -(self.window - 1) :] if layer.is_sliding else state
            for layer in cache.layers
            for state in (layer.keys, layer.values)
        ]
        return scores, *states


class Decode(nn.Module):  # type: ignore[misc]
    """One token, its position, masks and the cache in; scores of the next token and the token's keys and values out."""

    def __init__(self, model: nn.Module, layers: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.layers = tuple(layers)
        self.kinds = tuple(dict.fromkeys(layers))

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, *rest: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map [batch, 1] ids and positions to scores and to keys and values of one token.

        Args:
            ids: The token.
            positions: How many tokens are before it.
            rest: An additive mask for each kind of attention, [batch, 1, 1, slots + 1], then keys and values of each
                layer, [batch, heads, slots, width].
        """
        masks, past = rest[: len(self.kinds)], rest[len(self.kinds) :]
        pairs = zip(past[::2], past[1::2], strict=True)
        cache = Cache(layers=[StepLayer(pair, one == SLIDING) for pair, one in zip(pairs, self.layers, strict=True)])
        mask = masks[0] if len(masks) == 1 else dict(zip(self.kinds, masks, strict=True))
        scores = _scores(self.model, input_ids=ids, position_ids=positions, attention_mask=mask, past_key_values=cache)
        return scores, *(state for layer in cache.layers for state in (layer.keys, layer.values))


def build_phase(model: nn.Module, phase: Phase) -> Built:
    """Return one phase of a causal model of transformers as a workload.

    Args:
        model: In eval mode, with seeded weights: both phases of one model have the same.
        phase: Which, and its sizes.

    Raises:
        WorkloadError: The model keeps anything but keys and values between tokens.
    """
    config = model.config.get_text_config(decoder=True)
    layers, window = _layers(config)
    prefill = Prefill(model, layers, window)
    states = _states(prefill, phase.batch)
    slots = [min(phase.context, window - 1) if kind == SLIDING else phase.context for kind in layers for _ in range(2)]
    shapes = [(*one.shape[:2], size, one.shape[3]) for one, size in zip(states, slots, strict=True)]
    facts = TokenFacts(
        phase=phase.name,
        context=phase.context,
        batch=phase.batch,
        tokens=phase.batch * (phase.context if phase.name == "prefill" else 1),
        weight_bytes=_weight_bytes(model, config),
        cache_bytes=sum(torch.Size(shape).numel() * torch.float32.itemsize for shape in shapes),
    )

    if phase.name == "prefill":

        def make_prompt(seed: int, _: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
            return (_prompt(phase, config.vocab_size, seed, phase.context),)

        return Built(prefill, make_prompt, ("ids",), tokens=facts)
    return _build_decode(prefill, phase, shapes, facts, config.vocab_size)


def _build_decode(
    prefill: Prefill, phase: Phase, shapes: Sequence[tuple[int, ...]], facts: TokenFacts, vocabulary: int
) -> Built:
    """Return the decode step of a model.

    Args:
        prefill: The same model's prefill.
        phase: The sizes.
        shapes: Of the tensors of the cache.
        facts: The tokens of a run.
        vocabulary: Distinct token ids.
    """
    layers, kinds = prefill.layers, tuple(dict.fromkeys(prefill.layers))
    layout = CacheLayout(tuple(kinds.index(kind) for kind in layers for _ in range(2)), len(kinds))

    def empty(random: torch.Generator) -> list[torch.Tensor]:
        """Return the inputs with an empty cache, whose slots hold what must not be read."""
        past = [torch.randn(shape, generator=random) for shape in shapes]
        return layout.empty_inputs(phase.batch, past)

    def make_inputs(seed: int, _: Mapping[str, int], filled: int | None = None) -> tuple[torch.Tensor, ...]:
        random = generator(seed)
        inputs = empty(random)
        count = int(torch.randint(1, phase.context + 1, (1,), generator=random)) if filled is None else filled
        ids = torch.randint(vocabulary, (phase.batch, 1), generator=random)
        return tuple(layout.open_slots(inputs, ids, count))

    def start() -> Prompted:
        """Return the inputs of the first step behind a prompt, which leaves room for all steps."""
        tokens = phase.context - phase.check_tokens + 2
        with torch.no_grad():
            scores, *made = prefill(_prompt(phase, vocabulary, 0, tokens))
        inputs = put_tokens(layout, empty(generator(0)), made, tokens)
        return Prompted(tuple(layout.open_slots(inputs, scores[:, -1].argmax(-1, keepdim=True), tokens)), layout)

    return Built(
        Decode(prefill.model, layers),
        make_inputs,
        ("ids", "positions", *(_mask_name(kind, kinds) for kind in kinds), *_state_names(len(layers))),
        own_inputs=make_inputs(0, {}, phase.context),  # what is timed reads a full cache
        tokens=facts,
        prompted=(phase.check_tokens - 1, start) if phase.check_tokens > 1 else None,
    )


def _prompt(phase: Phase, vocabulary: int, seed: int, tokens: int) -> torch.Tensor:
    return torch.randint(vocabulary, (phase.batch, tokens), generator=generator(seed))


def _scores(model: nn.Module, **inputs: Any) -> torch.Tensor:
    """Return the scores behind the last token: of a prompt no others are asked for."""
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        inputs["logits_to_keep"] = 1
    scores: torch.Tensor = model(**inputs, use_cache=True).logits
    return scores[:, -1:]


def _layers(config: Any) -> tuple[list[str], int]:
    """Return the kind of attention of each layer, and the window of those that have one.

    Raises:
        WorkloadError: It is not causal, or a layer has neither full nor sliding attention.
    """
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        slides = window is not None and getattr(config, "use_sliding_window", True)
        kinds = [SLIDING if slides else FULL] * config.num_hidden_layers
    if not getattr(config, "is_decoder", True):
        raise WorkloadError("its tokens attend to later ones, too; is_decoder=true makes it causal")
    others = sorted(set(kinds) - {FULL, SLIDING})
    if others:
        raise WorkloadError(f"its layers are {', '.join(others)}, which keep more than keys and values; {CAUSAL}")
    if SLIDING in kinds and (window is None or window <= SHORT):
        raise WorkloadError(f"its sliding window must be larger than {SHORT} tokens, but it is {window}")
    return list(kinds), window or 0


CAUSAL = "a phase is of causal models with keys and values in every layer, such as llama, mistral, mixtral, deepseek_v3"


def _states(prefill: Prefill, batch: int) -> list[torch.Tensor]:
    """Return keys and values of a short prompt.

    Raises:
        WorkloadError: The model does not keep them in the cache that it is given.
    """
    try:
        with torch.no_grad():
            outputs: tuple[torch.Tensor, ...] = prefill(torch.zeros((batch, SHORT), dtype=torch.int64))
    except (TypeError, AttributeError, NotImplementedError, IndexError) as error:
        raise WorkloadError(
            f"it takes no cache of keys and values: {type(error).__name__}: {error}; {CAUSAL}"
        ) from error
    if any(one is None for one in outputs):
        raise WorkloadError(f"not every layer keeps keys and values; {CAUSAL}")
    return list(outputs[1:])


def _state_names(layers: int) -> list[str]:
    return [f"past_{what}_{layer}" for layer in range(layers) for what in ("keys", "values")]


def _mask_name(kind: str, kinds: Sequence[str]) -> str:
    return "mask" if len(kinds) == 1 else f"mask_{kind.removesuffix('_attention')}"


def _weight_bytes(model: nn.Module, config: Any) -> int:
    """Return the bytes of the weights that any run must read, whatever its tokens are.

    Of a table that is only looked up that is one row, and of a layer's experts as many as one token takes.
    """
    head = model.get_output_embeddings()
    tables = {id(one.weight) for one in model.modules() if isinstance(one, nn.Embedding)}
    tables -= {id(getattr(head, "weight", None))}
    taken = next((getattr(config, name) for name in EXPERTS_A_TOKEN if hasattr(config, name)), 1)
    experts = {
        id(weight): taken / len(weight)
        for one in model.modules()
        for weight in one.parameters(recurse=False)
        if weight.dim() == 3 and getattr(one, "num_experts", None) == len(weight)
    }
    total = 0.0
    for weight in model.parameters():
        share = 1 / len(weight) if id(weight) in tables else min(1.0, experts.get(id(weight), 1.0))
        total += weight.numel() * weight.element_size() * share
    return round(total)


def with_room(config: Any, names: Sequence[str], phase: Phase) -> Any:
    """Return a configuration whose bounds on positions, where it has any, hold a context and one token more."""
    for name in names:
        if getattr(config, name, None) is not None and getattr(config, name) <= phase.context:
            setattr(config, name, phase.context + 1)
    return config
