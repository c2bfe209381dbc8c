"""One request under way, as each convention asks and is answered. Written by Ballast."""
import json

import numpy as np
import triton_python_backend_utils as pb_utils
from sampling import Refused, Sampling, Text


class Row:
    """A prompt and what has been drawn after it."""

    def __init__(self, model, sender, ids, sampling, name):
        self.sender, self.sampling = sender, sampling
        self.limit = model.network.context_tokens
        if not ids:
            raise Refused(f"{name}: no tokens (expected: >= 1)")
        if len(ids) >= self.limit:
            raise Refused(f"{name}: {len(ids):,} tokens, limit {self.limit - 1:,}")
        for id in ids:
            if not 0 <= id < model.network.vocabulary_size:
                raise Refused(f"{name}: token {id} (expected: >= 0 and < {model.network.vocabulary_size})")
        self.prompt = np.array(ids, np.int64)
        self.memory = model.network.memory(min(self.limit, len(ids) + sampling.max_tokens))
        self.fresh, self.seen = self.prompt, 0  # tokens to feed, and how many were fed
        self.drawn = []

    def add(self, logits):
        """Draws a token and tells of it; returns whether it was the last."""
        self.seen += len(self.fresh)
        if not np.isfinite(logits).all():
            raise ArithmeticError("logits that are not finite")
        token = self.sampling.draw(logits, self.prompt, self.drawn)
        self.fresh = np.array([token])
        self.drawn.append(token)
        log_probs = None
        if self.tells_log_probs:
            log_probs = logits - logits.max()
            log_probs = log_probs - np.log(np.exp(log_probs, dtype=np.float64).sum())
        ended = token in self.sampling.end_ids
        full = len(self.drawn) >= self.sampling.max_tokens or len(self.prompt) + len(self.drawn) >= self.limit
        answer, finished = self.told(token, log_probs, ended, full)
        if answer is not None:
            end(self.sender, answer) if finished else self.sender.send(answer)
        return finished


class TextRow(Row):
    """As Triton's vLLM back end: texts, with what is told of their tokens as JSON."""

    def __init__(self, model, request, sender):
        self.tokenizer = model.tokenizer
        try:
            text = value(request, "text_input", b"").decode()
        except UnicodeDecodeError as e:
            raise Refused(f"text_input: {e}")
        sampling = Sampling.read(value(request, "sampling_parameters", b"{}"), model.known_tokens, model.end_ids)
        self.stream = bool(value(request, "stream", False))
        exclude = bool(value(request, "exclude_input_in_output", self.stream))
        if self.stream and not exclude:
            raise Refused("exclude_input_in_output: false (expected: true of a stream)")
        self.tells_finish = bool(value(request, "return_finish_reason", False))
        self.tells_log_probs = bool(value(request, "return_logprobs", False))
        ids = model.tokenizer.encode(text, add_special_tokens=False).ids
        if ids[: len(model.beginning)] != model.beginning:
            ids = model.beginning + ids
        super().__init__(model, sender, ids, sampling, "text_input")
        self.steps = []
        # a decoder drops the space before a text, so that the prompt's last token is decoded with it
        before = ids[-1:]
        skipped = len(model.tokenizer.decode(before))
        self.text = Text(lambda drawn: model.tokenizer.decode(before + drawn)[skipped:], sampling.stop)
        self.held = "" if exclude else text

    def told(self, token, log_probs, ended, full):
        if self.tells_log_probs:
            self.steps.append(
                {
                    str(token): {
                        "logprob": float(log_probs[token]),
                        "rank": int((log_probs > log_probs[token]).sum()) + 1,
                        "decoded_token": self.tokenizer.decode([token]),
                    }
                }
            )
        piece, stopped = self.text.add(self.drawn[:-1] if ended else self.drawn, ended or full)
        finish = "stop" if ended or stopped else "length" if full else None
        self.held += piece
        return self.answer(finish) if finish or self.stream else None, finish is not None

    def answer(self, finish):
        tensors = [texts("text_output", self.held)]
        if self.tells_finish:
            tensors.append(texts("finish_reason", str(finish)))
        if self.tells_log_probs:
            tensors.append(texts("logprobs", json.dumps(self.steps)))
        self.held, self.steps = "", []
        return pb_utils.InferenceResponse(tensors)


