"""Work of a session that takes long, and can be come back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf import duration_pb2

from ballast import errors
from ballast.client import Mesh
from ballast.learner.batch import GroupNumbers, numbers
from ballast.learner.v1 import learner_service_pb2
from ballast.retries import Deadline

R = TypeVar("R")

# so that a call that waits is shorter than what cuts idle connections
_LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class ForwardBackwardResult:
    """What a forward-backward found."""

    loss: float
    """With gradients of the caller's Σ gᵗ·logpᵗ."""
    metrics: Mapping[str, float]
    """Such as ``kl_nats``, ``entropy_nats``, ``clip_fraction``; all finite."""
    groups: tuple[GroupNumbers, ...]
    """Under the weights in training, before the update."""


@dataclass(frozen=True)
class StepResult:
    """What an update did."""

    gradient_norm: float
    """Before clipping."""
    updates_count: int
    """Updates done, this one included."""


@dataclass(frozen=True)
class SaveResult:
    """What was saved: a version of the model store, or a checkpoint."""

    model: str
    version: str
    weights_sha256: str
    checkpoint: str
    """Its name; empty if a version was published."""


@dataclass(frozen=True)
class LoadResult:
    """What was loaded."""

    updates_count: int
    """Updates done at the checkpoint."""


AnyResult = ForwardBackwardResult | StepResult | SaveResult | LoadResult


class Operation(Generic[R]):
    """Work of a session, under way or ended. Another process comes back to it with ``session.operation(operation_id)``.

    A session remembers all that waits and the last 128 that have ended, until it is closed.
    """

    def __init__(self, mesh: Mesh, operation_id: str, read: Callable[[learner_service_pb2.Operation], R]) -> None:
        self._mesh = mesh
        self._read = read
        self.operation_id = operation_id
        """Its id, a UUID."""

    def done(self) -> bool:
        """Whether it has ended."""
        request = learner_service_pb2.GetOperationRequest(metadata=self._mesh.metadata(), operation_id=self.operation_id)
        return _ended(self._mesh.call_again(self._mesh.learner.GetOperation, request).operation)

    def result(self, timeout: float | None = None) -> R:
        """Waits, through failures of the connection too, and returns what came of it.

        :param timeout: seconds; None: the mesh's
        :raises BallastError: the fault that it ended with; :class:`~ballast.errors.OperationCancelled`; :class:`~ballast.errors.DeadlineExceeded`
            if it is still under way, when it can be waited for again
        """
        deadline = self._mesh.deadline(timeout)
        while True:
            operation = self._wait(deadline)
            if _ended(operation):
                return self._read(succeeded(operation))
            if deadline.passed():
                raise errors.DeadlineExceeded(f"operation {self.operation_id}: still under way; wait for it again")

    def _wait(self, deadline: Deadline) -> learner_service_pb2.Operation:
        wait = min(deadline.left(), _LONGEST_WAIT)
        request = learner_service_pb2.WaitOperationRequest(
            metadata=self._mesh.metadata(),
            operation_id=self.operation_id,
            wait_duration=duration_pb2.Duration(seconds=int(wait), nanos=int(wait % 1 * 1e9)),
        )
        # the answer to a wait that ends with the deadline comes a little after it
        answer: learner_service_pb2.WaitOperationResponse = self._mesh.retries.run(
            lambda left: self._mesh.call(self._mesh.learner.WaitOperation, request, left + 1), deadline
        )
        return answer.operation

    def cancel(self) -> bool:
        """Takes it back if it has not begun; returns whether it was."""
        request = learner_service_pb2.CancelOperationRequest(metadata=self._mesh.metadata(), operation_id=self.operation_id)
        answer = self._mesh.call_again(self._mesh.learner.CancelOperation, request)
        return bool(answer.operation.state == learner_service_pb2.OPERATION_STATE_CANCELLED)


def _ended(operation: learner_service_pb2.Operation) -> bool:
    return operation.state != learner_service_pb2.OPERATION_STATE_RUNNING


def succeeded(operation: learner_service_pb2.Operation) -> learner_service_pb2.Operation:
    """Returns ``operation``, which has ended, or raises why it has no result."""
    if operation.state == learner_service_pb2.OPERATION_STATE_FAILED:
        raise errors.of_reason(operation.error_reason, operation.error_message)
    if operation.state == learner_service_pb2.OPERATION_STATE_CANCELLED:
        raise errors.OperationCancelled(f"operation {operation.operation_id}: taken back before it began")
    return operation


def forward_backward(operation: learner_service_pb2.Operation) -> ForwardBackwardResult:
    """Reads the result of a forward-backward."""
    result = operation.forward_backward
    return ForwardBackwardResult(result.loss, dict(result.metrics), numbers(result.groups))


def step(operation: learner_service_pb2.Operation) -> StepResult:
    """Reads the result of an update."""
    return StepResult(operation.optimizer_step.gradient_norm, operation.optimizer_step.updates_count)


def save(operation: learner_service_pb2.Operation) -> SaveResult:
    """Reads the result of a save."""
    result = operation.save_weights
    return SaveResult(result.version.model, result.version.version, result.version.weights_sha256, result.checkpoint)


def load(operation: learner_service_pb2.Operation) -> LoadResult:
    """Reads the result of a load."""
    return LoadResult(operation.load_weights.updates_count)


_READERS: Mapping[str, Callable[[learner_service_pb2.Operation], AnyResult]] = {
    "forward_backward": forward_backward,
    "optimizer_step": step,
    "save_weights": save,
    "load_weights": load,
}


def any_result(operation: learner_service_pb2.Operation) -> AnyResult:
    """Reads the result of an operation of which only the id was known."""
    kind = operation.WhichOneof("result")
    if kind not in _READERS:
        raise errors.InternalError(f"operation {operation.operation_id}: result {kind!r} (expected: one of {', '.join(_READERS)})")
    return _READERS[kind](operation)
