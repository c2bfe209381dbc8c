"""What a learner is given, and the numbers that it gives for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ballast.learner.v1 import learner_service_pb2
from ballast.mesh.v1 import mesh_pb2
from ballast.sampling import SampledGroup


@dataclass(frozen=True)
class TrainingCompletion:
    """One completion of T tokens with the numbers that an objective needs; a list has T of them, or none."""

    tokens: Sequence[int]
    """Shape [T], T ≥ 1."""
    advantages: Sequence[float] = ()
    """Shape [T], or [1], which stands for all tokens."""
    behaviour_log_probs: Sequence[float] = ()
    """Shape [T], nats, under the policy that sampled; none: the weights in training, so the ratio is 1."""
    reference_log_probs: Sequence[float] = ()
    """Shape [T], nats, under the reference; none: computed where the objective needs them."""
    preferred: bool = False
    """Whether it is the preferred one of a pair; only preference objectives read it."""


@dataclass(frozen=True)
class Group:
    """Completions of one prompt, which share its computation."""

    prompt: Sequence[int]
    """At least one token."""
    completions: Sequence[TrainingCompletion]

    @classmethod
    def of(cls, sampled: SampledGroup, advantages: Iterable[float] = ()) -> Group:
        """Returns the completions of ``sampled`` that have tokens, each with its advantage if there are any."""
        given: list[Sequence[float]] = [[advantage] for advantage in advantages] or [[]] * len(sampled.completions)
        pairs = zip(sampled.completions, given, strict=True)
        return cls(sampled.prompt_tokens, [TrainingCompletion(c.tokens, advantages=a) for c, a in pairs if c.tokens])

    def message(self) -> learner_service_pb2.TrainingGroup:
        """Returns this group as a message."""
        return learner_service_pb2.TrainingGroup(
            prompt_tokens=mesh_pb2.TokenSequence(token_ids=self.prompt),
            completions=[
                learner_service_pb2.TrainingCompletion(
                    tokens=mesh_pb2.TokenSequence(token_ids=completion.tokens),
                    advantages=completion.advantages,
                    behaviour_log_probs=completion.behaviour_log_probs,
                    reference_log_probs=completion.reference_log_probs,
                    preferred=completion.preferred,
                )
                for completion in self.completions
            ],
        )


@dataclass(frozen=True)
class Numbers:
    """What the model says of one completion of T tokens."""

    log_probs: tuple[float, ...]
    """Shape [T], nats."""
    entropies: tuple[float, ...]
    """Shape [T], nats, of the distribution that predicted each token."""


GroupNumbers = tuple[Numbers, ...]
"""Those of a group's completions, in their order."""


def numbers(groups: Iterable[learner_service_pb2.GroupNumbers]) -> tuple[GroupNumbers, ...]:
    """Returns the numbers of messages."""
    return tuple(tuple(Numbers(tuple(c.log_probs), tuple(c.entropies)) for c in group.completions) for group in groups)


@dataclass(frozen=True)
class Objective:
    """An objective that the learner knows by name, with its parameters; None takes the learner's default.

    ``kind``, ``kl_estimator`` and ``aggregation`` are the proto's names in small letters without their prefix: ``"ppo_clip"``, ``"k3"``, ``"token_mean"``.
    """

    kind: str
    clip_low: float | None = None
    clip_high: float | None = None
    beta: float | None = None
    kl_coefficient: float | None = None
    kl_estimator: str | None = None
    entropy_coefficient: float | None = None
    aggregation: str | None = None

    def message(self) -> learner_service_pb2.NamedObjective:
        """Returns this objective as a message."""
        message = learner_service_pb2.NamedObjective()
        for name, value in vars(self).items():
            field = message.DESCRIPTOR.fields_by_name[name]
            if value is None:
                continue
            if field.enum_type is None:
                setattr(message, name, value)
                continue
            wanted = enum_name([v.name for v in field.enum_type.values], name, value)
            setattr(message, name, field.enum_type.values_by_name[wanted].number)
        return message


def enum_name(names: Sequence[str], argument: str, value: object) -> str:
    """Returns the one of an enum's ``names`` that ``value`` is in small letters without their prefix; the first, which ends in UNSPECIFIED, is none.

    :raises ValueError: naming the argument and what there is
    """
    prefix = names[0].removesuffix("UNSPECIFIED")
    wanted = prefix + str(value).upper()
    if wanted not in names[1:]:
        known = ", ".join(name.removeprefix(prefix).lower() for name in names[1:])
        raise ValueError(f"{argument}: {value!r} (expected: one of {known})")
    return wanted
