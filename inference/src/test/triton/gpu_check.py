#!/usr/bin/env python3
"""gpu_check.py FOLDER [--rows 1,8,32] [--tokens 64] [--prompt 512] [--no-numpy]: runs a decoder that was exported (FOLDER is its <name>/<version>) by CuPy
on the first GPU and by NumPy, compares what they expect and draw, and times both. Prints JSON; ends with 1 where they differ. Needs no Triton."""
import argparse
import json
import sys
import time

import numpy as np

TOLERANCE = 1e-4  # of a logit, whose spread is some units


def prompts(network, rows, tokens):
    random = np.random.default_rng(7)
    return [random.integers(0, network.vocabulary_size, max(1, tokens - row % 5)) for row in range(rows)]


def draw(network, prompts, tokens):
    """Draws greedily for all at once; returns the ids, all logits, and the seconds of the prompts and of the rest."""
    rows = [[ids, 0, network.memory(len(ids) + tokens)] for ids in prompts]
    drawn, told, seconds = [], [], []
    for step in range(tokens):
        begin = time.perf_counter()
        logits = network.logits([tuple(row) for row in rows])
        chosen = logits.argmax(-1)
        seconds.append(time.perf_counter() - begin)
        for row, token in zip(rows, chosen):
            row[1] += len(row[0])
            row[0] = np.array([token])
        drawn.append(chosen)
        told.append(logits)
    return np.array(drawn).T, told, seconds[0], sum(seconds[1:])


def compare(cpu, gpu, rows, prompt, tokens):
    """Feeds both what the CPU draws, so that a tie cannot part them; returns the largest difference, and whether both draw the same."""
    begin = prompts(cpu, rows, prompt)
    state = {network: [[ids, 0, network.memory(len(ids) + tokens)] for ids in begin] for network in (cpu, gpu)}
    apart, same, margin = 0.0, True, np.inf
    for step in range(tokens):
        one, two = (network.logits([tuple(row) for row in state[network]]) for network in (cpu, gpu))
        apart = max(apart, float(np.abs(one - two).max()))
        same = same and bool((one.argmax(-1) == two.argmax(-1)).all())
        best = np.sort(one, axis=-1)[:, -2:]
        margin = min(margin, float((best[:, 1] - best[:, 0]).min()))
        for rows_of in state.values():
            for row, token in zip(rows_of, one.argmax(-1)):
                row[1] += len(row[0])
                row[0] = np.array([token])
        if step == tokens // 2:  # one leaves and one joins, with a prompt, between two tokens
            for network, rows_of in state.items():
                rows_of[0] = [begin[0][: 1 + len(begin[0]) // 2], 0, network.memory(len(begin[0]) + tokens)]
    return apart, same, margin


def timed(network, row_counts, prompt, tokens):
    figures = {}
    for rows in row_counts:
        draw(network, prompts(network, rows, 8), 4)  # warm
        runs = [draw(network, prompts(network, rows, 8), tokens)[3] for _ in range(3)]
        figures[f"decode_{rows}_tokens_per_s"] = round(rows * (tokens - 1) / sorted(runs)[1], 1)
    first = [draw(network, prompts(network, 1, prompt), 1)[2] for _ in range(4)]
    figures[f"prefill_{prompt}_tokens_per_s"] = round(prompt / sorted(first)[1], 1)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--rows", default="1,8,32", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--tokens", default=64, type=int)
    parser.add_argument("--prompt", default=512, type=int)
    parser.add_argument("--no-numpy", action="store_true", help="do not time numpy")
    options = parser.parse_args()
    sys.path.insert(0, options.folder)
    from gpu import GpuNetwork
    from network import Network

    cpu, gpu = Network(options.folder), GpuNetwork(options.folder, 0)
    prompt = min(options.prompt, cpu.context_tokens - options.tokens)
    apart, same, margin = compare(cpu, gpu, 3, min(prompt, 100), 24)
    answer = {"largest_difference": apart, "same_greedy_tokens": same, "smallest_lead": margin}
    answer["gpu"] = timed(gpu, options.rows, prompt, options.tokens)
    if not options.no_numpy:
        answer["numpy"] = timed(cpu, options.rows, prompt, options.tokens)
    print(json.dumps(answer))
    return 0 if apart <= TOLERANCE and same else 1


if __name__ == "__main__":
    sys.exit(main())
