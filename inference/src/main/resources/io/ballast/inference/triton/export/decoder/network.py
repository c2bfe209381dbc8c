"""A decoder's forward pass in numpy, over keys and values that are kept; gpu.py says what differs on a GPU. Written by Ballast."""
import glob
import json
import math
import os

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


class Network:
    """The weights of a Hugging Face folder, in 32 bits. What differs between families is in decoder.json.

    Shape letters: N tokens of all rows together, T tokens of one row, S tokens that it sees, D hidden size, H query heads, K key heads, E head size,
    V vocabulary.
    """

    def __init__(self, folder):
        with open(os.path.join(folder, "decoder.json")) as file:
            shape = json.load(file)
        self.layers, self.heads, self.key_heads = shape["layers"], shape["heads"], shape["key_heads"]
        self.size, self.epsilon, self.offset = shape["head_size"], shape["epsilon"], shape["norm_offset"]
        self.scale, self.activation = shape["embedding_scale"], shape["activation"]
        self.vocabulary_size, self.context_tokens = shape["vocabulary_size"], shape["context_tokens"]
        angles = np.outer(np.arange(self.context_tokens), np.array(shape["rope_frequencies"]))
        self.cosine = self.array((np.cos(angles) * shape["rope_factor"]).astype(np.float32))
        self.sine = self.array((np.sin(angles) * shape["rope_factor"]).astype(np.float32))
        self.weights = {name: self.array(values) for name, values in weights(folder)}
        self.embedding = self.weights["model.embed_tokens.weight"]
        self.head = self.embedding if shape["tied_head"] else self.weights["lm_head.weight"]

    def array(self, values):
        """Brings numbers to where they are computed with."""
        return values

    def memory(self, tokens):
        """Returns room for a row's keys and values, [layer, key or value, K, tokens, E]."""
        return np.empty((self.layers, 2, self.key_heads, tokens, self.size), np.float32)

    def logits(self, rows):
        """Feeds each row its next tokens, and returns what it then expects, [rows, V]. A row is (ids, tokens before them, memory)."""
        ids = np.concatenate([ids for ids, _, _ in rows])
        places = np.concatenate([np.arange(before, before + len(ids)) for ids, before, _ in rows])
        step = self.step(rows, places)
        x = self.embedding[self.array(ids)] * np.float32(self.scale)
        for layer in range(self.layers):
            name = f"model.layers.{layer}."
            x = x + self.attention(layer, name + "self_attn.", self.norm(x, name + "input_layernorm"), step)
            x = x + self.feed_forward(name + "mlp.", self.norm(x, name + "post_attention_layernorm"))
        last = np.cumsum([len(ids) for ids, _, _ in rows]) - 1
        return self.norm(x[self.array(last)], "model.norm") @ self.head.T

    def step(self, rows, places):
        """Returns what all layers need to know of the tokens that are fed."""
        return rows, self.cosine[places][:, None], self.sine[places][:, None]

    def attention(self, layer, name, x, step):
        query = self.heads_of(x, name + "q", self.heads)
        key = self.heads_of(x, name + "k", self.key_heads)
        value = self.heads_of(x, name + "v", self.key_heads)
        if name + "q_norm.weight" in self.weights:
            query, key = self.norm(query, name + "q_norm"), self.norm(key, name + "k_norm")
        return self.product(self.attended(layer, query, key, value, *step), name + "o_proj")

    def attended(self, layer, query, key, value, rows, cosine, sine):
        """Keeps keys and values, [N, K, E], and returns what the queries, [N, H, E], find among those that each sees, [N, H * E]."""
        query, key = rotated(query, cosine, sine), rotated(key, cosine, sine)
        attended = np.empty((len(query), self.heads * self.size), np.float32)
        end = 0
        for ids, before, memory in rows:
            start, end = end, end + len(ids)
            seen = before + len(ids)
            memory[layer, 0, :, before:seen] = key[start:end].swapaxes(0, 1)
            memory[layer, 1, :, before:seen] = value[start:end].swapaxes(0, 1)
            attended[start:end] = self.attend(query[start:end], memory[layer, 0, :, :seen], memory[layer, 1, :, :seen])
        return attended

    def attend(self, query, keys, values):
        """Of T tokens, the last of those that are seen: query [T, H, E], keys and values [K, S, E]; returns [T, H * E]."""
        tokens, seen = len(query), keys.shape[1]
        shared = query.reshape(tokens, self.key_heads, -1, self.size).transpose(1, 2, 0, 3)  # [K, H / K, T, E]
        scores = shared @ keys[:, None].swapaxes(2, 3) / np.sqrt(np.float32(self.size))
        if tokens > 1:
            hidden = np.arange(seen) > np.arange(seen - tokens, seen)[:, None]
            scores = np.where(hidden, np.float32(-1e30), scores)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return (shares @ values[:, None]).transpose(2, 0, 1, 3).reshape(tokens, -1)

    def feed_forward(self, name, x):
        return self.product(self.gated(self.product(x, name + "gate_proj"), self.product(x, name + "up_proj")), name + "down_proj")

    def gated(self, gate, up):
        return ACTIVATIONS[self.activation](gate) * up

    def heads_of(self, x, name, count):
        return self.product(x, name + "_proj").reshape(len(x), count, self.size)

    def product(self, x, name):
        y = x @ self.weights[name + ".weight"].T
        bias = self.weights.get(name + ".bias")
        return y if bias is None else y + bias

    def norm(self, x, name):
        mean = np.mean(np.square(x), axis=-1, keepdims=True, dtype=np.float32)
        return x / np.sqrt(mean + np.float32(self.epsilon)) * (self.weights[name + ".weight"] + np.float32(self.offset))


