"""Ten architectures of transformers at tiny sizes: which compiler takes which.

Each is a source as studies write it, so that any of them can be studied further.
"""

ARCHITECTURES: dict[str, str] = {
    "bert": "hf:bert?layers=2&hidden=32&heads=4&intermediate=64&vocabulary=128&tokens=16",
    "llama": "hf:llama?layers=2&hidden=32&heads=4&groups=2&intermediate=64&vocabulary=128&tokens=16",
    "gpt2": "hf:gpt2?layers=2&hidden=32&heads=4&vocabulary=128&tokens=16",
    "qwen2": "hf:qwen2?layers=2&hidden=32&heads=4&groups=2&intermediate=64&vocabulary=128&tokens=16",
    "vit": "hf:vit?layers=2&hidden=32&heads=4&intermediate=64&image=32&patch_size=8",
    "resnet-10": "hf:resnet?embedding_size=8&hidden_sizes=8,16,16,16&depths=1,1,1,1&layer_type=basic&image=32",
    "t5": "hf:t5?layers=2&hidden=32&heads=4&intermediate=64&vocabulary=128&tokens=16&decoder_tokens=8",
    "whisper": (
        "hf:whisper?layers=2&hidden=32&heads=4&intermediate=64&decoder_layers=1&decoder_attention_heads=4"
        "&vocabulary=128&max_source_positions=16&num_mel_bins=16&pad_token_id=0&bos_token_id=1&eos_token_id=2"
    ),
    "mobilenet_v2": "hf:mobilenet_v2?depth_multiplier=0.25&image=32",
    "mamba": "hf:mamba?layers=2&hidden=16&state_size=4&vocabulary=128&tokens=8",
}
