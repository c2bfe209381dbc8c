"""What a learner is given, and the numbers that it gives for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
    """Whether it is the preferred one of a pair, or with ``"kto"`` a good one; only preference objectives read it."""
    preference_baseline: float | None = None
    """KTO's z, nats, at least 0: an estimate of KL(π ‖ π_ref) from completions of other prompts; None: 0."""
    served_log_probs: Sequence[float] = ()
    """Shape [T], nats, as whoever sampled said; needed with the knob ``importance_cap``, which corrects for sampling in other arithmetic."""
    loss_mask: Sequence[float] = ()
    """Shape [T], 0 to 1: the share with which each token enters a named objective's loss; none: 1."""
    from_reference: bool = False
    """Whether the reference sampled it: the third completion of each group of ``"xpo"``, beside a pair."""


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
                    preference_baseline=completion.preference_baseline,
                    served_log_probs=completion.served_log_probs,
                    loss_mask=completion.loss_mask,
                    from_reference=completion.from_reference,
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
    The kinds are ``policy_gradient``, ``ppo_clip``, ``gspo``, ``cispo``, ``cross_entropy``, and of preferences ``dpo``, ``cdpo``, ``rdpo``, ``ipo``,
    ``kto``, ``slic``, ``simpo``, ``orpo``, ``xpo``.
    """

    kind: str
    clip_low: float | None = None
    clip_high: float | None = None
    beta: float | None = None
    kl_coefficient: float | None = None
    kl_estimator: str | None = None
    entropy_coefficient: float | None = None
    aggregation: str | None = None
    divisor_tokens: int | None = None
    """What sums are divided by with ``aggregation="constant_divisor"`` (Dr. GRPO), and only with it."""
    knobs: Mapping[str, float] = field(default_factory=dict, hash=False)
    """The kind's numbers by name, such as ``{"flip_rate": 0.1}`` or ``{"importance_cap": 2}``: ``./mesh algorithms`` lists them with their defaults."""

    def message(self) -> learner_service_pb2.NamedObjective:
        """Returns this objective as a message."""
        message = learner_service_pb2.NamedObjective(knobs=self.knobs)
        for name, value in vars(self).items():
            described = message.DESCRIPTOR.fields_by_name[name]
            if value is None or name == "knobs":
                continue
            if described.enum_type is None:
                setattr(message, name, value)
                continue
            wanted = enum_name([v.name for v in described.enum_type.values], name, value)
            setattr(message, name, described.enum_type.values_by_name[wanted].number)
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
