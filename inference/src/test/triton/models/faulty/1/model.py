import os
import time

import numpy as np
import triton_python_backend_utils as pb_utils

ERRORS = ["INTERNAL", "UNAVAILABLE", "INVALID_ARG", "NOT_FOUND"]


class TritonPythonModel:
    """Misbehaves as MODE says; answers X as Y where it says ok.

    error ARG: one of ERRORS. raise: a Python exception. exit: the process ends. nothing: no answer, ever. shape, dtype, name, absent, rows: an
    answer that the configuration does not allow. fewer, more: not as many answers as requests. sleep ARG: answers after ARG milliseconds, at once when
    cancelled, and writes what happened and the request's id to the file that BALLAST_NOTES names, if any. order: Y is how many were answered before.
    """

    def initialize(self, args):
        self.answered = 0

    def execute(self, requests):
        answers = []
        for request in requests:
            x = pb_utils.get_input_tensor_by_name(request, "X").as_numpy()
            mode = pb_utils.get_input_tensor_by_name(request, "MODE").as_numpy().reshape(-1)[0].decode()
            arg = pb_utils.get_input_tensor_by_name(request, "ARG")
            arg = 0 if arg is None else int(arg.as_numpy().reshape(-1)[0])
            name = "Y"
            if mode == "error":
                code = getattr(pb_utils.TritonError, ERRORS[arg])
                answers.append(pb_utils.InferenceResponse(error=pb_utils.TritonError("asked to fail", code)))
                continue
            if mode == "raise":
                raise RuntimeError("asked to raise")
            if mode == "exit":
                os._exit(3)
            if mode == "nothing":
                return None
            if mode == "fewer":
                continue
            if mode == "more":
                answers.append(pb_utils.InferenceResponse([pb_utils.Tensor("Y", x)]))
            if mode == "absent":
                answers.append(pb_utils.InferenceResponse([]))
                continue
            if mode == "shape":
                x = np.zeros((x.shape[0], 7), np.float32)
            if mode == "rows":
                x = np.zeros((x.shape[0] + 1, 4), np.float32)
            if mode == "dtype":
                x = x.astype(np.int32)
            if mode == "name":
                name = "Z"
            if mode == "sleep":
                self.sleep(request, arg / 1000)
            if mode == "order":
                x = np.full_like(x, self.answered)
            self.answered += 1
            answers.append(pb_utils.InferenceResponse([pb_utils.Tensor(name, x)]))
        return answers

    def sleep(self, request, seconds):
        self.note("asleep", request)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if request.is_cancelled():
                self.note("cancelled", request)
                return
            time.sleep(0.005)
        self.note("slept", request)

    def note(self, text, request):
        if "BALLAST_NOTES" in os.environ:
            with open(os.environ["BALLAST_NOTES"], "a") as notes:
                notes.write("%s %s\n" % (text, request.request_id()))
