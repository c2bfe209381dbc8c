"""Rewards of a real mesh, by the reward function that TRL calls."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from conftest import Running, free_ports

from ballast import AllItemsFailed, ItemFailure, Mesh, errors
from ballast.client import content
from ballast.retries import Retries
from ballast.reward.v1 import reward_service_pb2
from ballast.scoring import Score, Scorer
from ballast.trl import BallastReward

PROMPT = "for (int i = 0; i < "
COMPLETIONS = ["list.size(); i++) {", "banana", "n; i++) {"]
PROMPTS = [PROMPT] * len(COMPLETIONS)


class Logs:
    """What a trainer was told."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}
        self.columns: dict[str, list[Any]] = {}

    def ask(self, reward: BallastReward, prompts: list[Any], completions: list[Any], **columns: Any) -> list[float | None]:
        return reward(
            prompts=prompts,
            completions=completions,
            completion_ids=[[0]] * len(completions),
            trainer_state=None,
            log_extra=self.columns.__setitem__,
            log_metric=self.metrics.__setitem__,
            **columns,
        )


def raw(client: Mesh, prompts: list[str], completions: list[str]) -> reward_service_pb2.ScoreResponse:
    """Asks by gRPC alone."""
    items = [
        reward_service_pb2.ScoreItem(prompt=content(prompt), completion=content(completion)) for prompt, completion in zip(prompts, completions, strict=True)
    ]
    request = reward_service_pb2.ScoreRequest(metadata=client.metadata(), items=items)
    return client.call(client.reward.Score, request)


def test_rewards_are_those_that_score_gives_by_grpc(client: Mesh) -> None:
    results = raw(client, PROMPTS, COMPLETIONS).results
    logs = Logs()

    assert logs.ask(BallastReward(client), PROMPTS, COMPLETIONS) == [result.value for result in results]
    assert logs.columns["ballast_spread"] == [result.spread for result in results]
    assert logs.metrics == {"ballast/spread": pytest.approx(sum(r.spread for r in results) / 3), "ballast/failed": 0}


def test_the_members_of_the_ensemble_come_along(client: Mesh) -> None:
    score = Scorer(client).score(PROMPTS, COMPLETIONS)[0]

    assert isinstance(score, Score)
    assert len(score.members) == 5
    # the default is WCO: the lowest member
    assert score.value == min(score.members)


def test_a_bad_item_is_none_and_the_others_have_numbers(client: Mesh, caplog: pytest.LogCaptureFixture) -> None:
    logs = Logs()
    completions = [COMPLETIONS[0], "", "x " * 6_000]

    with caplog.at_level(logging.WARNING):
        rewards = logs.ask(BallastReward(client, name="quality"), PROMPTS, completions, answer=["1", "2", "3"])

    assert rewards == [raw(client, PROMPTS[:1], COMPLETIONS[:1]).results[0].value, None, None]
    failures = logs.columns["quality_failure"]
    assert failures[0] is None
    assert failures[1].startswith("INVALID_INPUT: items[1].completion: ")
    assert failures[2].startswith("TOO_LONG: items[2].completion: ")
    assert logs.columns["quality_spread"][1:] == [None, None]
    assert logs.metrics["quality/failed"] == pytest.approx(2 / 3)
    assert [record.getMessage() for record in caplog.records] == [f"quality: step ?: no reward: {failure}" for failure in failures[1:]]


def test_all_failed_is_an_error(client: Mesh) -> None:
    logs = Logs()

    with pytest.raises(AllItemsFailed, match=r"all 2 items failed \(INVALID_INPUT\); the first: items\[0\]\.completion: ") as raised:
        logs.ask(BallastReward(client), PROMPTS[:2], ["", ""])
    assert len(raised.value.failures) == 2
    assert logs.metrics == {"ballast/failed": 1}


def test_no_completions_are_no_call(client: Mesh) -> None:
    assert BallastReward(client)([], []) == []


