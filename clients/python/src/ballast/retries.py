"""When a call may be tried again, and how long to wait before that."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ballast import errors

T = TypeVar("T")

PASSING = (errors.Overloaded, errors.ModelLoading, errors.DependencyDown, errors.TimedOut, errors.Unreachable)


@dataclass
class Retries:
    """Tries again what may pass: waits double from ``first_wait`` to ``longest_wait``, with jitter, and are at least as long as the server asks."""

    first_wait: float = 0.2
    """Seconds, above 0."""
    longest_wait: float = 10.0
    """Seconds, at least ``first_wait``; a server may ask for more."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    def deadline(self, timeout: float) -> Deadline:
        """Returns the end of what may take ``timeout`` seconds from now."""
        if not timeout > 0:
            raise ValueError(f"timeout: {timeout} (expected: > 0 seconds)")
        return Deadline(self.clock() + timeout, self.clock)

    def run(self, call: Callable[[float], T], deadline: Deadline) -> T:
        """Returns what ``call`` returns, which gets the seconds that are left; it must be idempotent.

        The last error is raised once a wait would pass the deadline, and at once if it is not one that may pass.
        """
        tries = 0
        while True:
            try:
                return call(deadline.left())
            except PASSING as error:
                wait = self.wait(tries, error.retry_delay)
                if wait >= deadline.left():
                    raise
                self.sleep(wait)
                tries += 1

    def wait(self, tries: int, asked: float | None) -> float:
        """Returns the seconds to wait after ``tries`` waits before; ``asked`` is what the server asks for."""
        doubled = min(self.first_wait * 2.0 ** min(tries, 30), self.longest_wait)
        return max(doubled * self.chance.uniform(0.5, 1.0), asked or 0.0)


@dataclass(frozen=True)
class Deadline:
    """A point of time that several calls share."""

    end: float
    clock: Callable[[], float]

    def left(self) -> float:
        """Returns the seconds that are left, at least a millisecond, so that a late call fails as late."""
        return max(self.end - self.clock(), 1e-3)

    def passed(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self.end
