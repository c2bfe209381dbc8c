import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """SUM is the sum of all X of a sequence so far."""

    def initialize(self, args):
        self.sums = {}

    def execute(self, requests):
        answers = []
        for request in requests:
            x, start, ready, sequence = (
                pb_utils.get_input_tensor_by_name(request, name).as_numpy().reshape(-1)[0]
                for name in ("X", "START", "READY", "CORRID")
            )
            if ready:  # those that are not fill up a batch
                self.sums[sequence] = x if start else self.sums[sequence] + x
            total = np.array([[self.sums.get(sequence, 0)]], np.float32)
            answers.append(pb_utils.InferenceResponse([pb_utils.Tensor("SUM", total)]))
        return answers
