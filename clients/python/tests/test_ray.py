"""Workers of a real Ray ask a real mesh, each over a connection of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import ray
from conftest import Running

from ballast import AllItemsFailed, ItemFailure, Mesh, errors
from ballast.scoring import Score, Scorer
from ballast.trl import BallastReward

PROMPTS = ["int size = list.", "return new ", "for (int i = 0; i < ", "if (name == "]
SECONDS = 120
COMPLETIONS = ["size();", "ArrayList<>();", "n; i++) {", "null) {"]
# more tokens than the reward models see
TOO_LONG = "int a = 0; " * 60


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Ray on this machine alone."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 1024 * 1024)
    yield
    ray.shutdown()


@ray.remote(num_cpus=0, max_restarts=1, max_task_retries=1)
class Worker:
    """What a trainer's reward worker does, in a process of its own."""

    def __init__(self, target: str, token: str) -> None:
        self.mesh = Mesh(target, token=token, tenant="python-tests")

    def pid(self) -> int:
        return os.getpid()

    def score(self, prompts: list[str], completions: list[str]) -> list[Score | ItemFailure]:
        return Scorer(self.mesh).score(prompts, completions)

    def reward(self, prompts: list[str], completions: list[str]) -> list[float | None]:
        return BallastReward(self.mesh)(prompts, completions)


def told(*asked: Any) -> list[Any]:
    """What workers answered, in good time."""
    return ray.get(list(asked), timeout=SECONDS)


def workers(running: Running, count: int) -> list[Any]:
    return [Worker.remote(running.target, running.token) for _ in range(count)]


def test_workers_in_processes_of_their_own_are_told_what_one_caller_is(running: Running, client: Mesh) -> None:
    pair = workers(running, 2)
    shares = told(*(worker.score.remote(PROMPTS[i::2], COMPLETIONS[i::2]) for i, worker in enumerate(pair)))

    assert len({os.getpid(), *told(*(worker.pid.remote() for worker in pair))}) == 3
    together = [shares[i % 2][i // 2] for i in range(len(PROMPTS))]
    assert [outcome.value for outcome in together] == pytest.approx([outcome.value for outcome in Scorer(client).score(PROMPTS, COMPLETIONS)], abs=1e-5)


def test_a_worker_that_dies_is_started_again_and_asks_again(running: Running) -> None:
    (worker,) = workers(running, 1)
    before, pid = told(worker.score.remote(PROMPTS, COMPLETIONS), worker.pid.remote())

    os.kill(pid, signal.SIGKILL)

    after, another = told(worker.score.remote(PROMPTS, COMPLETIONS), worker.pid.remote())
    assert [outcome.value for outcome in after] == pytest.approx([outcome.value for outcome in before], abs=1e-5)
    assert another != pid


def test_an_item_fails_alone_and_its_reason_reaches_the_trainer(running: Running) -> None:
    (worker,) = workers(running, 1)

    (outcomes,) = told(worker.score.remote([PROMPTS[0], TOO_LONG], COMPLETIONS[:2]))

    assert isinstance(outcomes[0], Score)
    assert isinstance(outcomes[1], ItemFailure) and outcomes[1].reason == "TOO_LONG"


def test_what_a_worker_raises_is_raised_at_the_trainer_with_all_that_it_says(running: Running) -> None:
    (worker,) = workers(running, 1)

    with pytest.raises(AllItemsFailed, match="all 2 items failed") as failed:
        told(worker.reward.remote([TOO_LONG, TOO_LONG], COMPLETIONS[:2]))
    assert [failure.reason for failure in failed.value.failures] == ["TOO_LONG", "TOO_LONG"]

    stranger = Worker.remote(running.target, "of-nobody")
    with pytest.raises(errors.Unauthenticated) as refused:
        told(stranger.score.remote(PROMPTS, COMPLETIONS))
    assert refused.value.request_id
