"""Asks a KServe v2 server through tritonclient, so many requests in flight: a line of JSON in, a line of JSON out.

usage: tritonclient_peer.py HOST:PORT NUMBERS
"""

import json
import sys
import threading
import time


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    address, numbers = sys.argv[1], int(sys.argv[2])
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
        model = question["model"]
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

        start, start_cpu = time.perf_counter(), time.process_time()
        for _ in range(question["requests"]):
            room.acquire()
            x = grpc.InferInput("X", values.shape, "FP32")
            x.set_data_from_numpy(values)
            client.async_infer(model, [x], callback=done, outputs=[grpc.InferRequestedOutput("Y")])
        for _ in range(question["requests"]):
            answered.acquire()
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
        if failures:
            raise SystemExit(failures[0])
        say({"seconds": seconds, "cpu_seconds": cpu_seconds})


main()
