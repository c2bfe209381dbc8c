import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Answers each input under its own name."""

    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(t.name(), t.as_numpy()) for t in request.inputs()])
            for request in requests
        ]
