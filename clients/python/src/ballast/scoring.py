"""Rewards from an ensemble or a composite, in batches that a mesh takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ballast.client import Mesh, content, selector
from ballast.errors import DeadlineExceeded, ItemFailure, MessageTooLarge
from ballast.retries import PASSING, Deadline
from ballast.reward.v1 import reward_service_pb2

Aggregation = Literal["mean", "wco", "uwo", "median", "lower_quantile", "uwo_sample"]
Truncation = Literal["keep_last", "keep_first"]

MAX_ITEMS = 4_096
# half of what a mesh takes by default, for what stands around the items
MAX_BATCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Score:
    """What the reward models said of one completion."""

    value: float
    """The aggregated reward, finite, higher is better."""
    spread: float | None
    """The standard deviation of the members; None for a composite."""
    members: tuple[float, ...]
    """Each member's score on the common scale, in the ensemble's order, of those that answered."""
    components: Mapping[str, float]
    """Of a composite, or of several objectives: what each said, by name, of those that have a value."""
    dropped_tokens: int
    """How many tokens of the prompt were not seen, because truncation was allowed."""


class Scorer:
    """Asks ``RewardService.Score``.

    :param model: the ensemble or composite; empty: the mesh's default
    :param version: pins a version; ``alias`` follows one instead; neither: the alias ``serving``
    :param aggregation: how the members become one reward; None: the mesh's default. A composite takes none
    :param uwo_lambda: weight of the variance in ``uwo`` and ``uwo_sample``, at least 0
    :param quantile: of ``lower_quantile``, above 0, at most 0.5
    :param truncation: which end of a prompt is kept that is longer than the models see; None: the item fails with TOO_LONG
    :param timeout: seconds for all batches of a call with their retries; None: the mesh's
    :param batch_items: the most items of one request, 1 to 4,096
    """

    def __init__(
        self,
        mesh: Mesh,
        model: str = "",
        *,
        version: str = "",
        alias: str = "",
        aggregation: Aggregation | None = None,
        uwo_lambda: float | None = None,
        quantile: float | None = None,
        truncation: Truncation | None = None,
        timeout: float | None = None,
        batch_items: int = MAX_ITEMS,
    ) -> None:
        if not 1 <= batch_items <= MAX_ITEMS:
            raise ValueError(f"batch_items: {batch_items:,} (expected: 1 to {MAX_ITEMS:,})")
        if aggregation is None and (uwo_lambda is not None or quantile is not None):
            name, value = ("uwo_lambda", uwo_lambda) if uwo_lambda is not None else ("quantile", quantile)
            raise ValueError(f"{name}: {value} without an aggregation (expected: absent, or an aggregation that reads it)")
        self._mesh = mesh
        self._timeout = timeout
        self._batch_items = batch_items
        self._request = reward_service_pb2.ScoreRequest(
            reward_model=selector(model, version, alias),
            truncation=None if truncation is None else f"TRUNCATION_{truncation.upper()}",
        )
        if aggregation is not None:
            method = f"AGGREGATION_METHOD_{aggregation.upper()}"
            chosen = reward_service_pb2.Aggregation(method=method, uwo_lambda=uwo_lambda, quantile=quantile)
            self._request.aggregation.CopyFrom(chosen)

    def score(
        self,
        prompts: Sequence[str | Sequence[int]],
        completions: Sequence[str | Sequence[int]],
        references: Sequence[Mapping[str, str]] | None = None,
    ) -> list[Score | ItemFailure]:
        """Returns for each completion its score, or why it has none: one bad item fails alone, also if it is longer than a message may be.

        Items that a mesh has no room for are asked again alone; if that is refused until the time is over, they keep their failure OVERLOADED.

        :param references: what components of a composite check each completion against, by name
        :raises BallastError: if a whole request of the first round is refused, and still is when the time is over; of a later one, if it is not for want of
            room or time
        """
        if len(prompts) != len(completions):
            raise ValueError(f"completions: {len(completions):,} for {len(prompts):,} prompts (expected: as many)")
        if references is not None and len(references) != len(completions):
            raise ValueError(f"references: {len(references):,} for {len(completions):,} completions (expected: as many)")
        items = [
            reward_service_pb2.ScoreItem(
                prompt=content(prompts[i]),
                completion=content(completions[i]),
                references=None if references is None else references[i],
            )
            for i in range(len(completions))
        ]
        deadline = self._mesh.deadline(self._timeout)
        outcomes: dict[int, Score | ItemFailure] = {}
        waiting, tries = list(range(len(items))), 0
        while waiting:
            try:
                for batch in self._batches(waiting, items):
                    outcomes.update(zip(batch, self._ask([items[i] for i in batch], deadline), strict=True))
            except (*PASSING, DeadlineExceeded):
                if tries == 0:
                    raise
                break  # what has a score keeps it, what had no room its failure
            waiting = [i for i in waiting if _overloaded(outcomes[i])]
            wait = self._mesh.retries.wait(tries, None)
            if not waiting or wait >= deadline.left():
                break
            self._mesh.retries.sleep(wait)
            tries += 1
        return [outcomes[i] for i in range(len(items))]

    def _batches(self, indices: Sequence[int], items: Sequence[reward_service_pb2.ScoreItem]) -> Iterator[list[int]]:
        batch: list[int] = []
        size = 0
        for i in indices:
            item_bytes = items[i].ByteSize()
            if batch and (len(batch) == self._batch_items or size + item_bytes > MAX_BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(i)
            size += item_bytes
        if batch:
            yield batch

    def _ask(self, items: Sequence[reward_service_pb2.ScoreItem], deadline: Deadline) -> list[Score | ItemFailure]:
        request = reward_service_pb2.ScoreRequest()
        request.CopyFrom(self._request)
        request.metadata.CopyFrom(self._mesh.metadata())
        request.items.extend(items)
        try:
            answer = self._mesh.call_again(self._mesh.reward.Score, request, deadline)
        except MessageTooLarge as error:
            if len(items) == 1:
                return [ItemFailure("TOO_LONG", f"an item of {items[0].ByteSize():,} bytes: {error}")]
            half = len(items) // 2
            return self._ask(items[:half], deadline) + self._ask(items[half:], deadline)
        return [_outcome(result) for result in answer.results]


def _overloaded(outcome: Score | ItemFailure) -> bool:
    return isinstance(outcome, ItemFailure) and outcome.reason == "OVERLOADED"


def _outcome(result: reward_service_pb2.ScoreResult) -> Score | ItemFailure:
    if result.WhichOneof("outcome") != "value":
        return ItemFailure.of(result.failure)
    return Score(
        value=result.value,
        spread=result.spread if result.HasField("spread") else None,
        members=tuple(member.normalised_score for member in result.members if member.HasField("normalised_score")),
        components={c.name: c.value for c in result.components if c.WhichOneof("outcome") == "value"},
        dropped_tokens=result.prompt_cut.dropped_tokens,
    )
