"""Errors pass from a worker's process to its trainer's, whatever carries them."""

from __future__ import annotations

import pickle

import grpc
import pytest

from ballast import errors


def test_a_refusal_keeps_all_that_it_says() -> None:
    error = errors.Overloaded("full", code=grpc.StatusCode.RESOURCE_EXHAUSTED, domain="reward-server", metadata={"limit": "8"}, retry_delay=1.5, request_id="a")

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (errors.Overloaded, "full", vars(error))


def test_a_batch_without_a_value_keeps_the_reason_of_each_item() -> None:
    failures = (errors.ItemFailure("TOO_LONG", "items[0].text: 301 tokens, limit 96"), errors.ItemFailure("OVERLOADED", "later"))

    copy = pickle.loads(pickle.dumps(errors.AllItemsFailed(failures)))

    assert type(copy) is errors.AllItemsFailed
    assert copy.failures == failures
    assert str(copy) == "all 2 items failed (OVERLOADED, TOO_LONG); the first: items[0].text: 301 tokens, limit 96"


@pytest.mark.parametrize("kind", errors.BallastError.__subclasses__())
def test_every_kind_can_be_pickled(kind: type[errors.BallastError]) -> None:
    error = kind([errors.ItemFailure("TOO_LONG", "long")]) if kind is errors.AllItemsFailed else kind("no")

    assert type(pickle.loads(pickle.dumps(error))) is kind
