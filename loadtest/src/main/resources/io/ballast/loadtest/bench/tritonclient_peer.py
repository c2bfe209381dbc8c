"""Asks a KServe v2 server through tritonclient, so many requests in flight: a line of JSON in, a line of JSON out.

usage: tritonclient_peer.py HOST:PORT MODEL NUMBERS
"""

import json
import sys
import threading
import time


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    address, model, numbers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    try:
        import importlib.metadata

        import numpy
        import tritonclient.grpc as grpc
    except ImportError as e:
        say({"absent": str(e.name)})
        return
    client = grpc.InferenceServerClient(address)
    values = numpy.arange(numbers, dtype=numpy.float32).reshape(1, numbers)
    say({"ready": "tritonclient " + importlib.metadata.version("tritonclient")})
    for line in sys.stdin:
        question = json.loads(line)
        room = threading.Semaphore(question["in_flight"])
        answered = threading.Semaphore(0)
        failures = []

        def done(result, error):
            if error is not None:
                failures.append(str(error))
            elif result.as_numpy("Y").shape != values.shape:
                failures.append("an answer of another shape")
            room.release()
            answered.release()

        start = time.perf_counter()
        for _ in range(question["requests"]):
            room.acquire()
            x = grpc.InferInput("X", values.shape, "FP32")
            x.set_data_from_numpy(values)
            client.async_infer(model, [x], callback=done, outputs=[grpc.InferRequestedOutput("Y")])
        for _ in range(question["requests"]):
            answered.acquire()
        seconds = time.perf_counter() - start
        if failures:
            raise SystemExit(failures[0])
        say({"seconds": seconds})


main()
