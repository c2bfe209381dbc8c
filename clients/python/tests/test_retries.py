"""What may pass is tried again, for as long as there is time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from ballast import errors
from ballast.retries import Retries


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def retries(time: Time) -> Retries:
    return Retries(first_wait=1, longest_wait=4, clock=time.clock, sleep=time.sleep, chance=random.Random(7))


class Failing:
    """Fails so many times with an error, then returns the seconds that it was left."""

    def __init__(self, times: int, error: errors.BallastError) -> None:
        self.times = times
        self.error = error

    def __call__(self, left: float) -> float:
        self.times -= 1
        if self.times >= 0:
            raise self.error
        return left


def test_waits_double_with_jitter_up_to_the_longest() -> None:
    time = Time()

    left = retries(time).run(Failing(4, errors.Unreachable("away")), retries(time).deadline(100))

    # 1, 2, 4, 4 seconds, each times 0.5 to 1
    assert [0.5 <= slept / full <= 1 for slept, full in zip(time.slept, [1, 2, 4, 4], strict=True)] == [True] * 4
    assert left == pytest.approx(100 - sum(time.slept))


def test_waits_as_long_as_the_server_asks() -> None:
    time = Time()

    retries(time).run(Failing(1, errors.Overloaded("full", retry_delay=7)), retries(time).deadline(100))

    assert time.slept == [7]


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    time = Time()

    with pytest.raises(errors.Overloaded, match="full"):
        retries(time).run(Failing(9, errors.Overloaded("full", retry_delay=3)), retries(time).deadline(7))
    assert time.slept == [3, 3]


@pytest.mark.parametrize("kind", [errors.MalformedRequest, errors.DeadlineExceeded, errors.InternalError, errors.PreconditionFailed])
def test_what_does_not_pass_is_not_tried_again(kind: type[errors.BallastError]) -> None:
    time = Time()

    with pytest.raises(kind):
        retries(time).run(Failing(1, kind("no")), retries(time).deadline(100))
    assert time.slept == []


def test_a_timeout_is_above_zero() -> None:
    with pytest.raises(ValueError, match=r"timeout: 0 \(expected: > 0 seconds\)"):
        Retries().deadline(0)
