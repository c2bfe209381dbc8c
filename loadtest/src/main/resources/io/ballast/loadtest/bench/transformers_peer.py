"""Generates greedily with Hugging Face transformers: a line of JSON in, a line of JSON out.

usage: transformers_peer.py FOLDER THREADS DTYPE
"""

import json
import sys
import time


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    folder, threads, dtype = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    try:
        import torch
        import transformers
    except ImportError as e:
        say({"absent": str(e.name)})
        return
    torch.set_num_threads(threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    say({"ready": f"transformers {transformers.__version__}, torch {torch.__version__}"})
    for line in sys.stdin:
        question = json.loads(line)
        ids = torch.tensor([question["prompt"]] * question["rows"])
        count = question["new_tokens"]
        with torch.inference_mode():
            start = time.perf_counter()
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                min_new_tokens=count,
                max_new_tokens=count,
                pad_token_id=0,
            )
            seconds = time.perf_counter() - start
        if out.shape[1] != ids.shape[1] + count:
            raise SystemExit(f"{out.shape[1] - ids.shape[1]} tokens instead of {count}")
        say({"seconds": seconds})


main()
