"""What the servers of classifiers share: the model, and what they say before they serve."""

import json
import os
import sys

BATCH = 32
WAIT_SECONDS = 0.005


class Scorer:
    """One number a text, all texts of a call in one pass, padded on the right."""

    def __init__(self, folder, threads):
        import torch
        import transformers

        torch.set_num_threads(threads)
        self.torch = torch
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, padding_side="right")
        self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()

    def scores(self, texts):
        texts = [self.tokenizer.bos_token + text for text in texts]
        batch = self.tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
        with self.torch.inference_mode():
            return self.model(**batch).logits[:, 0].tolist()


def run(package, serve):
    """Says {"ready": "<names and versions>"} if all packages are there and serves, else {"absent": "<package>"}.

    usage: SCRIPT FOLDER PORT THREADS
    """
    try:
        import torch
        import transformers

        server = __import__(package)
    except ImportError as e:
        print(json.dumps({"absent": str(e.name)}), flush=True)
        return
    names = f"{package} {server.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    print(json.dumps({"ready": names}), flush=True)
    os.dup2(2, 1)  # nobody reads what a server prints
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
