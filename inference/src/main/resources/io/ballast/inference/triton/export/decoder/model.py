"""A small decoder under the convention of Triton's vLLM back end: decoupled, text_input and sampling_parameters in, text_output out. Written by Ballast;
needs numpy and tokenizers.

One thread draws a token for each row at every step: requests join and leave between two steps. While all rows are taken, execute() does not return, so
that Triton itself keeps the queue, with its priorities, limits and timeouts.
"""
import json
import os
import threading

import numpy as np
import tokenizers
import triton_python_backend_utils as pb_utils
from network import Network
from sampling import Refused, Sampling, Text


class TritonPythonModel:
    def initialize(self, args):
        folder = os.path.join(args["model_repository"], args["model_version"])
        parameters = json.loads(args["model_config"])["parameters"]
        self.max_rows = int(parameters["max_rows"]["string_value"])
        with open(os.path.join(folder, "decoder.json")) as file:
            shape = json.load(file)
        self.beginning, self.known_tokens = shape["beginning"], shape["known_tokens"]
        self.end_ids = [id for id in shape["end_of_text_ids"] if id < self.known_tokens]
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.network = Network(folder)
        self.rows = []  # under way; whoever looks or changes holds the lock
        self.lock = threading.Condition()
        self.stopped = False
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def finalize(self):
        with self.lock:
            self.stopped = True
            self.lock.notify_all()
        self.thread.join()

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            try:
                row = Row(self, request, sender)
            except Refused as e:
                end(sender, failure(str(e), pb_utils.TritonError.INVALID_ARG))
                continue
            except Exception as e:  # whatever leaves this method leaves the request without an answer
                end(sender, failure(f"{type(e).__name__}: {e}", pb_utils.TritonError.INTERNAL))
                continue
            with self.lock:
                self.lock.wait_for(lambda: len(self.rows) < self.max_rows)
                self.rows.append(row)
                self.lock.notify_all()
        return None

    def loop(self):
        while True:
            with self.lock:
                self.lock.wait_for(lambda: self.rows or self.stopped)
                if self.stopped:
                    return
                rows = list(self.rows)
            try:
                ended = self.step(rows)
            except Exception as e:  # this thread is the only one that answers
                ended = rows
                for row in rows:
                    end(row.sender, failure(f"{type(e).__name__}: {e}", pb_utils.TritonError.INTERNAL))
            with self.lock:
                self.rows = [row for row in self.rows if row not in ended]
                self.lock.notify_all()

    def step(self, rows):
        """Draws a token for each row; returns those that have ended."""
        left = [row for row in rows if row.sender.is_cancelled()]
        for row in left:
            end(row.sender)
        rows = [row for row in rows if row not in left]
        if not rows:
            return left
        try:
            logits = self.network.logits([(row.fresh, row.seen, row.memory) for row in rows])
        except Exception as e:  # of all rows, for it cannot be said whose
            for row in rows:
                end(row.sender, failure(f"{type(e).__name__}: {e}", pb_utils.TritonError.INTERNAL))
            return left + rows
        for row, expected in zip(rows, logits):
            try:
                if row.add(expected):
                    left.append(row)
            except Refused as e:
                end(row.sender, failure(str(e), pb_utils.TritonError.INVALID_ARG))
                left.append(row)
            except Exception as e:
                end(row.sender, failure(f"{type(e).__name__}: {e}", pb_utils.TritonError.INTERNAL))
                left.append(row)
        return left


class Row:
    """One request under way."""

    def __init__(self, model, request, sender):
        self.sender, self.tokenizer = sender, model.tokenizer
        try:
            text = value(request, "text_input", b"").decode()
        except UnicodeDecodeError as e:
            raise Refused(f"text_input: {e}")
        self.sampling = Sampling(value(request, "sampling_parameters", b"{}"), model.known_tokens, model.end_ids)
        self.stream = bool(value(request, "stream", False))
        exclude = bool(value(request, "exclude_input_in_output", self.stream))
        if self.stream and not exclude:
            raise Refused("exclude_input_in_output: false (expected: true of a stream)")
        self.tells_finish = bool(value(request, "return_finish_reason", False))
        self.tells_log_probs = bool(value(request, "return_logprobs", False))
        ids = model.tokenizer.encode(text, add_special_tokens=False).ids
        if ids[: len(model.beginning)] != model.beginning:
            ids = model.beginning + ids
        self.limit = model.network.context_tokens
        if not ids:
            raise Refused("text_input: no tokens (expected: >= 1)")
        if len(ids) >= self.limit:
            raise Refused(f"text_input: {len(ids):,} tokens, limit {self.limit - 1:,}")
        if max(ids) >= model.network.vocabulary_size:
            raise Refused(f"text_input: token {max(ids)} (expected: < {model.network.vocabulary_size})")
        self.prompt = np.array(ids, np.int64)
        self.memory = model.network.memory(min(self.limit, len(ids) + self.sampling.max_tokens))
        self.fresh, self.seen = self.prompt, 0  # tokens to feed, and how many were fed
        self.drawn, self.steps = [], []
        # a decoder drops the space before a text, so that the prompt's last token is decoded with it
        before = ids[-1:]
        skipped = len(model.tokenizer.decode(before))
        self.text = Text(lambda drawn: model.tokenizer.decode(before + drawn)[skipped:], self.sampling.stop)
        self.held = "" if exclude else text

    def add(self, logits):
        """Draws a token and tells of it; returns whether it was the last."""
        self.seen += len(self.fresh)
        if not np.isfinite(logits).all():
            raise ArithmeticError("logits that are not finite")
        token = self.sampling.draw(logits, self.prompt, self.drawn)
        self.fresh = np.array([token])
        self.drawn.append(token)
        log_probs = logits - logits.max()
        log_probs = log_probs - np.log(np.exp(log_probs, dtype=np.float64).sum())
        self.steps.append(
            {
                str(token): {
                    "logprob": float(log_probs[token]),
                    "rank": int((log_probs > log_probs[token]).sum()) + 1,
                    "decoded_token": self.tokenizer.decode([token]),
                }
            }
        )
        ended = token in self.sampling.end_ids
        full = len(self.drawn) >= self.sampling.max_tokens or len(self.prompt) + len(self.drawn) >= self.limit
        piece, stopped = self.text.add(self.drawn[:-1] if ended else self.drawn, ended or full)
        finish = "stop" if ended or stopped else "length" if full else None
        self.held += piece
        if finish or self.stream:
            answer = self.answer(finish)
            end(self.sender, answer) if finish else self.sender.send(answer)
        return finish is not None

    def answer(self, finish):
        tensors = [texts("text_output", self.held)]
        if self.tells_finish:
            tensors.append(texts("finish_reason", str(finish)))
        if self.tells_log_probs:
            tensors.append(texts("logprobs", json.dumps(self.steps)))
        self.held, self.steps = "", []
        return pb_utils.InferenceResponse(tensors)


def value(request, name, default):
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0]


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
