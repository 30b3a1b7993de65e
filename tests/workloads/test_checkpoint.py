"""Models of transformers: weights from a local directory, and inputs that follow from what a model takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.source import derive_name, read_source, seen_from

transformers = pytest.importorskip("transformers")
SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints")
    model = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=20, max_position_embeddings=12, **SIZES))
    model.save_pretrained(path / "tiny-bert")
    (path / "empty").mkdir()
    (path / "empty" / "config.json").write_text((path / "tiny-bert" / "config.json").read_text())
    return path


def test_checkpoint_has_its_head_and_its_weights(directory: Path) -> None:
    entry = read_source("bert", "hf:./tiny-bert?tokens=6&batch=2", {}, directory)
    program = prepare(entry, input_sets=2)
    (ids,) = program.input_sets[0].inputs
    assert ids.shape == (2, 6)
    model = transformers.BertForMaskedLM.from_pretrained(directory / "tiny-bert").eval().double()
    with torch.no_grad():
        wanted = model(ids).logits
    torch.testing.assert_close(program.input_sets[0].expected[0], wanted)
    assert program.facts.source == "hf:./tiny-bert?tokens=6&batch=2"
    assert program.facts.source_digest is not None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hf:./none", r"there is no .*none/config\.json.*never from the network.*hf download"),
        ("hf:google/bert_uncased_L-2_H-128_A-2", r"there is no .*config\.json"),
        ("hf:./empty", r"holds no weights as \*\.safetensors"),
        ("hf:./tiny-bert?layers=2", r"a checkpoint has no \['layers'\].*sizes of inputs are: batch, tokens"),
    ],
)
def test_checkpoint_that_is_not_there_or_has_no_such_size_is_refused(
    directory: Path, source: str, message: str
) -> None:
    with pytest.raises(WorkloadError, match=message):
        prepare(read_source("model", source, {}, directory))


def test_checkpoint_is_named_by_its_directory_and_seen_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert derive_name("hf:models/tiny-bert?tokens=4") == "tiny-bert"
    assert seen_from(tmp_path / "out" / "tvm", "hf:models/tiny?tokens=4") == "hf:../../models/tiny?tokens=4"
    assert seen_from(tmp_path, "hf:models/../tiny") == "hf:./tiny"
    assert seen_from(tmp_path / "out", "hf:bert?layers=2") == "hf:bert?layers=2"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (
            "hf:clip?hidden=16&layers=1&heads=2&intermediate=16&vocabulary=20&tokens=6&image=16&patch_size=8"
            "&projection_dim=8&eos_token_id=19",
            ["input_ids", "pixel_values"],
        ),
        (
            "hf:wav2vec2?hidden=16&layers=1&heads=2&intermediate=16&vocabulary=20&conv_dim=8,8&conv_kernel=10,3"
            "&conv_stride=5,2&num_feat_extract_layers=2&num_conv_pos_embeddings=4&num_conv_pos_embedding_groups=2"
            "&samples=200",
            ["input_values"],
        ),
        ("hf:distilbert?hidden=16&layers=1&heads=2&intermediate=16&vocabulary=20&tokens=6", ["input_ids"]),
    ],
    ids=["clip", "wav2vec2", "distilbert"],
)
def test_architecture_gets_the_inputs_that_it_takes(tmp_path: Path, source: str, names: list[str]) -> None:
    program = prepare(read_source("model", source, {}, tmp_path), input_sets=1)
    assert [one.name for one in program.facts.inputs] == names
    assert program.facts.parameter_count < 50_000
