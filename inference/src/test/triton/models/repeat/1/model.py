import os
import threading
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Answers 0, 1, …, COUNT - 1, each in an answer of its own.

    MODE: endless (the final mark never comes), error (fails after COUNT answers), shape (the last answer has two numbers), last (the mark comes with the
    last answer), slow (20 ms between answers until cancelled; that goes to the file that BALLAST_NOTES names, if any, with the request's id).
    """

    def execute(self, requests):
        for request in requests:
            count = int(pb_utils.get_input_tensor_by_name(request, "COUNT").as_numpy()[0])
            mode = pb_utils.get_input_tensor_by_name(request, "MODE")
            mode = "" if mode is None else mode.as_numpy()[0].decode()
            threading.Thread(target=self.answer, args=(request.get_response_sender(), count, mode, request.request_id())).start()
        return None

    def answer(self, sender, count, mode, name):
        for i in range(count):
            last = i == count - 1
            numbers = [i, i] if mode == "shape" and last else [i]
            flags = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL if mode == "last" and last else 0
            if mode == "slow":
                if sender.is_cancelled():
                    self.note("cancelled " + name)
                    break
                time.sleep(0.02)
            sender.send(
                pb_utils.InferenceResponse([pb_utils.Tensor("INDEX", np.array(numbers, np.int32))]), flags=flags
            )
        if mode == "error":
            sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError("asked to fail")))
        if mode != "endless" and not (mode == "last" and count > 0):
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def note(self, text):
        if "BALLAST_NOTES" in os.environ:
            with open(os.environ["BALLAST_NOTES"], "a") as notes:
                notes.write(text + "\n")
