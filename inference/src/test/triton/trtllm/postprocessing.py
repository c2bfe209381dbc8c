import os

import numpy as np
import tokenizers
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """The last step of TensorRT-LLM's ensembles: the text of the ids of one answer, without the batch's dimension, as the back end's own leaves it out."""

    def initialize(self, args):
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(args["model_repository"], args["model_version"], "tokenizer.json"))

    def execute(self, requests):
        answers = []
        for request in requests:
            beams = pb_utils.get_input_tensor_by_name(request, "TOKENS_BATCH").as_numpy()[0]
            lengths = pb_utils.get_input_tensor_by_name(request, "SEQUENCE_LENGTH").as_numpy()[0]
            texts = [self.tokenizer.decode(ids[:length].tolist()).encode() for ids, length in zip(beams, lengths)]
            answers.append(pb_utils.InferenceResponse([pb_utils.Tensor("OUTPUT", np.array(texts, np.object_))]))
        return answers
