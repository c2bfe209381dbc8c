"""Asks transformers what a GGUF model says, for GgufParityCheck to compare with.

    python inference/src/test/python/gguf_model.py MODEL.gguf TEXTS.jsonl.gz FOLDER
    mvn -pl inference test -Dtest=GgufParityCheck -Dballast.parity=FOLDER

TEXTS has one JSON object a line with the text under "text", "code" or "content". Needs torch, transformers, gguf, safetensors.
"""
import gzip
import json
import math
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = ["The capital of France is", "public static int max(int a, int b) {\n    return"]
TEXTS = 100
MOST_TOKENS = 256
CONVERSATIONS = [
    [{"role": "user", "content": "What is 2 + 2?"}],
    [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Hi  there"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "<b>\"é\"</b>\n"}],
]


def texts(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield next(row[key] for key in ("text", "code", "content") if key in row)


def main(gguf, corpus, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    tensors = {}
    cases = []
    with torch.no_grad():
        for index, prompt in enumerate(PROMPTS):
            ids = tokenizer(prompt, return_tensors="pt").input_ids
            tensors[f"logits.{index}"] = model(ids).logits[0].contiguous()
            greedy = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
            cases.append({"prompt": prompt, "ids": ids[0].tolist(), "greedy": greedy[0][ids.shape[1]:].tolist()})
        loss, count, encoded = 0.0, 0, []
        for text, _ in zip(texts(corpus), range(TEXTS)):
            ids = tokenizer(text).input_ids[:MOST_TOKENS]
            encoded.append({"text": text, "ids": ids})
            if len(ids) > 1:
                row = torch.tensor([ids])
                loss += torch.nn.functional.cross_entropy(model(row).logits[0, :-1], row[0, 1:], reduction="sum").item()
                count += len(ids) - 1
    save_file(tensors, folder / "expected.safetensors")
    chats = [{"messages": c, "with_prompt": tokenizer.apply_chat_template(c, tokenize=False, add_generation_prompt=True),
              "without": tokenizer.apply_chat_template(c, tokenize=False)} for c in CONVERSATIONS]
    (folder / "expected.json").write_text(json.dumps({
        "gguf": str(gguf.resolve()), "cases": cases, "texts": encoded, "perplexity": math.exp(loss / count), "predicted_tokens": count, "chats": chats}))
    print(f"perplexity {math.exp(loss / count):.4f} over {count} tokens of {len(encoded)} texts")


if __name__ == "__main__":
    main(*(pathlib.Path(argument) for argument in sys.argv[1:4]))
