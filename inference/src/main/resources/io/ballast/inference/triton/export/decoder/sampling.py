"""How the next token is drawn, and where a text ends. Written by Ballast."""
import json

import numpy as np

# name: its default, and the range that it must be in
KNOWN = {
    "temperature": (1.0, lambda v: v >= 0),
    "max_tokens": (16, lambda v: v >= 1 and v == int(v)),
    "min_tokens": (0, lambda v: v >= 0 and v == int(v)),
    "seed": (None, lambda v: v == int(v)),
    "top_k": (0, lambda v: v >= -1 and v == int(v)),
    "top_p": (1.0, lambda v: 0 < v <= 1),
    "min_p": (0.0, lambda v: 0 <= v <= 1),
    "repetition_penalty": (1.0, lambda v: v > 0),
    "presence_penalty": (0.0, lambda v: -2 <= v <= 2),
    "frequency_penalty": (0.0, lambda v: -2 <= v <= 2),
    "logprobs": (None, lambda v: v == 0),
    "stop": ((), None),
    "stop_token_ids": ((), None),
    "logit_bias": ((), None),
    "ignore_eos": (False, None),
}


class Refused(ValueError):
    """A request that cannot be, in words for its caller."""


class Sampling:
    """The sampling_parameters of one request, under the names of vLLM. One that is not known is refused, never ignored."""

    def __init__(self, text, vocabulary_size, end_ids):
        try:
            given = json.loads(text)
        except ValueError as e:
            raise Refused(f"sampling_parameters: not JSON: {e}")
        if not isinstance(given, dict):
            raise Refused("sampling_parameters: not an object")
        for name, value in given.items():
            if name not in KNOWN:
                raise Refused(f"sampling_parameters.{name}: not known (expected: one of {', '.join(KNOWN)})")
            holds = KNOWN[name][1]
            if holds and value is not None and (isinstance(value, (str, bool, list, dict)) or not holds(value)):
                raise Refused(f"sampling_parameters.{name}: {json.dumps(value)} is out of its range")
            setattr(self, name, value)
        for name, (default, _) in KNOWN.items():
            if given.get(name) is None:
                setattr(self, name, default)
        self.stop = [self.stop] if isinstance(self.stop, str) else [str(stop) for stop in self.stop]
        if not all(self.stop):
            raise Refused("sampling_parameters.stop: an empty text")
        self.bias = [(int(id), float(value)) for id, value in dict(self.logit_bias).items()]
        self.stop_ids = {int(id) for id in self.stop_token_ids}
        for id in [id for id, _ in self.bias] + list(self.stop_ids):
            if not 0 <= id < vocabulary_size:
                raise Refused(f"sampling_parameters: token {id} (expected: >= 0 and < {vocabulary_size})")
        self.end_ids = self.stop_ids if self.ignore_eos else self.stop_ids | set(end_ids)
        self.random = np.random.default_rng(self.seed)

    def draw(self, logits, prompt, drawn):
        """Returns the next token after prompt and drawn, given the model's logits, [V]."""
        logits = logits.astype(np.float64)
        if len(drawn) < self.min_tokens:
            logits[list(self.end_ids)] = -np.inf
        for id, value in self.bias:
            logits[id] += value
        if self.repetition_penalty != 1:
            seen = np.unique(np.concatenate([prompt, np.array(drawn, np.int64)]))
            logits[seen] = np.where(logits[seen] < 0, logits[seen] * self.repetition_penalty, logits[seen] / self.repetition_penalty)
        if drawn and (self.presence_penalty or self.frequency_penalty):
            ids, counts = np.unique(drawn, return_counts=True)
            logits[ids] -= self.presence_penalty + self.frequency_penalty * counts
        if not np.isfinite(logits.max()):
            raise Refused("sampling_parameters: they leave no token to draw")
        if self.temperature == 0:
            return int(np.argmax(logits))
        shares = np.exp((logits - logits.max()) / self.temperature)
        order = np.argsort(-shares, kind="stable")
        if self.top_k > 0:
            shares[order[self.top_k :]] = 0
        if self.top_p < 1:
            before = np.cumsum(shares[order]) - shares[order]
            shares[order[before >= self.top_p * shares.sum()]] = 0
        shares[shares < self.min_p * shares.max()] = 0
        reached = np.cumsum(shares)
        return int(np.searchsorted(reached, self.random.random() * reached[-1], side="right"))


class Text:
    """A completion's text as it grows. What may still change, or may begin a stop text, is held back."""

    def __init__(self, decode, stops):
        self.decode, self.stops = decode, stops
        self.told = 0

    def add(self, ids, finished):
        """Returns what is certain now and was not told before, and whether a stop text ends it."""
        text = self.decode(ids)
        for end in sorted(text.find(stop, max(0, self.told - len(stop))) for stop in self.stops):
            if end >= 0:
                return text[self.told : end], True
        certain = len(text)
        if not finished:
            while certain > self.told and text[certain - 1] == "\ufffd":  # a character whose bytes are not all there
                certain -= 1
            for stop in self.stops:
                for length in range(min(len(stop) - 1, certain), 0, -1):
                    if text.endswith(stop[:length], 0, certain):
                        certain = min(certain, len(text[:certain]) - length)
                        break
        piece = text[self.told : max(certain, self.told)]
        self.told += len(piece)
        return piece, False
