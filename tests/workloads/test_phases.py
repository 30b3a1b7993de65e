"""Prefill and decode: what they return, what they are worth as one model, and which models have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Built
from ablatrix.workloads.entry import WorkloadEntry
from ablatrix.workloads.generation import put_tokens, step_on
from ablatrix.workloads.parameters import build_workload, check_parameters, dynamic_dimensions
from ablatrix.workloads.prepare import describe, load_program, prepare, save_program
from ablatrix.workloads.program import Program
from ablatrix.workloads.shipped import SHIPPED
from ablatrix.workloads.source import read_source
from tests.workloads.toys import run_lowered

SIZES = "layers=2&hidden=16&heads=4&intermediate=16&vocabulary=32"
EXPERTS = f"{SIZES}&num_experts_per_tok=2"
LATENT = EXPERTS.replace("heads=4", "heads=2")
LLAMA = f"hf:llama?{SIZES}&groups=2"
MODELS = {
    "grouped queries": LLAMA,
    "learned positions": f"hf:gpt2?{SIZES}",
    "sliding window": f"hf:mistral?{SIZES}&groups=2&sliding_window=5",
    "sliding in some layers": f"hf:gemma2?{SIZES}&groups=2&sliding_window=5&query_pre_attn_scalar=4",
    "experts": f"hf:mixtral?{EXPERTS}&groups=2&num_local_experts=4",
    "experts beside a shared one": f"hf:qwen2_moe?{EXPERTS}&groups=2&num_experts=4&moe_intermediate_size=16"
    "&shared_expert_intermediate_size=16",
    "latent attention": f"hf:deepseek_v3?{LATENT}&n_routed_experts=4&n_group=2&topk_group=1&moe_intermediate_size=16"
    "&first_k_dense_replace=1&q_lora_rank=8&kv_lora_rank=8&qk_rope_head_dim=4&qk_nope_head_dim=4&v_head_dim=4",
}
TOY = {"layers": 2, "hidden": 16, "inner": 24, "heads": 4, "groups": 2, "vocabulary": 32}


def of_source(source: str, **parameters: int | str) -> WorkloadEntry:
    return read_source("model", source, parameters, Path())


def built(source: str, **parameters: int | str) -> Built:
    return build_workload(entry := of_source(source, **parameters), check_parameters(entry, parameters))


@pytest.fixture(scope="module")
def decode() -> Program:
    return prepare("decoder", {**TOY, "phase": "decode", "context": 6}, input_sets=2)


@pytest.mark.parametrize("source", MODELS.values(), ids=list(MODELS))
def test_decode_behind_prefill_scores_as_prefill_of_the_whole(source: str) -> None:
    made = built(source, phase="decode", context=9, batch=2)
    assert made.prompted is not None
    layout = made.prompted[1]().layout
    ids = torch.randint(32, (2, 9), generator=torch.Generator().manual_seed(3))
    shorter = built(source, phase="prefill", context=7, batch=2)
    with torch.no_grad():
        _, *states = shorter.module(ids[:, :7])
        inputs = put_tokens(
            layout, layout.empty_inputs(2, list(made.own_inputs or ())[layout.first_state :]), states, 7
        )
        inputs = layout.open_slots(inputs, ids[:, 7:8], 7)
        inputs = list(step_on(layout, inputs, made.module(*inputs), ids[:, 8:9]))
        scores = made.module(*inputs)[0]
        whole = built(source, phase="prefill", context=9, batch=2).module(ids)[0]
    torch.testing.assert_close(scores, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("sliding in some layers", "decode"),
        ("experts", "prefill"),
        ("latent attention", "decode"),
        pytest.param("sliding in some layers", "prefill", marks=pytest.mark.long),
        pytest.param("experts", "decode", marks=pytest.mark.long),
        pytest.param("latent attention", "prefill", marks=pytest.mark.long),
    ],
)
def test_phase_is_lowered_to_plain_operations_that_compute_the_same(kind: str, phase: str) -> None:
    program = prepare(of_source(MODELS[kind], phase=phase, context=6), input_sets=1)
    targets = {str(node.target) for node in program.lowered.graph.nodes if node.op == "call_function"}
    assert not {one for one in targets if not one.startswith(("aten.", "<built-in function getitem"))}
    [inputs] = program.input_sets
    for given, expected in zip(run_lowered(program, inputs.inputs), inputs.expected, strict=True):
        torch.testing.assert_close(given.double(), expected, rtol=1e-3, atol=1e-4)


def test_decode_takes_full_cache_when_timed_and_hides_rest_else(decode: Program) -> None:
    names = [one.name for one in decode.facts.inputs]
    assert names == ["ids", "positions", "mask", *(f"past_{what}_{i}" for i in range(2) for what in ("keys", "values"))]
    shapes = [one.shape for one in decode.facts.inputs]
    assert shapes[:4] == [[1, 1], [1, 1], [1, 1, 1, 7], [1, 2, 6, 4]]
    timed, further = decode.input_sets
    assert (int(timed.inputs[1]), timed.inputs[2].count_nonzero()) == (6, 0)
    filled = int(further.inputs[1])
    assert int(further.inputs[2].count_nonzero()) == 6 - filled
    assert [tuple(one.shape) for one in timed.expected] == [(1, 1, 32), *[(1, 2, 1, 4)] * 4]


def test_prefill_returns_last_scores_and_all_keys_and_values() -> None:
    facts = describe(SHIPPED["decoder"], {**TOY, "phase": "prefill", "context": 5, "batch": 3})
    assert [(one.name, one.shape) for one in facts.inputs] == [("ids", [3, 5])]
    made = built(LLAMA, phase="prefill", context=5, batch=3)
    with torch.no_grad():
        outputs = made.module(*made.make_inputs(0, {}))
    assert [tuple(one.shape) for one in outputs] == [(3, 1, 32), *[(3, 2, 5, 4)] * 4]


def test_window_bounds_cache_and_prefill_keeps_last_tokens() -> None:
    source = MODELS["sliding in some layers"]
    made = built(source, phase="decode", context=9)
    assert made.input_names[2:4] == ("mask_sliding", "mask_full")
    past = [one.shape[2] for one in made.make_inputs(0, {})[4:]]
    assert past == [4, 4, 9, 9]
    assert made.tokens is not None
    assert made.tokens.cache_bytes == sum(one.numel() * 4 for one in made.make_inputs(0, {})[4:])


def test_token_facts_count_tokens_and_bytes_that_any_run_reads(decode: Program) -> None:
    facts = decode.facts.tokens
    assert facts is not None
    assert (facts.phase, facts.context, facts.batch, facts.tokens) == ("decode", 6, 1, 1)
    assert facts.cache_bytes == 2 * 2 * (2 * 6 * 4) * 4  # layers, keys and values, elements, bytes
    table = 32 * 16
    assert facts.weight_bytes == 4 * (decode.facts.parameter_count - table + 16)
    experts = built(MODELS["experts"], phase="prefill", context=5, batch=3)
    assert experts.tokens is not None
    assert experts.tokens.tokens == 15
    weights = {name: one.numel() for name, one in experts.module.named_parameters()}
    of_experts = sum(count for name, count in weights.items() if ".experts." in name)
    assert experts.tokens.weight_bytes == 4 * (sum(weights.values()) - of_experts // 2 - table + 16)


def test_phases_of_one_model_have_the_same_weights() -> None:
    prefill, decode = (built(LLAMA, phase=phase, context=5).module for phase in ("prefill", "decode"))
    for one, other in zip(prefill.parameters(), decode.parameters(), strict=True):
        assert torch.equal(one, other)


def test_generation_survives_file_and_starts_behind_prompt(decode: Program, tmp_path: Path) -> None:
    save_program(decode, tmp_path)
    loaded = load_program(tmp_path).generation
    made = decode.generation
    assert made is not None
    assert loaded is not None
    assert made.steps == 5  # six tokens are generated, the first one by the prompt
    assert torch.equal(loaded.expected, made.expected)
    assert loaded.prompted.layout == made.prompted.layout
    assert int(made.prompted.inputs[1]) == 2
    assert torch.equal(made.scores.argmax(-1), made.expected)
    assert bool((made.errors > 0).all())


def test_workload_without_phase_is_as_before_there_was_one() -> None:
    sizes = check_parameters(SHIPPED["decoder"], {"layers": 2})
    assert not {"phase", "context", "check_tokens"} & sizes.keys()
    assert dynamic_dimensions(SHIPPED["decoder"], {"layers": 2}) == ("tokens",)
    assert dynamic_dimensions(SHIPPED["decoder"], {"phase": "decode"}) == ()
    assert describe(SHIPPED["decoder"], {**TOY, "tokens": 4}).tokens is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"phase": "both"}, r"'phase' must be one of \('prefill', 'decode'\), but got 'both'"),
        ({"phase": "decode", "context": 1}, "context >= 2 must hold, but got context=1"),
        ({"context": 8}, "'context' goes with 'phase'; give both"),
        ({"phase": "decode", "tokens": 8}, "'tokens' has no meaning beside 'phase'"),
    ],
)
def test_phase_parameter_that_breaks_rule_is_refused(given: dict[str, int | str], message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        check_parameters(SHIPPED["decoder"], given)
    with pytest.raises(WorkloadError, match=message):
        check_parameters(of_source(LLAMA, **given), given)


@pytest.mark.parametrize(
    ("source", "given", "message"),
    [
        ("hf:bert?layers=1&hidden=16&heads=2&intermediate=16&vocabulary=32", {}, "attend to later ones"),
        (f"hf:t5?{SIZES}", {}, "'t5' has no phase 'decode'"),
        ("hf:mamba?layers=1&hidden=16&state_size=4&vocabulary=32", {}, "keys and values"),
        (LLAMA, {"check_tokens": 9}, "check_tokens <= context must hold"),
        (LLAMA, {"check_tokens": 4, "phase": "prefill"}, "'check_tokens' is of phase decode"),
    ],
)
def test_model_or_size_without_phase_is_refused(source: str, given: dict[str, int | str], message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        built(source, **{"phase": "decode", "context": 8, **given})


@pytest.mark.parametrize(
    ("source", "names", "encoded"),
    [
        (f"hf:t5?{SIZES}&tokens=6&decoder_tokens=3", ("input_ids", "decoder_ids"), (1, 6, 16)),
        (
            f"hf:whisper?{SIZES}&max_source_positions=8&num_mel_bins=8&pad_token_id=0&bos_token_id=1&eos_token_id=2"
            "&decoder_tokens=3",
            ("input_features", "decoder_ids"),
            (1, 8, 16),
        ),
    ],
    ids=["t5", "whisper"],
)
def test_encoder_and_decoder_are_one_model_unless_the_encoder_is_asked_for(
    source: str, names: tuple[str, ...], encoded: tuple[int, ...]
) -> None:
    whole, encoder = built(source), built(source, part="encoder")
    assert (whole.input_names, encoder.input_names) == (names, names[:1])
    with torch.no_grad():
        assert tuple(whole.module(*whole.make_inputs(0, {})).shape) == (1, 3, 32)
        assert tuple(encoder.module(*encoder.make_inputs(0, {})).shape) == encoded


def test_part_of_model_without_decoder_is_refused() -> None:
    with pytest.raises(WorkloadError, match="'part' of architecture 'llama' is whole, as it has no decoder apart"):
        built(LLAMA, part="encoder")
