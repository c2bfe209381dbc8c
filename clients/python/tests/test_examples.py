"""The examples run as they stand, and do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import Running

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(example: str, running: Running, *arguments: str) -> str:
    """Runs an example against the mesh and returns what it prints."""
    environment = os.environ | {"BALLAST_TARGET": running.target, "BALLAST_TOKEN": running.token}
    done = subprocess.run([sys.executable, EXAMPLES / example, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_custom_loop_raises_the_reward(running: Running) -> None:
    output = run("custom_loop.py", running)

    rewards = [float(reward) for reward in re.findall(r"^step \d+: reward ([+-][\d.]+), gradient norm [\d.]+$", output, re.M)]
    assert len(rewards) == 8
    # learned from the same prompts; the mean of the last half against that of the first
    assert sum(rewards[4:]) > sum(rewards[:4])
    assert re.search(r"^published custom-[0-9a-f]{8}$", output, re.M)


def test_rays_workers_draw_and_score_for_a_loop_that_raises_the_reward(running: Running) -> None:
    output = run("ray_loop.py", running, running.target)

    steps = re.findall(r"^step \d+: reward ([+-][\d.]+), gradient norm [\d.]+, [1-4] prompts$", output, re.M)
    rewards = [float(reward) for reward in steps]
    assert len(rewards) == 8
    assert sum(rewards[4:]) > sum(rewards[:4])
    assert re.search(r"^published ray-[0-9a-f]{8}$", output, re.M)


def test_trl_trains_with_rewards_of_the_mesh(running: Running) -> None:
    output = run("trl_grpo.py", running, running.target, "2")

    assert re.findall(r"^step (\d+): reward [+-]\d+\.\d{3}, spread \d\.\d{3}, failed 0%$", output, re.M) == ["1", "2"]
