"""A small decoder, decoupled, under the convention of Triton's vLLM back end (text_input and sampling_parameters in, text_output out) or that of
TensorRT-LLM's (ids in and out), as its configuration says. Written by Ballast; needs numpy and tokenizers.

One thread draws a token for each row at every step: requests join and leave between two steps. While all rows are taken, execute() does not return, so
that Triton itself keeps the queue, with its priorities, limits and timeouts. An instance of kind GPU computes there, by CuPy; tokens are drawn here.
"""
import json
import os
import threading

import tokenizers
import triton_python_backend_utils as pb_utils
from network import Network
from rows import ROWS, end, failure
from sampling import Refused


class TritonPythonModel:
    def initialize(self, args):
        folder = os.path.join(args["model_repository"], args["model_version"])
        parameters = json.loads(args["model_config"])["parameters"]
        self.max_rows = int(parameters["max_rows"]["string_value"])
        self.row = ROWS[parameters["convention"]["string_value"]]
        with open(os.path.join(folder, "decoder.json")) as file:
            shape = json.load(file)
        self.beginning, self.known_tokens = shape["beginning"], shape["known_tokens"]
        self.end_ids = [id for id in shape["end_of_text_ids"] if id < self.known_tokens]
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.network = network(folder, args)
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
                row = self.row(self, request, sender)
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


def network(folder, args):
    if args["model_instance_kind"] == "GPU":
        from gpu import GpuNetwork  # needs CuPy, which is on no machine without a GPU

        return GpuNetwork(folder, int(args["model_instance_device_id"]))
    return Network(folder)