def rotated(x, cosine, sine):
    """Turns the halves of each head, [N, heads, E], by its token's place."""
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)


def silu(x):
    return x / (1 + np.exp(-np.maximum(x, -80)))  # below, exp overflows and x is 0 anyway


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x**3)))


# of the normal distribution: density and share below, at every 64th from -8 to 8; from there on the share is 0 or 1, to 1e-15
STEP, REACH = 1 / 64, 8
PLACES = np.arange(-REACH, REACH + STEP, STEP)
DENSITIES = np.exp(-PLACES * PLACES / 2) / math.sqrt(2 * math.pi)
SHARES = np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in PLACES])
SHARES[0], SHARES[-1] = 0, 1  # of the largest numbers even 1e-15 would be much


def gelu(x):
    """x times the share of the normal distribution below x. Numpy has no erf: a cubic through shares and densities of the table is off by at most 1e-10."""
    place = (np.clip(x.astype(np.float64), -REACH, REACH) + REACH) / STEP
    index = np.nan_to_num(np.minimum(place, len(PLACES) - 2)).astype(np.int64)  # one that is no number stays none, of its row alone
    t = place - index
    rise = SHARES[index + 1] - SHARES[index]
    first, last = DENSITIES[index] * STEP - rise, rise - DENSITIES[index + 1] * STEP
    share = SHARES[index] + t * rise + t * (1 - t) * (first * (1 - t) + last * t)
    return (x * share).astype(np.float32)


ACTIVATIONS = {"silu": silu, "gelu_pytorch_tanh": gelu_tanh, "gelu": gelu}


def weights(folder):
    """Yields the names and tensors of the folder's safetensors files, in 32 bits."""
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        content = np.memmap(path, np.uint8, "r")
        header = int(content[:8].view("<u8")[0])
        for name, entry in json.loads(content[8 : 8 + header].tobytes()).items():
            if name != "__metadata__":
                start, end = (8 + header + offset for offset in entry["data_offsets"])
                values = np.frombuffer(content[start:end].tobytes(), TYPES[entry["dtype"]])
                if entry["dtype"] == "BF16":  # the upper half of 32 bits
                    values = (values.astype("<u4") << 16).view("<f4")
                yield name, values.astype(np.float32).reshape(entry["shape"])
