"""Scores two completions, then streams one, by the client that Triton's users have: pip install 'tritonclient[grpc]'."""

import queue
import sys

import numpy as np
import tritonclient.grpc as triton

client = triton.InferenceServerClient(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9100")


def texts(name, array):
    tensor = triton.InferInput(name, array.shape, "BYTES")
    tensor.set_data_from_numpy(array)
    return tensor


prompts = np.array([["int size = list."], ["int size = list."]], dtype=object)  # a batch of two, one text each
completions = np.array([["size();"], ["banana"]], dtype=object)
result = client.infer("java-reward", [texts("prompt", prompts), texts("completion", completions)])
for completion, reward in zip(completions[:, 0], result.as_numpy("reward")[:, 0]):
    print(f"reward {reward:.3f}  {completion}")

answers = queue.Queue()
client.start_stream(lambda result, error: answers.put((result, error)))
stream = triton.InferInput("stream", [1], "BOOL")
stream.set_data_from_numpy(np.array([True]))
client.async_stream_infer(
    "java-tiny",
    [texts("text_input", prompts[0]), stream, texts("sampling_parameters", np.array(['{"temperature": 0, "max_tokens": 12}'], dtype=object))],
)
while True:
    result, error = answers.get(timeout=60)
    if error is not None:
        raise error
    print(result.as_numpy("text_output")[0].decode(), end="")
    if result.get_response().parameters["triton_final_response"].bool_param:
        break
print()
client.stop_stream()
