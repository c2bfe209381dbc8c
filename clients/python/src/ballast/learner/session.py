"""A session of a mesh's learner."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, TypeVar

from google.protobuf import duration_pb2

from ballast.client import Mesh, content, selector
from ballast.errors import BallastError, ItemFailure, UnknownResource
from ballast.learner import operation as ended
from ballast.learner.batch import Group, GroupNumbers, Objective, enum_name, numbers
from ballast.learner.operation import AnyResult, ForwardBackwardResult, LoadResult, Operation, SaveResult, StepResult
from ballast.learner.v1 import learner_service_pb2
from ballast.sampling import SampledGroup, Sampling, group_of

R = TypeVar("R")

Gradients = Sequence[Sequence[Sequence[float]]]
"""∂loss/∂logp of each token: for each group, of each completion, shape [T]."""
CustomLoss = Callable[[tuple[GroupNumbers, ...]], Gradients]
"""Gets the log-probabilities of all groups under the weights in training, and gives the gradients by them."""

_AT_ONCE = duration_pb2.Duration()
# seconds for a close after an error, which may be that no mesh is there any more
_LAST_WORD = 2.0


@dataclass(frozen=True)
class Optimizer:
    """AdamW; None takes the learner's default, which the proto's ``OptimizerConfig`` says."""

    learning_rate: float
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None
    max_gradient_norm: float | None = None


@dataclass(frozen=True)
class Adapters:
    """Low-rank adapters that are trained in place of the weights (LoRA); None takes the learner's default, which the proto's ``AdapterConfig`` says."""

    rank: int
    alpha: float | None = None
    projections: Sequence[str] = ()
    """The proto's names in small letters without their prefix, such as ``"q_proj"``; none: all seven."""
    seed: int | None = None

    def message(self) -> learner_service_pb2.AdapterConfig:
        """Returns these adapters as a message."""
        known = learner_service_pb2.AdapterProjection.keys()
        names = [enum_name(known, f"projections[{i}]", name) for i, name in enumerate(self.projections)]
        return learner_service_pb2.AdapterConfig(rank=self.rank, alpha=self.alpha, projections=names, seed=self.seed)


