import json
import os
import threading
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Keeps the convention of TensorRT-LLM's back end, with a model of one rule: it repeats the prompt's bytes, then ends the text.

    Ids are bytes plus 1, 0 ends the text. The i-th token has log-probability -i / 8. Whether it takes texts or ids, streams, and tells log-probabilities
    anew with each answer or of the new tokens alone, is in its configuration. A prompt that begins with !slow waits 20 ms between tokens, !mute tells no
    log-probabilities, !few too few, !wild draws a token that there is not, !long more than was asked for, !beams answers with two, !fail fails after two
    tokens, !hang never marks the end, !die ends its process, !end tells the token that ends the text, !late marks the end with an empty answer.
    """

    def initialize(self, args):
        config = json.loads(args["model_config"])
        said = {name: value["string_value"] == "true" for name, value in config["parameters"].items()}
        self.all_log_probs = said.get("all_log_probs", True)
        self.accumulates = said.get("accumulate_tokens", False)
        self.excludes = said.get("exclude_input_in_output", False)
        self.streams = config["model_transaction_policy"]["decoupled"]
        self.names = {entry["name"] for entry in config["input"]}

    def execute(self, requests):
        if not self.streams:
            return [self.whole(request) for request in requests]
        for request in requests:
            threading.Thread(target=self.stream, args=(request, request.get_response_sender())).start()
        return None

    def read(self, request):
        given = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        note(given)
        texts = "text_input" in given
        prompt = given["text_input"].reshape(-1)[0] if texts else bytes(int(id) - 1 for id in given["input_ids"].reshape(-1))
        limit = int(given["max_tokens" if texts else "request_output_len"].reshape(-1)[0])
        drawn = [byte + 1 for byte in prompt]
        ended = len(drawn) < limit
        if prompt.startswith(b"!long"):
            drawn = drawn[: limit + 1]
        else:
            drawn = drawn[:limit]
        if ended and prompt.startswith(b"!end"):
            drawn.append(0)
        if prompt.startswith(b"!wild"):
            drawn[0] = 1000000
        return texts, prompt, drawn

    def whole(self, request):
        texts, prompt, drawn = self.read(request)
        before = [] if self.excludes or self.names & {"exclude_input_in_output"} else [byte + 1 for byte in prompt]
        return pb_utils.InferenceResponse(self.tensors(texts, prompt, before + drawn, [-i / 8 for i in range(len(drawn))]))

    def stream(self, request, sender):
        final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        texts, prompt, drawn = self.read(request)
        for i, token in enumerate(drawn):
            if sender.is_cancelled():
                break
            if prompt.startswith(b"!slow"):
                time.sleep(0.02)
            if prompt.startswith(b"!fail") and i == 2:
                sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError("out of luck")), final)
                return
            if prompt.startswith(b"!die"):
                os._exit(3)
            log_probs = [-j / 8 for j in range(i + 1)]
            tokens = drawn[: i + 1] if texts and self.accumulates else [token]
            tensors = self.tensors(texts, prompt, tokens, log_probs if self.all_log_probs else log_probs[-1:])
            if i + 1 == len(drawn) and not prompt.startswith((b"!late", b"!hang")):
                sender.send(pb_utils.InferenceResponse(tensors), final)
                return
            sender.send(pb_utils.InferenceResponse(tensors))
        if not prompt.startswith(b"!hang"):
            sender.send(flags=final)
        else:
            time.sleep(3)  # longer than the test waits
            sender.send(flags=final)

    def tensors(self, texts, prompt, tokens, log_probs):
        beams = 2 if prompt.startswith(b"!beams") else 1
        if prompt.startswith(b"!mute"):
            log_probs = []
        if prompt.startswith(b"!few"):
            log_probs = log_probs[:-1] or [0.0, 0.0]
        told = pb_utils.Tensor("output_log_probs", np.array([[log_probs] * beams], np.float32))
        if texts:
            text = bytes(token - 1 for token in tokens if token > 0).decode("utf-8", "replace").encode()
            # without the batch's dimension, as the back end's own postprocessing has it
            return [pb_utils.Tensor("text_output", np.array([text] * beams, np.object_)), told]
        padded = np.array([[tokens + [-1]] * beams], np.int32)
        return [pb_utils.Tensor("output_ids", padded), pb_utils.Tensor("sequence_length", np.array([[len(tokens)] * beams], np.int32)), told]


def note(given):
    """What was asked for, for the tests to read."""
    words = {name: value.reshape(-1).tolist() for name, value in given.items()}
    words = {name: [v.decode() if isinstance(v, bytes) else v for v in value] for name, value in words.items()}
    with open(os.environ["BALLAST_NOTES"], "a") as file:
        file.write(json.dumps(words, sort_keys=True) + "\n")
