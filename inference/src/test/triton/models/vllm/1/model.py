import json
import os
import threading
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Keeps the convention of Triton's vLLM back end, with a model of one rule: it repeats the prompt's bytes, then ends the text.

    Ids are bytes plus 1, 0 ends the text. The i-th token has log-probability -i / 8. A prompt that begins with !slow waits 20 ms between tokens, !mute
    tells no log-probabilities, !cut never says why it ended, !wild draws a token that there is not, !fail raises after two tokens.
    Who leaves is written, with the prompt, to the file that BALLAST_NOTES names, if any.
    """

    def execute(self, requests):
        for request in requests:
            threading.Thread(target=self.generate, args=(request, request.get_response_sender())).start()
        return None

    def generate(self, request, sender):
        text = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy()[0]
        sampling = json.loads(pb_utils.get_input_tensor_by_name(request, "sampling_parameters").as_numpy()[0])
        ids = [byte + 1 for byte in text] + [0]
        limit = sampling["max_tokens"]
        stops = [stop.encode() for stop in sampling.get("stop", [])]
        said = b""
        for i, token in enumerate(ids[:limit]):
            if sender.is_cancelled():
                self.note("cancelled " + text.decode())
                break
            if text.startswith(b"!slow"):
                time.sleep(0.02)
            if text.startswith(b"!fail") and i == 2:
                # at once with the mark: Triton may end where the caller leaves between them
                failure = pb_utils.InferenceResponse(error=pb_utils.TritonError("out of luck"))
                sender.send(failure, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
                return
            if text.startswith(b"!cut") and token == 0:
                break
            piece = b"" if token == 0 else bytes([token - 1])
            said += piece
            stopped = token == 0 or any(said.endswith(stop) for stop in stops)
            finish = "stop" if stopped else "length" if i + 1 == limit else "None"
            if text.startswith(b"!cut"):
                finish = "None"
            if text.startswith(b"!wild"):
                token = 1000000
            steps = [{str(token): {"logprob": -i / 8, "rank": 1, "decoded_token": piece.decode("latin-1")}}]
            told = "null" if text.startswith(b"!mute") else json.dumps(steps)
            if finish == "stop" and token != 0:
                piece = b""
            sender.send(
                pb_utils.InferenceResponse(
                    [
                        pb_utils.Tensor("text_output", np.array([piece], dtype=np.object_)),
                        pb_utils.Tensor("finish_reason", np.array([finish.encode()], dtype=np.object_)),
                        pb_utils.Tensor("logprobs", np.array([told.encode()], dtype=np.object_)),
                    ]
                )
            )
            if stopped:
                break
        sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def note(self, line):
        if "BALLAST_NOTES" in os.environ:
            with open(os.environ["BALLAST_NOTES"], "a") as notes:
                notes.write(line + "\n")