class Session:
    """Weights in training. As a context manager it is closed at the end, which frees its memory; what was saved stays.

    Work is queued in the order of the calls, and answers with an :class:`~ballast.learner.Operation`: ``.result()`` waits. Each call that changes
    something carries an idempotency key, so that one whose answer was lost is repeated without a second effect; ``key=`` gives one of your own, by which
    another process may repeat it.
    """

    def __init__(self, mesh: Mesh, session_id: str) -> None:
        """Goes on with an open session, such as one of a process that has ended."""
        self._mesh = mesh
        self.session_id = session_id
        """Its id, a UUID."""

    @classmethod
    def create(
        cls,
        mesh: Mesh,
        optimizer: Optimizer,
        model: str = "",
        *,
        version: str = "",
        alias: str = "",
        adapters: Adapters | None = None,
        average_decay: float | None = None,
        key: str = "",
    ) -> Session:
        """Opens a session from a version, which stays as its frozen reference.

        With ``adapters`` they are trained and the weights are not: sessions on one version share it. With ``average_decay`` an exponential moving
        average of what is trained is kept, which :meth:`forward` asks and :meth:`publish` writes with ``average=True``.
        """
        request = learner_service_pb2.CreateSessionRequest(
            metadata=mesh.metadata(key or _new_key()),
            base=selector(model, version, alias),
            optimizer=learner_service_pb2.OptimizerConfig(**vars(optimizer)),
            adapters=adapters.message() if adapters else None,
            average_decay=average_decay,
        )
        return cls(mesh, mesh.call_again(mesh.learner.CreateSession, request).session.session_id)

    @staticmethod
    def open_ones(mesh: Mesh) -> list[OpenSession]:
        """Returns the sessions of the mesh's tenant that are open, oldest first: to go on with one, or to close what a process left that has ended."""
        request = learner_service_pb2.ListSessionsRequest(metadata=mesh.metadata())
        return [_open(mesh, each) for each in mesh.call_again(mesh.learner.ListSessions, request).sessions]

    @staticmethod
    def checkpoints(mesh: Mesh) -> list[Checkpoint]:
        """Returns what is kept of the mesh's tenant, the newest first, at most 1,000: checkpoints of sessions, open or not, and of runs under way."""
        request = learner_service_pb2.ListCheckpointsRequest(metadata=mesh.metadata(), page_size=1_000)
        answer = mesh.call_again(mesh.learner.ListCheckpoints, request)
        return [Checkpoint(each.name, each.size_bytes, each.save_time.ToDatetime(timezone.utc)) for each in answer.checkpoints]

    @staticmethod
    def forget(mesh: Mesh, checkpoint: str) -> None:
        """Deletes a checkpoint that a session kept; does nothing if it is gone already."""
        with suppress(UnknownResource):
            mesh.call_again(mesh.learner.DeleteCheckpoint, learner_service_pb2.DeleteCheckpointRequest(metadata=mesh.metadata(), checkpoint=checkpoint))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.close()
            return
        with suppress(BallastError):  # what went wrong before is what counts
            self.close(timeout=_LAST_WORD)

    def close(self, timeout: float | None = None) -> None:
        """Frees the session's memory and forgets its operations; does nothing if it is gone already."""
        with suppress(UnknownResource):
            self._call(self._mesh.learner.CloseSession, learner_service_pb2.CloseSessionRequest(), timeout=timeout)

    @property
    def updates_count(self) -> int:
        """How many updates are done."""
        answer = self._call(self._mesh.learner.GetSession, learner_service_pb2.GetSessionRequest())
        return int(answer.session.updates_count)

    def forward(self, groups: Sequence[Group], *, reference: bool = False, average: bool = False) -> tuple[GroupNumbers, ...]:
        """Returns log-probabilities and entropies under the weights in training, their average, or the frozen reference; no gradients."""
        if reference and average:
            raise ValueError("average: beside reference (expected: one of them)")
        weights = learner_service_pb2.FORWARD_WEIGHTS_CURRENT
        if reference:
            weights = learner_service_pb2.FORWARD_WEIGHTS_REFERENCE
        if average:
            weights = learner_service_pb2.FORWARD_WEIGHTS_AVERAGE
        request = learner_service_pb2.ForwardRequest(groups=[group.message() for group in groups], weights=weights)
        return numbers(self._call(self._mesh.learner.Forward, request).groups)

    def forward_backward(self, groups: Sequence[Group], loss: Objective | CustomLoss, *, key: str = "") -> Operation[ForwardBackwardResult]:
        """Adds gradients: of an objective by name, or of a loss of your own.

        A loss of your own is called with the log-probabilities of ``groups`` and gives the gradient of the loss by each of them.
        """
        request = learner_service_pb2.ForwardBackwardRequest(groups=[group.message() for group in groups])
        if isinstance(loss, Objective):
            request.objective.CopyFrom(loss.message())
        else:
            request.caller_gradients.SetInParent()
            _put(loss(self.forward(groups)), request)
        return self._begin(self._mesh.learner.ForwardBackward, request, key, ended.forward_backward)

    def optim_step(self, learning_rate: float | None = None, *, key: str = "") -> Operation[StepResult]:
        """Updates the weights with the gradients added so far, which are then cleared; None takes the session's learning rate."""
        request = learner_service_pb2.OptimizerStepRequest(learning_rate=learning_rate)
        return self._begin(self._mesh.learner.OptimizerStep, request, key, ended.step)

    def save(self, checkpoint: str, *, key: str = "") -> Operation[SaveResult]:
        """Keeps the weights, or the adapters alone, with the optimiser's state and the average under a name, which is overwritten."""
        request = learner_service_pb2.SaveWeightsRequest(checkpoint=checkpoint)
        return self._begin(self._mesh.learner.SaveWeights, request, key, ended.save)

    def publish(self, version: str, *, average: bool = False, register: bool = True, key: str = "") -> Operation[SaveResult]:
        """Publishes the weights, or their average, as a version of the base's model: a Hugging Face folder, which never changes again.

        Of adapters, it is the base with them added. With ``register`` the policy-server knows the version then, so that it can be sampled from and
        tested; if only that fails the operation fails, and publishing the same weights again registers them.
        """
        request = learner_service_pb2.SaveWeightsRequest(publish_version=version, average=average, register=register)
        return self._begin(self._mesh.learner.SaveWeights, request, key, ended.save)

    def load(self, checkpoint: str, *, key: str = "") -> Operation[LoadResult]:
        """Goes back to a checkpoint, exactly; only from a session that was opened as the checkpoint's was."""
        request = learner_service_pb2.LoadWeightsRequest(checkpoint=checkpoint)
        return self._begin(self._mesh.learner.LoadWeights, request, key, ended.load)

    def operation(self, operation_id: str) -> Operation[AnyResult]:
        """Comes back to an operation of this or another process."""
        return Operation(self._mesh, operation_id, ended.any_result)

    def sample(
        self,
        prompts: Sequence[str | Sequence[int]],
        n: int = 1,
        sampling: Sampling | None = None,
        *,
        max_prompt_tokens: int | None = None,
        timeout: float | None = None,
    ) -> list[SampledGroup | ItemFailure]:
        """Returns ``n`` completions for each prompt from the weights in training, or why there are none.

        For ratios, take :meth:`forward`'s log-probabilities: sampling and training round differently.
        """
        request = learner_service_pb2.SampleFromSessionRequest(
            prompts=[content(prompt) for prompt in prompts],
            completions_count=n,
            sampling=(sampling or Sampling()).message(),
            max_prompt_tokens=max_prompt_tokens,
        )
        return [_group(sample) for sample in self._call(self._mesh.learner.SampleFromSession, request, timeout=timeout).samples]

    def _begin(self, method: Callable[..., Any], request: Any, key: str, read: Callable[[learner_service_pb2.Operation], R]) -> Operation[R]:
        request.wait_duration.CopyFrom(_AT_ONCE)
        answer = self._call(method, request, key or _new_key())
        return Operation(self._mesh, answer.operation.operation_id, read)

    def _call(self, method: Callable[..., Any], request: Any, key: str = "", timeout: float | None = None) -> Any:
        request.session_id = self.session_id
        request.metadata.CopyFrom(self._mesh.metadata(key))
        return self._mesh.call_again(method, request, self._mesh.deadline(timeout))


