"""Makes small random classifiers with transformers, and what they score, for BroughtParityCheck to compare with.

    python inference/src/test/python/classifiers.py FOLDER
    mvn -pl inference test -Dtest=BroughtParityCheck -Dballast.parity=FOLDER

Two families: decoders with a classifier's head (Llama, Qwen2, Qwen3; chat template, and padding that is the end of a text), and BERT and RoBERTa in ONNX. Needs torch, transformers,
onnx and onnxscript; seen with transformers 5.23.0 and torch 2.15.0.
"""
import json
import pathlib
import sys

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, decoders, trainers

ITEMS = [
    ("What is the capital of France?", "Paris."),
    ("What is the capital of France?", "I do not know, and I shall not look it up for you."),
    ("Write a loop in Java.", "for (int i = 0; i < n; i++) {\n  sum += values[i];\n}"),
    ("Schreib etwas mit Umlauten.", "Äpfel, Öl und Übermut – süß!"),
    ("Say it in Japanese.", "こんにちは 🙂"),
    ("", "No question was asked."),
]
TEXTS = [text for item in ITEMS for text in item] * 20
CHAT = "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token + '\n' }}{% endfor %}"


def byte_level():
    """A tokenizer as those of Llama 3 are: byte-level BPE, a token that begins a text, one that ends it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>", chat_template=CHAT)


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")


def randomise(model):
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            weight.data.normal_(1.0 if "norm" in name.lower() and "bias" not in name else 0.0, 0.2)
        else:
            weight.data.normal_(0, weight.shape[-1] ** -0.5)


def decoder(folder, family, labels):
    tokenizer = byte_level()
    config = getattr(transformers, family + "Config")(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=256, num_labels=labels, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, id2label={k: f"L{k}" for k in range(labels)}, label2id={f"L{k}": k for k in range(labels)})
    model = getattr(transformers, family + "ForSequenceClassification")(config).float().eval()
    randomise(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return tokenizer, model


def encoder(folder, family, labels):
    tokenizer = word_piece()
    config = getattr(transformers, family + "Config")(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=130,
        type_vocab_size=2, num_labels=labels, pad_token_id=tokenizer.pad_token_id,
        id2label={k: f"L{k}" for k in range(labels)}, label2id={f"L{k}": k for k in range(labels)})
    model = getattr(transformers, family + "ForSequenceClassification")(config).float().eval()
    randomise(model)
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    inputs = tokenizer(["one text", "another text, which is longer"], return_tensors="pt", padding=True)
    names = ["input_ids", "attention_mask"]
    dynamic = {name: {0: "batch", 1: "tokens"} for name in names}

    class Plain(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, input_ids, attention_mask):
            return self.inner(input_ids=input_ids, attention_mask=attention_mask).logits

    batch, tokens = torch.export.Dim("batch", min=1, max=512), torch.export.Dim("tokens", min=2, max=128)
    torch.onnx.export(
        Plain(model), tuple(inputs[name] for name in names), str(folder / "model.onnx"), input_names=names, output_names=["logits"],
        dynamic_shapes=tuple({0: batch, 1: tokens} for _ in names), external_data=False, dynamo=True)
    return tokenizer, model


def logits(model, tokenizer, rows):
    """All rows in one padded batch, as transformers would serve them."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask).logits.double()


def main(folder):
    expected = []

    def add(source, tokenizer, model, input, rows, score, read):
        values = read(logits(model, tokenizer, rows)).tolist()
        items = [{"prompt": p, "completion": c, "score": v} for (p, c), v in zip(ITEMS, values)]
        expected.append({"source": source, "member": {"input": input, "score": score}, "items": items})

    for index, family in enumerate(["Llama", "Qwen2", "Qwen3"]):
        torch.manual_seed(index)
        labels = 1 + 2 * index
        tokenizer, model = decoder(folder / family.lower(), family, labels)
        chats = [tokenizer.apply_chat_template([{"role": "user", "content": p}, {"role": "assistant", "content": c}], tokenize=True, return_dict=False) for p, c in ITEMS]
        add(family.lower(), tokenizer, model, {"form": "chat"}, chats, {"kind": "logit", "label": labels - 1}, lambda z: z[:, -1])
        plain = [tokenizer(f"Q: {p}\nA: {c}")["input_ids"] for p, c in ITEMS]
        add(family.lower(), tokenizer, model, {"form": "template", "template": "Q: {prompt}\nA: {completion}"}, plain, {"kind": "logit"}, lambda z: z[:, 0])
    for index, family in enumerate(["Bert", "Roberta"]):
        torch.manual_seed(10 + index)
        tokenizer, model = encoder(folder / family.lower(), family, 5)
        rows = [tokenizer(f"{p} {c}")["input_ids"] for p, c in ITEMS]
        template = {"form": "template", "template": "{prompt} {completion}"}
        add(family.lower(), tokenizer, model, template, rows, {"kind": "log_odds", "label": "L3"}, lambda z: torch.logit(torch.softmax(z, -1)[:, 3]))
        add(family.lower(), tokenizer, model, template, rows, {"kind": "expected_rating", "ratings": [1, 2, 3, 4, 5]},
            lambda z: torch.softmax(z, -1) @ torch.tensor([1.0, 2, 3, 4, 5], dtype=torch.float64))
    (folder / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