class TokenRow(Row):
    """As the model tensorrt_llm: ids. A stream tells the new ones, and the log-probabilities of all; the one that ends the text is not told."""

    # what a request may say: its name in Sampling
    NAMES = {
        "request_output_len": "max_tokens",
        "min_tokens": "min_tokens",
        "temperature": "temperature",
        "runtime_top_k": "top_k",
        "runtime_top_p": "top_p",
        "repetition_penalty": "repetition_penalty",
        "presence_penalty": "presence_penalty",
        "frequency_penalty": "frequency_penalty",
    }

    def __init__(self, model, request, sender):
        given = {known: value(request, name, None) for name, known in self.NAMES.items()}
        given = {name: number.item() for name, number in given.items() if number is not None}
        if not given.get("top_p"):
            given["top_p"] = 1.0
            if not given.get("top_k"):
                given["top_k"] = 1  # neither of them: greedy
        if value(request, "beam_width", 1) != 1:
            raise Refused("beam_width: more than 1 (expected: 1)")
        end_id = value(request, "end_id", None)
        end_ids = model.end_ids if end_id is None else [int(end_id)] if 0 <= end_id < model.known_tokens else []
        sampling = Sampling(given, model.known_tokens, end_ids, {known: name for name, known in self.NAMES.items()})
        seed = value(request, "seed", None)
        if seed is not None:
            sampling.random = np.random.default_rng(int(seed))  # all 64 bits of it
        ids = [int(id) for id in values(request, "input_ids")[: max(0, int(value(request, "input_lengths", 0)))]]
        super().__init__(model, sender, ids, sampling, "input_ids")
        self.stream = bool(value(request, "streaming", False))
        self.held = [] if self.stream or value(request, "exclude_input_in_output", False) else ids
        self.tells_log_probs = bool(value(request, "return_log_probs", False))
        self.log_probs = []

    def told(self, token, log_probs, ended, full):
        if not ended:
            self.held.append(token)
            if self.tells_log_probs:
                self.log_probs.append(log_probs[token])
        return self.answer() if ended or full or self.stream else None, ended or full

    def answer(self):
        tensors = [
            pb_utils.Tensor("output_ids", np.array([[self.held]], np.int32)),
            pb_utils.Tensor("sequence_length", np.array([[len(self.held)]], np.int32)),
        ]
        if self.tells_log_probs:
            tensors.append(pb_utils.Tensor("cum_log_probs", np.array([[np.sum(self.log_probs)]], np.float32)))
            tensors.append(pb_utils.Tensor("output_log_probs", np.array([[self.log_probs]], np.float32)))
        self.held = []
        return pb_utils.InferenceResponse(tensors)


# by the convention that the configuration names
ROWS = {"vllm": TextRow, "tensorrt-llm": TokenRow}


def values(request, name):
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return [] if tensor is None else tensor.as_numpy().reshape(-1)


def value(request, name, default):
    given = values(request, name)
    return given[0] if len(given) else default


def texts(name, text):
    return pb_utils.Tensor(name, np.array([text.encode()], np.object_))


def failure(words, code):
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(words.encode("utf-8", "replace").decode(), code))


def end(sender, answer=None):
    """Tells what is left to tell, and with it that nothing follows. Who cannot be told any more is left alone."""
    try:
        if answer is None:
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        else:
            sender.send(answer, pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
    except Exception as e:
        pb_utils.Logger.log_warn(f"an answer could not be sent: {type(e).__name__}: {e}")
