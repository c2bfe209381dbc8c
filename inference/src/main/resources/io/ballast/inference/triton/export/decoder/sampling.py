"""How the next token is drawn, and where a text ends. Written by Ballast."""
import json
import math

import numpy as np


class Refused(ValueError):
    """A request that cannot be, in words for its caller."""


def real(words, holds):
    """A finite number of a range."""

    def read(value):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -LARGEST <= value <= LARGEST:
            return None
        return float(value) if holds(value) else None

    return read, words


def whole(least, most):
    """A whole number of a range, whether it is written 8 or 8.0."""

    def read(value):
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else None

    return read, f"a whole number, {least:,} to {most:,}"


def texts(value):
    value = [value] if isinstance(value, str) else value
    holds = isinstance(value, list) and len(value) <= 16 and all(isinstance(text, str) and 1 <= len(text) <= 1024 for text in value)
    return value if holds else None


def tokens(value):
    read, _ = whole(0, LARGEST)
    holds = isinstance(value, list) and len(value) <= 16 and all(read(id) is not None for id in value)
    return {read(id) for id in value} if holds else None


def biases(value):
    read, _ = real("", lambda number: abs(number) <= 100)
    if not isinstance(value, dict) or len(value) > 1024:
        return None
    holds = all(id.isascii() and id.isdigit() and len(id) < 20 and read(number) is not None for id, number in value.items())
    return {int(id): float(number) for id, number in value.items()} if holds else None


LARGEST = 2**63 - 1

# name: its default, what reads it (None: it cannot be), and what it must be
KNOWN = {
    "temperature": (1.0, *real(">= 0", lambda v: v >= 0)),
    "max_tokens": (16, *whole(1, LARGEST)),
    "min_tokens": (0, *whole(0, LARGEST)),
    "seed": (None, *whole(0, LARGEST)),
    "top_k": (0, *whole(-1, LARGEST)),
    "top_p": (1.0, *real("> 0 and <= 1", lambda v: 0 < v <= 1)),
    "min_p": (0.0, *real("0 to 1", lambda v: 0 <= v <= 1)),
    "repetition_penalty": (1.0, *real("> 0", lambda v: v > 0)),
    "presence_penalty": (0.0, *real("-2 to 2", lambda v: -2 <= v <= 2)),
    "frequency_penalty": (0.0, *real("-2 to 2", lambda v: -2 <= v <= 2)),
    "logprobs": (None, *whole(0, 0)),
    "stop": ((), texts, "a text of 1 to 1,024 characters, or a list of at most 16"),
    "stop_token_ids": ((), tokens, "a list of at most 16 token ids"),
    "logit_bias": ({}, biases, "an object of at most 1,024 token ids with numbers, -100 to 100"),
    "ignore_eos": (False, lambda v: v if isinstance(v, bool) else None, "true or false"),
}


class Sampling:
    """How one request draws: options under the names of vLLM, whatever its convention calls them. One that is not known is refused, never ignored."""

    def __init__(self, given, known_tokens, end_ids, names=None):
        self.names = names or {}
        for name in given:
            if name not in KNOWN:
                raise Refused(f"{self.named(name[:60])}: not known (expected: one of {', '.join(KNOWN)})")
        for name, (default, read, words) in KNOWN.items():
            value = default
            if given.get(name) is not None:
                value = read(given[name])
                if value is None:
                    shown = json.dumps(given[name])
                    raise Refused(f"{self.named(name)}: {shown if len(shown) <= 60 else shown[:59] + '…'} (expected: {words})")
            setattr(self, name, value)
        if self.min_tokens > self.max_tokens:
            raise Refused(f"{self.named('min_tokens')}: {self.min_tokens} (expected: at most {self.names.get('max_tokens', 'max_tokens')}, {self.max_tokens})")
        self.stop_ids = set(self.stop_token_ids)
        for id in sorted(self.stop_ids | set(self.logit_bias)):
            if id >= known_tokens:
                raise Refused(f"sampling_parameters: token {id} (expected: >= 0 and < {known_tokens})")
        self.known_tokens = known_tokens
        self.end_ids = self.stop_ids if self.ignore_eos else self.stop_ids | set(end_ids)
        self.random = np.random.default_rng(self.seed)

    @staticmethod
    def read(text, known_tokens, end_ids):
        """Reads the sampling_parameters of Triton's vLLM back end."""
        try:
            given = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise Refused(f"sampling_parameters: not JSON: {e}")
        if not isinstance(given, dict):
            raise Refused("sampling_parameters: not an object")
        return Sampling(given, known_tokens, end_ids)

    def named(self, name):
        """An option as the request calls it."""
        return self.names.get(name, f"sampling_parameters.{name}")

    def draw(self, logits, prompt, drawn):
        """Returns the next token after prompt and drawn, given the model's logits, [V]: one that the tokenizer knows."""
        logits = logits[: self.known_tokens].astype(np.float64)
        if len(drawn) < self.min_tokens:
            logits[list(self.end_ids)] = -np.inf
        for id, value in self.logit_bias.items():
            logits[id] += value
        if self.repetition_penalty != 1:
            seen = np.unique(np.concatenate([prompt, np.array(drawn, np.int64)]))
            seen = seen[seen < self.known_tokens]  # a prompt of ids may have others
            logits[seen] = np.where(logits[seen] < 0, logits[seen] * self.repetition_penalty, logits[seen] / self.repetition_penalty)
        if drawn and (self.presence_penalty or self.frequency_penalty):
            ids, counts = np.unique(drawn, return_counts=True)
            logits[ids] -= self.presence_penalty + self.frequency_penalty * counts
        if not np.isfinite(logits.max()):
            raise Refused("sampling_parameters: they leave no token to draw")
        if self.temperature == 0:
            return int(np.argmax(logits))
        shares = np.exp((logits - logits.max()) / self.temperature)
        order = np.argsort(-shares, kind="stable") if self.top_k > 0 or self.top_p < 1 else None
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
