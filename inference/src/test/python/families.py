"""Makes tiny random models of each family with transformers, for TransformersParityCheck to compare with; and reads back what it saved.

    python inference/src/test/python/families.py make FOLDER
    mvn -pl inference test -Dtest=TransformersParityCheck -Dballast.parity=FOLDER
    python inference/src/test/python/families.py verify FOLDER

Needs torch, transformers, safetensors; seen with transformers 5.23.0.
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

TOKENS = 24
SHAPE = dict(vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=64, bos_token_id=1, eos_token_id=[2, 3], pad_token_id=0)
ROPES = {
    "linear": dict(rope_type="linear", factor=4.0, rope_theta=10000.0),
    "dynamic": dict(rope_type="dynamic", factor=4.0, rope_theta=10000.0),
    "llama3": dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32, rope_theta=10000.0),
    "yarn": dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, rope_theta=10000.0),
}
MODELS = {
    "llama": ("Llama", {}),
    "llama-tied-biased": ("Llama", dict(tie_word_embeddings=True, attention_bias=True)),
    **{f"llama-{name}": ("Llama", dict(rope_parameters=rope)) for name, rope in ROPES.items()},
    "mistral": ("Mistral", dict(sliding_window=32)),
    "mistral-head-dim": ("Mistral", dict(head_dim=12, sliding_window=None)),
    "qwen2": ("Qwen2", dict(tie_word_embeddings=True)),
    "qwen2-yarn": ("Qwen2", dict(rope_parameters=ROPES["yarn"])),
    "qwen3": ("Qwen3", dict(head_dim=16)),
    "gemma": ("Gemma", dict(head_dim=16, num_key_value_heads=1)),
}


def randomise(model):
    """Weights large enough that every part matters, norms and biases included."""
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            centre = 1.0 if "norm" in name and "Gemma" not in type(model).__name__ else 0.0
            weight.data.normal_(centre, 0.2)
        else:
            weight.data.normal_(0, weight.shape[-1] ** -0.5)


def make(folder):
    for index, (name, (family, settings)) in enumerate(MODELS.items()):
        torch.manual_seed(index)
        config = getattr(transformers, family + "Config")(**{**SHAPE, **settings})
        ids = torch.randint(4, SHAPE["vocab_size"], (2, TOKENS))
        causal = getattr(transformers, family + "ForCausalLM")(config).float().eval()
        randomise(causal)
        target = folder / name
        causal.save_pretrained(target, max_shard_size="30KB" if name == "llama" else "5GB")
        with torch.no_grad():
            logits = causal(ids).logits
        save_file({"tokens": ids.float(), "logits": logits.contiguous()}, target / "expected.safetensors")
        config.num_labels = 3
        scorer = getattr(transformers, family + "ForSequenceClassification")(config).float().eval()
        randomise(scorer)
        target = folder / (name + "-classifier")
        scorer.save_pretrained(target)
        with torch.no_grad():
            logits = scorer(ids).logits
        save_file({"tokens": ids.float(), "scores": logits.contiguous()}, target / "expected.safetensors")
    print(f"{2 * len(MODELS)} models in {folder}")


def verify(folder):
    worst = 0.0
    for saved in sorted(folder.glob("*/saved")):
        expected = load_file(saved.parent / "expected.safetensors")
        model, info = transformers.AutoModelForCausalLM.from_pretrained(saved, dtype=torch.float32, output_loading_info=True)
        assert not info["missing_keys"] and not info["unexpected_keys"], (saved, info)
        with torch.no_grad():
            gap = (model.eval()(expected["tokens"].long()).logits - expected["logits"]).abs().max().item()
        print(f"{saved.parent.name:24} {type(model).__name__:20} {gap:.1e}")
        worst = max(worst, gap)
    assert worst < 1e-4, worst
    print(f"largest difference {worst:.1e}")


if __name__ == "__main__":
    {"make": make, "verify": verify}[sys.argv[1]](pathlib.Path(sys.argv[2]))
