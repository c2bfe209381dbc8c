import os

import numpy as np
import tokenizers
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """The first step of TensorRT-LLM's ensembles: ids of a text, and what comes along."""

    def initialize(self, args):
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(args["model_repository"], args["model_version"], "tokenizer.json"))

    def execute(self, requests):
        answers = []
        for request in requests:
            text = given(request, "QUERY").reshape(-1)[0].decode()
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
            answers.append(
                pb_utils.InferenceResponse(
                    [
                        pb_utils.Tensor("INPUT_ID", np.array([ids], np.int32)),
                        pb_utils.Tensor("REQUEST_INPUT_LEN", np.array([[len(ids)]], np.int32)),
                        pb_utils.Tensor("REQUEST_OUTPUT_LEN", given(request, "REQUEST_OUTPUT_LEN")),
                        pb_utils.Tensor("OUT_END_ID", given(request, "END_ID")),
                        pb_utils.Tensor("OUT_PAD_ID", given(request, "PAD_ID")),
                    ]
                )
            )
        return answers


def given(request, name):
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()
