"""A reward function for TRL's trainers that asks a mesh."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ballast.client import Mesh
from ballast.errors import AllItemsFailed, ItemFailure
from ballast.scoring import Score, Scorer

_LOG = logging.getLogger(__name__)
_LOGGED_FAILURES = 3

Message = Mapping[str, Any]


class BallastReward:
    """``reward_funcs=BallastReward(mesh, …)``: the reward of a mesh's ensemble or composite for each completion.

    A completion without a reward is None, which TRL leaves out of its group, never a number; its reason is logged. If not one of a call has a
    reward, :class:`~ballast.errors.AllItemsFailed` is raised, where TRL itself would only warn and go on without learning.

    Logged as metrics, where the trainer offers ``log_metric``: ``<name>/spread``, the mean of the members' standard deviation, and
    ``<name>/failed``, the share of completions without a reward. Into the table of completions, with ``log_extra``: ``<name>_spread`` and
    ``<name>_failure``.

    :param mesh: where to ask
    :param model: the ensemble or composite; further keyword arguments are those of :class:`~ballast.scoring.Scorer`
    :param references: columns of the data set that a composite checks completions against; a mapping renames column to reference. A row whose value is
        None is sent without that reference
    :param render: makes one text of the messages before the completion, where prompts are conversations; None puts their contents on lines of their own
    :param name: what the trainer calls it in its logs
    """

    def __init__(
        self,
        mesh: Mesh,
        model: str = "",
        *,
        references: Sequence[str] | Mapping[str, str] = (),
        render: Callable[[Sequence[Message]], str] | None = None,
        name: str = "ballast",
        **scorer: Any,
    ) -> None:
        self.__name__ = name
        self._scorer = Scorer(mesh, model, **scorer)
        self._references = references if isinstance(references, Mapping) else {column: column for column in references}
        self._render = render or contents

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        *,
        trainer_state: Any = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Returns one reward for each completion, or None.

        :param prompts: texts, or conversations: lists of messages with ``role`` and ``content``
        :param completions: as the prompts
        :param completion_ids: the tokens of the trainer's tokenizer; not read, the texts are sent
        :param columns: the data set's columns, one value for each completion
        """
        if not completions:
            return []
        outcomes = self._scorer.score(
            [self._text(prompt) for prompt in prompts],
            [completion if isinstance(completion, str) else contents(completion) for completion in completions],
            self._references_of(len(completions), columns),
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, ItemFailure)]
        self._log(outcomes, failures, trainer_state, log_extra, log_metric)
        if len(failures) == len(outcomes):
            raise AllItemsFailed(failures)
        return [outcome.value if isinstance(outcome, Score) else None for outcome in outcomes]

    def _text(self, prompt: Any) -> str:
        return prompt if isinstance(prompt, str) else self._render(prompt)

    def _references_of(self, count: int, columns: Mapping[str, Any]) -> list[Mapping[str, str]] | None:
        if not self._references:
            return None
        missing = sorted(set(self._references) - set(columns))
        if missing:
            raise ValueError(f"references: no column {missing[0]!r} (the data set has: {', '.join(sorted(columns)) or 'none'})")
        return [self._references_at(i, columns) for i in range(count)]

    def _references_at(self, row: int, columns: Mapping[str, Any]) -> Mapping[str, str]:
        references = {}
        for column, name in self._references.items():
            value = columns[column][row]
            if isinstance(value, (str, int, float)):
                references[name] = str(value)
            elif value is not None:
                raise ValueError(f"references: column {column!r}: a {type(value).__name__} in row {row} (expected: str, int, float, bool or None)")
        return references

    def _log(
        self,
        outcomes: Sequence[Score | ItemFailure],
        failures: Sequence[ItemFailure],
        trainer_state: Any,
        log_extra: Callable[[str, list[Any]], None] | None,
        log_metric: Callable[[str, float], None] | None,
    ) -> None:
        spreads = [outcome.spread if isinstance(outcome, Score) else None for outcome in outcomes]
        known = [spread for spread in spreads if spread is not None]
        if log_extra is not None:
            log_extra(f"{self.__name__}_spread", list(spreads))
            log_extra(f"{self.__name__}_failure", [str(o) if isinstance(o, ItemFailure) else None for o in outcomes])
        if log_metric is not None:
            if known:
                log_metric(f"{self.__name__}/spread", sum(known) / len(known))
            log_metric(f"{self.__name__}/failed", len(failures) / len(outcomes))
        for failure in failures[:_LOGGED_FAILURES]:
            _LOG.warning("%s: step %s: no reward: %s", self.__name__, getattr(trainer_state, "global_step", "?"), failure)
        if len(failures) > _LOGGED_FAILURES:
            _LOG.warning("%s: and %d more of %d without a reward", self.__name__, len(failures) - _LOGGED_FAILURES, len(outcomes))


def contents(messages: Sequence[Message]) -> str:
    """Returns the text of the messages, each on lines of its own; of a content in parts, the parts of type ``text``."""
    return "\n".join(_content(message) for message in messages)


def _content(message: Message) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    others = sorted({part["type"] for part in content} - {"text"})
    if others:
        raise ValueError(f"content: a part of type {others[0]!r} (expected: text; a reward model reads no others)")
    return "".join(part["text"] for part in content)