@dataclass(frozen=True)
class Checkpoint:
    """Weights that were kept, with what a session needs to go on from them."""

    name: str
    size_bytes: int
    saved: datetime
    """When it was kept, UTC."""


@dataclass(frozen=True)
class OpenSession:
    """A session that is open, and what tells it from others."""

    session: Session
    model: str
    version: str
    """What it began from."""
    updates_count: int
    """Updates done."""
    created: datetime
    """When it was opened, UTC."""


def _open(mesh: Mesh, session: learner_service_pb2.Session) -> OpenSession:
    return OpenSession(
        session=Session(mesh, session.session_id),
        model=session.base_version.model,
        version=session.base_version.version,
        updates_count=session.updates_count,
        created=session.create_time.ToDatetime(timezone.utc),
    )


def _new_key() -> str:
    return str(uuid.uuid4())


def _put(gradients: Gradients, request: learner_service_pb2.ForwardBackwardRequest) -> None:
    if len(gradients) != len(request.groups):
        raise ValueError(f"gradients: {len(gradients):,} groups (expected: {len(request.groups):,})")
    for i, (of_group, group) in enumerate(zip(gradients, request.groups, strict=True)):
        if len(of_group) != len(group.completions):
            raise ValueError(f"gradients[{i}]: {len(of_group):,} completions (expected: {len(group.completions):,})")
        for of_completion, completion in zip(of_group, group.completions, strict=True):
            completion.log_prob_gradients.extend(float(gradient) for gradient in of_completion)


def _group(sample: learner_service_pb2.SessionSample) -> SampledGroup | ItemFailure:
    if sample.HasField("failure"):
        return ItemFailure.of(sample.failure)
    return group_of(sample.prompt_tokens, sample.completions)
