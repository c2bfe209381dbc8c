"""The package builds as a source distribution, that as a wheel without the checkout, and the wheel installs alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

from conftest import Running

HERE = Path(__file__).resolve().parents[1]
ASKED = """
from ballast import Mesh
from ballast.trl import BallastReward
with Mesh() as mesh:
    print(BallastReward(mesh)(["int size = list."], ["size();"])[0])
"""


def run(*command: str | Path, **environment: str) -> str:
    """Runs a command away from the checkout's folder and returns what it prints."""
    done = subprocess.run(command, env=os.environ | environment, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_builds_and_installs_into_a_clean_environment(running: Running, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, HERE)
    with tarfile.open(tmp_path / "ballast_client-0.1.0.tar.gz") as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "unpacked")
    assert "ballast_client-0.1.0/proto/ballast/learner/v1/learner_service.proto" in names
    assert not [name for name in names if "_pb2" in name], "stubs are made, not shipped as sources"

    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, tmp_path / "unpacked" / "ballast_client-0.1.0")
    python = tmp_path / "venv" / "bin" / "python"
    venv.create(tmp_path / "venv", with_pip=True)
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", tmp_path / "ballast_client-0.1.0-py3-none-any.whl")

    installed = run(python, "-m", "pip", "list", "--format", "freeze").lower()
    assert "torch" not in installed
    assert float(run(python, "-c", ASKED, BALLAST_TARGET=running.target, BALLAST_TOKEN=running.token))
    files = run(python, "-c", "import ballast, pathlib; print(*pathlib.Path(ballast.__file__).parent.rglob('*'))")
    assert "py.typed" in files and "reward_service_pb2.pyi" in files
