import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Y is what the model MODEL makes of X, which it asks for it."""

    def execute(self, requests):
        return [self.ask(request) for request in requests]

    def ask(self, request):
        model = pb_utils.get_input_tensor_by_name(request, "MODEL").as_numpy()[0].decode()
        x = pb_utils.get_input_tensor_by_name(request, "X")
        answer = pb_utils.InferenceRequest(model_name=model, requested_output_names=["Y"], inputs=[x]).exec()
        if answer.has_error():
            return pb_utils.InferenceResponse(error=answer.error())
        return pb_utils.InferenceResponse([pb_utils.get_output_tensor_by_name(answer, "Y")])
