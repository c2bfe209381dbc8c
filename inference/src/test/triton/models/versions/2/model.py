import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Adds its version to X."""

    def initialize(self, args):
        self.version = int(args["model_version"])

    def execute(self, requests):
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor("Y", pb_utils.get_input_tensor_by_name(r, "X").as_numpy() + self.version)]
            )
            for r in requests
        ]
