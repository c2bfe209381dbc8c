"""A real mesh for the tests, started from the checkout and stopped afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ballast import Mesh
from ballast.learner import Optimizer, Session

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "of-the-tests"


@dataclass(frozen=True)
class Running:
    """A mesh that answers."""

    target: str
    token: str
    data: Path


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The mesh at BALLAST_TARGET with its folder BALLAST_DATA; without them one of the tests' own, which asks for a token."""
    if "BALLAST_TARGET" in os.environ:
        yield Running(os.environ["BALLAST_TARGET"], os.environ.get("BALLAST_TOKEN", ""), Path(os.environ["BALLAST_DATA"]))
        return
    data = tmp_path_factory.mktemp("mesh")
    port, http_port = free_ports(2)
    where = ["--port", str(port), "--http-port", str(http_port), "--data", str(data)]
    mesh("up", "--detach", "--json", *where, "--set", f"ballast.token={TOKEN}")
    try:
        yield Running(f"127.0.0.1:{port}", TOKEN, data)
    finally:
        mesh("down", "--data", str(data))


def mesh(*arguments: str) -> str:
    """Runs ./mesh and returns what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BALLAST_") or name in KEPT}
    done = subprocess.run([ROOT / "mesh", *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"./mesh {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


KEPT = ("BALLAST_BUILD", "BALLAST_JDKS", "BALLAST_JAVA_OPTIONS", "BALLAST_MAVEN_OPTIONS")


def free_ports(count: int) -> list[int]:
    """Returns ports of the loopback that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


@pytest.fixture(scope="session")
def client(running: Running) -> Iterator[Mesh]:
    """A client of it."""
    with Mesh(running.target, token=running.token, tenant="python-tests") as client:
        yield client


@pytest.fixture
def session(client: Mesh) -> Iterator[Session]:
    """A session of its learner, from the small model that comes with it."""
    with Session.create(client, Optimizer(learning_rate=1e-4), "java-tiny", version="1") as session:
        yield session
