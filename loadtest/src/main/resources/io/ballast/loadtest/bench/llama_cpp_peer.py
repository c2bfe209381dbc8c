"""Generates greedily with llama.cpp (xllamacpp): a line of JSON in, a line of JSON out.

usage: llama_cpp_peer.py GGUF THREADS ROWS
"""

import json
import sys
import threading
import time


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    gguf, threads, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        import xllamacpp
    except ImportError as e:
        say({"absent": str(e.name)})
        return
    params = xllamacpp.CommonParams()
    params.model.path = gguf
    params.n_ctx = 512 * rows
    params.n_parallel = rows
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.warmup = True
    server = xllamacpp.Server(params)
    version = getattr(xllamacpp, "__version__", "unknown version")
    say({"ready": f"llama.cpp (xllamacpp {version})"})
    for line in sys.stdin:
        question = json.loads(line)
        count = question["new_tokens"]
        request = {
            "prompt": question["prompt"],
            "max_tokens": count,
            "temperature": 0,
            "ignore_eos": True,
            "cache_prompt": False,
        }
        drawn = []

        def complete():
            answer = server.handle_completions(request)
            drawn.append(answer["usage"]["completion_tokens"])

        workers = [threading.Thread(target=complete) for _ in range(question["rows"])]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds = time.perf_counter() - start
        if drawn != [count] * question["rows"]:
            raise SystemExit(f"{drawn} tokens instead of {count} each")
        say({"seconds": seconds})


main()