def test_batches_give_what_one_call_gives(client: Mesh) -> None:
    prompts, completions = PROMPTS * 3, [f"{c} // {i}" for i in range(3) for c in COMPLETIONS]

    whole = Scorer(client).score(prompts, completions)
    parts = Scorer(client, batch_items=2).score(prompts, completions)

    assert [s.value for s in parts if isinstance(s, Score)] == pytest.approx([s.value for s in whole if isinstance(s, Score)], abs=1e-5)
    assert len(whole) == 9


def test_more_bytes_than_a_message_takes_are_several_messages(client: Mesh) -> None:
    long = "x" * 5_000_000

    outcomes = Scorer(client).score([PROMPT] * 5, [long, long, COMPLETIONS[0], long, long])

    assert [o.reason if isinstance(o, ItemFailure) else "" for o in outcomes] == ["TOO_LONG", "TOO_LONG", "", "TOO_LONG", "TOO_LONG"]


def test_conversations_are_scored_by_their_contents(client: Mesh) -> None:
    prompts = [[{"role": "system", "content": "Java"}, {"role": "user", "content": [{"type": "text", "text": PROMPT}]}]]
    completions = [[{"role": "assistant", "content": COMPLETIONS[0]}]]

    assert BallastReward(client)(prompts, completions) == BallastReward(client)([f"Java\n{PROMPT}"], COMPLETIONS[:1])
    assert BallastReward(client, render=lambda messages: PROMPT)(prompts, completions) == BallastReward(client)([PROMPT], COMPLETIONS[:1])


def test_an_image_is_refused_by_name(client: Mesh) -> None:
    prompts = [[{"role": "user", "content": [{"type": "image"}]}]]

    with pytest.raises(ValueError, match=r"content: a part of type 'image' \(expected: text"):
        BallastReward(client)(prompts, ["x"])


def test_truncation_tells_what_was_dropped(client: Mesh) -> None:
    long = "int a = 0; " * 100

    refused = Scorer(client).score([long], ["x"])[0]
    cut = Scorer(client, truncation="keep_last").score([long], ["x"])[0]

    assert isinstance(refused, ItemFailure) and refused.reason == "TOO_LONG"
    assert isinstance(cut, Score) and cut.dropped_tokens > 0


def test_an_aggregation_is_chosen_by_name(client: Mesh) -> None:
    score = Scorer(client, aggregation="mean").score(PROMPTS[:1], COMPLETIONS[:1])[0]

    assert isinstance(score, Score)
    assert score.value == pytest.approx(sum(score.members) / 5)


def test_a_parameter_without_its_aggregation_is_refused(client: Mesh) -> None:
    with pytest.raises(ValueError, match="uwo_lambda: 1 without an aggregation"):
        Scorer(client, uwo_lambda=1)


def test_a_refused_request_says_what_the_server_says(client: Mesh) -> None:
    with pytest.raises(errors.UnknownModel, match="no-such-model") as raised:
        Scorer(client, "no-such-model").score(PROMPTS, COMPLETIONS)
    assert raised.value.reason == "UNKNOWN_MODEL"
    assert raised.value.code is not None and raised.value.code.name == "NOT_FOUND"
    assert raised.value.request_id


def test_lists_of_unequal_length_are_refused_here(client: Mesh) -> None:
    with pytest.raises(ValueError, match=r"completions: 3 for 2 prompts \(expected: as many\)"):
        Scorer(client).score(PROMPTS[:2], COMPLETIONS)


def test_a_guarded_mesh_asks_for_its_token(running: Running) -> None:
    with Mesh(running.target, token="another") as stranger, pytest.raises(errors.Unauthenticated):
        Scorer(stranger).score(PROMPTS, COMPLETIONS)


def test_a_mesh_that_is_not_there_is_unreachable() -> None:
    target = f"127.0.0.1:{free_ports(1)[0]}"
    waits: list[float] = []
    with Mesh({"reward": target}, timeout=5, retries=Retries(sleep=waits.append)) as nobody:
        nobody.retries.clock = lambda: sum(waits)
        with pytest.raises(errors.Unreachable):
            Scorer(nobody).score(PROMPTS, COMPLETIONS)
        with pytest.raises(ValueError, match=r"target: no address for 'policy' \(has: reward\)"):
            _ = nobody.policy
    assert 0 < sum(waits) <= 5
