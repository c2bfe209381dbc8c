"""Serves a GGUF file with llama.cpp on a free port of this machine, until its input ends.

usage: llama_server.py GGUF CONTEXT_TOKENS
"""

import os
import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = int(sys.argv[2])
params.n_parallel = 1
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.warmup = False
params.hostnames = ["127.0.0.1"]
params.port = 0
server = xllamacpp.Server(params)
print("READY", server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
