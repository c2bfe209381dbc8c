"""Runs model.onnx over the rows of many requests at once. Written by Ballast; needs numpy and onnxruntime."""
import json
import os

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

RUN_TOKENS = 2048  # of rows that are padded to one length: more do not stay near the processor


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config["parameters"].items()}
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.outputs = [tensor["name"] for tensor in config["output"]]
        self.context_tokens = int(parameters.get("context_tokens", 0))  # 0: its rows are not tokens
        self.vocabulary_size = int(parameters.get("vocabulary_size", 0))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters["intra_op_thread_count"])
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = ["CPUExecutionProvider"]
        if args["model_instance_kind"] == "GPU":
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(args["model_instance_device_id"])}))
        graph = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(graph, options, providers=providers)
        if len(self.session.get_providers()) < len(providers):  # onnxruntime only warns, and would go on without
            raise RuntimeError(
                "this model's instances are KIND_GPU, and the onnxruntime of the python that runs it has no CUDA there: pip install onnxruntime-gpu, or export"
                " with --device cpu"
            )

    def execute(self, requests):
        answers = [None] * len(requests)
        taken = []
        for place, request in enumerate(requests):
            tensors = [pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs]
            refusal = self.refusal(*tensors) if self.context_tokens else None
            if refusal is None:
                taken.append((place, tensors))
            else:
                answers[place] = failure(refusal, pb_utils.TritonError.INVALID_ARG)
        for run in runs(taken) if self.context_tokens else [taken] if taken else []:
            try:
                for place, answer in self.run(run):
                    answers[place] = answer
            except Exception as e:  # one run fails alone
                for place, _ in run:
                    answers[place] = failure(str(e), pb_utils.TritonError.INTERNAL)
        return answers

    def refusal(self, ids, prompts, completions):
        """Returns why rows of tokens cannot be scored; None if they can."""
        if ids.shape[1] > self.context_tokens:
            return f"input_ids: rows of {ids.shape[1]:,} tokens, limit {self.context_tokens:,}"
        for row in range(len(ids)):
            prompt, completion = int(prompts[row, 0]), int(completions[row, 0])
            if prompt < 1:
                return f"prompt_tokens[{row}]: {prompt} (expected: >= 1)"
            if completion < 1:
                return f"completion_tokens[{row}]: {completion} (expected: >= 1)"
            if prompt + completion > ids.shape[1]:
                return f"input_ids[{row}]: {ids.shape[1]:,} tokens (expected: {prompt:,} + {completion:,} at least)"
        wrong = np.argwhere((ids < 0) | (ids >= self.vocabulary_size))
        if len(wrong):
            row, column = wrong[0]
            return f"input_ids[{row}][{column}]: {ids[row, column]} (expected: >= 0 and < {self.vocabulary_size})"
        return None

    def run(self, run):
        """Yields the answer of each request of one run."""
        length = max(tensors[0].shape[1] for _, tensors in run)
        feeds = {}
        for i, name in enumerate(self.inputs):
            parts = [tensors[i] for _, tensors in run]
            feeds[name] = np.concatenate([padded(part, length) for part in parts] if i == 0 else parts)
        results = self.session.run(self.outputs, feeds)
        end = 0
        for place, tensors in run:
            start, end = end, end + len(tensors[0])
            yield place, pb_utils.InferenceResponse(
                [pb_utils.Tensor(name, result[start:end]) for name, result in zip(self.outputs, results)]
            )


def runs(taken):
    """Yields the requests in groups of like length, each small enough for one run."""
    run, rows = [], 0
    for place, tensors in sorted(taken, key=lambda entry: entry[1][0].shape[1]):
        count, length = tensors[0].shape
        if run and (rows + count) * length > RUN_TOKENS:
            yield run
            run, rows = [], 0
        run.append((place, tensors))
        rows += count
    if run:
        yield run


def padded(part, length):
    return np.pad(part, ((0, 0), (0, length - part.shape[1])))


def failure(words, code):
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(words, code))
