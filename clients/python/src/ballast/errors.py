"""What a mesh refuses, as exceptions with the server's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

from ballast.mesh.v1 import mesh_pb2

_DETAILS = "grpc-status-details-bin"
_REQUEST_ID = "x-request-id"


@dataclass(frozen=True)
class ItemFailure:
    """Why one item of a batch has no value; the others are not affected."""

    reason: str
    """Such as ``TOO_LONG`` or ``INVALID_INPUT``: the names of the proto's ``FailureReason``."""
    message: str
    """The server's sentence, with the field's path and values."""

    @classmethod
    def of(cls, failure: mesh_pb2.ItemFailure) -> ItemFailure:
        """Returns what ``failure`` says."""
        name = mesh_pb2.FailureReason.Name(failure.reason)
        return cls(name.removeprefix("FAILURE_REASON_"), failure.message)

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class BallastError(Exception):
    """A call that a mesh refused, or that did not reach one.

    ``str()`` gives the server's message, which names the field and the value: ``items: 5,000 items (expected: 1 to 4,096)``.
    """

    reason: str = ""
    """The machine's word for it, such as ``MALFORMED_REQUEST``; empty where the server gave none."""

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        code: grpc.StatusCode | None = None,
        domain: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_delay: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = type(self).reason if reason is None else reason
        self.code = code
        """gRPC's status code; None if no call failed, such as for an operation."""
        self.domain = domain
        """The process that refused: ``ballast``, or with ``./mesh up --split`` a server such as ``reward-server``; empty where it is not known."""
        self.metadata = dict(metadata or {})
        """The values of the message, by name."""
        self.retry_delay = retry_delay
        """How many seconds the server asks to wait before another try; None if it asks for none."""
        self.request_id = request_id
        """Finds the call in the mesh's logs and traces."""


class MalformedRequest(BallastError, ValueError):
    """The request has to be mended: a length, a range, a number that is not finite."""

    reason = "MALFORMED_REQUEST"


class MessageTooLarge(MalformedRequest):
    """The request is longer than a mesh takes at once, so that nothing of it was read; or the answer than this client takes."""


class UnknownModel(BallastError, LookupError):
    """There is no such model, version or alias."""

    reason = "UNKNOWN_MODEL"


class UnknownResource(BallastError, LookupError):
    """There is no such session, operation or checkpoint, or it is another tenant's."""

    reason = "UNKNOWN_RESOURCE"


class AlreadyExists(BallastError):
    """The name is taken by something else."""

    reason = "ALREADY_EXISTS"


class VersionConflict(BallastError):
    """Something has changed meanwhile: read it again, then redo."""

    reason = "VERSION_CONFLICT"


class Forbidden(BallastError):
    """The operator does not allow it."""

    reason = "FORBIDDEN"


class SafetyGateClosed(BallastError):
    """It needs a certificate that holds."""

    reason = "SAFETY_GATE_CLOSED"


class PreconditionFailed(BallastError):
    """The thing is in a state in which this cannot be done, such as a step without gradients."""

    reason = "PRECONDITION_FAILED"


class SafetyTestRefused(PreconditionFailed):
    """A safety test was not started; nothing was spent by that."""

    @property
    def refusal(self) -> str:
        """Why: ``PROMPTS_SPENT``, ``SET_CLOSED``, ``OTHER_RULE``, ``POOL_USED_UP``, where other prompts may do; ``WEIGHTS_SPENT``, ``ACCOUNT_SPENT``,
        ``OTHER_ACCOUNT_RULE``, where they do not; ``SAME_COST_MODEL``, ``COMMON_LABELS``, where the judge depends on what was optimised against."""
        return self.metadata["refusal"]


class Overloaded(BallastError):
    """The mesh has no room now; ``retry_delay`` says when to try again."""

    reason = "OVERLOADED"


class TimedOut(BallastError, TimeoutError):
    """What the request itself allowed is over."""

    reason = "TIMED_OUT"


class ModelLoading(BallastError):
    """The model is being loaded: try again in a moment."""

    reason = "MODEL_LOADING"


