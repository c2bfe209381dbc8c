"""Every block of Python in the README, and on the page for trainers, runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Running

CLIENT = Path(__file__).resolve().parents[1]
PAGES = [CLIENT / "README.md", CLIENT.parents[1] / "docs" / "users" / "trainer.md"]
BLOCKS = [block for page in PAGES for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)]


def test_there_are_blocks() -> None:
    assert len(BLOCKS) == 6


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[1])
def test_a_block_runs(running: Running, block: str) -> None:
    environment = os.environ | {"BALLAST_TARGET": running.target, "BALLAST_TOKEN": running.token}

    done = subprocess.run([sys.executable, "-c", block], env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout
