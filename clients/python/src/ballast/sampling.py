"""How tokens are drawn, and what was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ballast.mesh.v1 import mesh_pb2

if TYPE_CHECKING:
    from ballast.learner.v1 import learner_service_pb2
    from ballast.policy.v1 import policy_service_pb2


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn; None takes the mesh's default. The proto's ``SamplingOptions`` say each range.

    A learner session takes the first six only, and refuses the others by name.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    max_new_tokens: int | None = None
    stop_strings: Sequence[str] = ()
    seed: int | None = None
    """The same request with the same seed on the same weights draws the same tokens; None: the mesh draws one and tells it."""
    min_p: float | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    min_new_tokens: int | None = None
    stop_token_ids: Sequence[int] = ()
    regex: str | None = None
    json_schema: str | None = None

    def message(self) -> mesh_pb2.SamplingOptions:
        """Returns these options as a message."""
        set_fields = {name: value for name, value in vars(self).items() if value not in (None, (), [], {})}
        return mesh_pb2.SamplingOptions(**set_fields)


@dataclass(frozen=True)
class Completion:
    """One sampled completion of T tokens."""

    text: str
    """Ends before a stop string."""
    tokens: tuple[int, ...]
    """Shape [T], without an end-of-text token."""
    log_probs: tuple[float, ...]
    """Shape [T], nats, at temperature 1 and untruncated, as the sampler computed them."""
    sampling_log_probs: tuple[float, ...]
    """Shape [T], nats, under the distribution that was drawn from; of a learner session empty."""
    stop_reason: str
    """Such as ``MAX_TOKENS`` or ``STOP_STRING``: the names of the proto's ``StopReason``."""


@dataclass(frozen=True)
class SampledGroup:
    """The completions of one prompt."""

    prompt_tokens: tuple[int, ...]
    """The prompt as the model saw it."""
    completions: tuple[Completion, ...]


def group_of(
    prompt_tokens: mesh_pb2.TokenSequence,
    completions: Iterable[policy_service_pb2.Completion | learner_service_pb2.SessionCompletion],
) -> SampledGroup:
    """Returns a prompt and its completions from their messages."""
    return SampledGroup(
        tuple(prompt_tokens.token_ids),
        tuple(
            Completion(
                text=completion.text,
                tokens=tuple(completion.tokens.token_ids),
                log_probs=tuple(completion.log_probs),
                sampling_log_probs=tuple(getattr(completion, "sampling_log_probs", ())),
                stop_reason=mesh_pb2.StopReason.Name(completion.stop_reason).removeprefix("STOP_REASON_"),
            )
            for completion in completions
        ),
    )
