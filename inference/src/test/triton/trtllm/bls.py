import os

import numpy as np
import tokenizers
import triton_python_backend_utils as pb_utils

# what it hands on, and what tensorrt_llm calls it
NAMES = {
    "max_tokens": "request_output_len",
    "top_k": "runtime_top_k",
    "top_p": "runtime_top_p",
    "stream": "streaming",
    **{name: name for name in ("end_id", "pad_id", "temperature", "seed", "return_log_probs", "exclude_input_in_output")},
}


class TritonPythonModel:
    """As TensorRT-LLM's BLS model that accumulates tokens: asks tensorrt_llm, and tells the text of all tokens so far with each answer."""

    def initialize(self, args):
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(args["model_repository"], args["model_version"], "tokenizer.json"))

    def execute(self, requests):
        for request in requests:
            self.generate(request, request.get_response_sender())  # as the original does
        return None

    def generate(self, request, sender):
        final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        try:
            given = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
            ids = self.tokenizer.encode(given["text_input"].reshape(-1)[0].decode(), add_special_tokens=False).ids
            inputs = [
                pb_utils.Tensor("input_ids", np.array([ids], np.int32)),
                pb_utils.Tensor("input_lengths", np.array([[len(ids)]], np.int32)),
            ]
            inputs += [pb_utils.Tensor(NAMES[name], value) for name, value in given.items() if name in NAMES]
            asked = pb_utils.InferenceRequest(
                model_name="tensorrt_llm", requested_output_names=["output_ids", "output_log_probs"], inputs=inputs
            )
            drawn = []
            for answer in asked.exec(decoupled=True):
                if answer.has_error():
                    raise pb_utils.TritonModelException(answer.error().message())
                if sender.is_cancelled():
                    break
                told = {tensor.name(): tensor for tensor in answer.output_tensors()}
                if told:
                    drawn += told["output_ids"].as_numpy().reshape(-1).tolist()
                    text = np.array([self.tokenizer.decode(drawn).encode()], np.object_)
                    log_probs = pb_utils.Tensor("output_log_probs", told["output_log_probs"].as_numpy())
                    sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("text_output", text), log_probs]))
            sender.send(flags=final)
        except Exception as e:
            sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(str(e))), final)