class DependencyDown(BallastError):
    """Something that the mesh needs is away: try again in a moment."""

    reason = "DEPENDENCY_DOWN"


class DependencyBroken(BallastError):
    """Something that the mesh needs broke its contract, or a model gave a number that is not finite."""

    reason = "DEPENDENCY_BROKEN"


class CorruptWeights(BallastError):
    """A model's files are not what their checksums say."""

    reason = "CORRUPT_WEIGHTS"


class NotBuilt(BallastError, NotImplementedError):
    """It is declared and not built."""

    reason = "NOT_IMPLEMENTED"


class DeadlineExceeded(BallastError, TimeoutError):
    """The deadline that the caller gave has passed."""


class Unreachable(BallastError, ConnectionError):
    """No mesh answers at the address, or it stopped during the call."""


class Unauthenticated(BallastError):
    """The mesh asks for a token, or for another one."""


class InternalError(BallastError):
    """A bug of the mesh; its log says more under ``request_id``."""


class OperationCancelled(BallastError):
    """The operation was taken back before it began."""


class SafetyTestFailed(BallastError):
    """A safety test could not be carried out; it says nothing of the version."""


class AllItemsFailed(BallastError):
    """Not one item of a batch has a value, so there is nothing to learn from."""

    def __init__(self, failures: Sequence[ItemFailure]) -> None:
        kinds = sorted({failure.reason for failure in failures})
        super().__init__(f"all {len(failures):,} items failed ({', '.join(kinds)}); the first: {failures[0].message}")
        self.failures = tuple(failures)
        """Why, in the order of the items."""

    def __reduce__(self) -> tuple[type[AllItemsFailed], tuple[tuple[ItemFailure, ...]]]:
        """Pickled by the failures: an exception's own way would make it of its message, and a worker's would not reach its trainer."""
        return type(self), (self.failures,)


_BY_REASON: dict[str, type[BallastError]] = {kind.reason: kind for kind in BallastError.__subclasses__() if kind.reason}

# for what a server did not say the reason of
_BY_CODE: dict[grpc.StatusCode, type[BallastError]] = {
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAVAILABLE: Unreachable,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: Forbidden,
    grpc.StatusCode.INVALID_ARGUMENT: MalformedRequest,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNIMPLEMENTED: NotBuilt,
    grpc.StatusCode.INTERNAL: InternalError,
}


# how gRPC itself refuses a message, without details, under the code that a mesh has for no room
_TOO_LARGE = ("larger than max", "exceeds maximum size")


def of_reason(reason: str, message: str) -> BallastError:
    """Returns the exception for a fault that an operation ended with."""
    return _BY_REASON.get(reason, InternalError)(message, reason=reason)


def of_call(error: grpc.RpcError) -> BallastError:
    """Returns the exception for a failed call, with what its ``google.rpc`` details say."""
    trailers: dict[str, str | bytes] = {pair.key: pair.value for pair in error.trailing_metadata() or ()}
    request_id = trailers.get(_REQUEST_ID, "")
    code = error.code()
    message = error.details() or code.name
    info, retry_delay = error_details_pb2.ErrorInfo(), None
    details = trailers.get(_DETAILS)
    if isinstance(details, bytes):
        status = status_pb2.Status.FromString(details)
        message = status.message or message
        for detail in status.details:
            retry = error_details_pb2.RetryInfo()
            if detail.Unpack(retry):
                retry_delay = retry.retry_delay.ToTimedelta().total_seconds()
            detail.Unpack(info)
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, BallastError)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and not info.reason and any(words in message for words in _TOO_LARGE):
        kind = MessageTooLarge
    if kind is PreconditionFailed and "refusal" in info.metadata:
        kind = SafetyTestRefused
    return kind(
        message,
        reason=info.reason or None,
        code=code,
        domain=info.domain,
        metadata=info.metadata,
        retry_delay=retry_delay,
        request_id=request_id if isinstance(request_id, str) else request_id.decode(),
    )
