"""The connection to a mesh."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar

import grpc

from ballast import errors
from ballast.mesh.v1 import mesh_pb2
from ballast.policy.v1 import policy_service_pb2_grpc, version_service_pb2_grpc
from ballast.retries import Deadline, Retries
from ballast.reward.v1 import reward_service_pb2_grpc
from ballast.safety.v1 import safety_service_pb2_grpc
from ballast.tls import Tls

Priority = Literal["interactive", "trainer", "batch"]
Server = Literal["policy", "reward", "safety", "orchestrator"]
T = TypeVar("T")

SERVERS: tuple[Server, ...] = ("policy", "reward", "safety", "orchestrator")
DEFAULT_TARGET = "127.0.0.1:9100"
MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class Mesh:
    """A mesh at one address, or at one for each server. A context manager; safe for use by many threads.

    :param target: ``host:port``, or such a text for each of ``policy``, ``reward``, ``safety`` and ``orchestrator`` as far as they are asked;
        None takes ``BALLAST_TARGET``, and without that ``127.0.0.1:9100``
    :param token: what a guarded mesh asks for; None takes ``BALLAST_TOKEN``, and without that sends none
    :param tenant: on whose behalf; sessions and feedback of one tenant are invisible to another
    :param priority: the lane; trainers wait behind what people wait for
    :param tls: what encrypts, such as ``Tls(authorities=pem)``; True trusts the authorities that gRPC comes with, bytes are the PEM of others, False is
        plain text; None takes ``BALLAST_TLS_CA``, ``BALLAST_CLIENT_CERTIFICATE`` and ``BALLAST_CLIENT_KEY``, and without them is plain text
    :param timeout: seconds that a call may take with its retries, unless it says otherwise
    :param retries: when idempotent calls are tried again
    """

    def __init__(
        self,
        target: str | Mapping[Server, str] | None = None,
        *,
        token: str | None = None,
        tenant: str = "",
        priority: Priority = "trainer",
        tls: Tls | bool | bytes | None = None,
        timeout: float = 60.0,
        retries: Retries | None = None,
    ) -> None:
        self.tenant = tenant
        self.timeout = timeout
        self.retries = retries or Retries()
        self._priority = f"PRIORITY_{priority.upper()}"
        token = os.environ.get("BALLAST_TOKEN", "") if token is None else token
        self._headers = (("authorization", f"Bearer {token}"),) if token else ()
        target = target or os.environ.get("BALLAST_TARGET") or DEFAULT_TARGET
        self._targets: dict[Server, str] = dict.fromkeys(SERVERS, target) if isinstance(target, str) else dict(target)
        self._tls = _tls(tls)
        self._channels: dict[str, Any] = {address: self._open(address) for address in self._targets.values()}

    def __enter__(self) -> Mesh:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections; calls under way fail."""
        for channel in self._channels.values():
            channel.close()

    @property
    def policy(self) -> Any:
        """The generated stub of ``ballast.policy.v1.PolicyService``."""
        return policy_service_pb2_grpc.PolicyServiceStub(self.channel("policy"))

    @property
    def versions(self) -> Any:
        """The generated stub of ``ballast.policy.v1.VersionService``."""
        return version_service_pb2_grpc.VersionServiceStub(self.channel("policy"))

    @property
    def reward(self) -> Any:
        """The generated stub of ``ballast.reward.v1.RewardService``."""
        return reward_service_pb2_grpc.RewardServiceStub(self.channel("reward"))

    @property
    def safety(self) -> Any:
        """The generated stub of ``ballast.safety.v1.SafetyService``."""
        return safety_service_pb2_grpc.SafetyServiceStub(self.channel("safety"))

    @property
    def learner(self) -> Any:
        """The generated stub of ``ballast.learner.v1.LearnerService``."""
        # its package also holds Session, which imports this module
        from ballast.learner.v1 import learner_service_pb2_grpc

        return learner_service_pb2_grpc.LearnerServiceStub(self.channel("orchestrator"))

    def channel(self, server: Server) -> Any:
        """Returns the gRPC channel to ``server``, for stubs that are not named here."""
        if server not in self._targets:
            raise ValueError(f"target: no address for {server!r} (has: {', '.join(sorted(self._targets))})")
        return self._channels[self._targets[server]]

    def metadata(self, idempotency_key: str = "") -> mesh_pb2.RequestMetadata:
        """Returns who asks, for the ``metadata`` of a request."""
        return mesh_pb2.RequestMetadata(tenant=self.tenant, priority=self._priority, idempotency_key=idempotency_key)

    def call(self, method: Callable[..., T], request: Any, timeout: float | None = None) -> T:
        """Calls ``method`` of a stub once; a failure is a :class:`~ballast.errors.BallastError`."""
        try:
            return method(request, timeout=self.timeout if timeout is None else timeout, metadata=self._headers)
        except grpc.RpcError as error:
            raise errors.of_call(error) from error

    def call_again(self, method: Callable[..., T], request: Any, deadline: Deadline | None = None) -> T:
        """As :meth:`call`, trying again what may pass until ``deadline``: for what is idempotent, or has an idempotency key."""
        return self.retries.run(lambda left: self.call(method, request, left), deadline or self.deadline())

    def deadline(self, timeout: float | None = None) -> Deadline:
        """Returns the end of what may take ``timeout`` seconds from now; None: the mesh's."""
        return self.retries.deadline(self.timeout if timeout is None else timeout)

    def _open(self, address: str) -> Any:
        options: Sequence[tuple[str, int]] = (
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.enable_retries", 0),
        )
        if self._tls is None:
            return grpc.insecure_channel(address, options=options)
        return grpc.secure_channel(address, self._tls.credentials(), options=options)


def _tls(given: Tls | bool | bytes | None) -> Tls | None:
    if given is None:
        return Tls.of_environment()
    if isinstance(given, bool):
        return Tls() if given else None
    return Tls(given) if isinstance(given, bytes) else given


def selector(model: str = "", version: str = "", alias: str = "") -> mesh_pb2.ModelSelector:
    """Returns which model is meant: a version, or what an alias points to; both empty is the alias ``serving``."""
    if version and alias:
        raise ValueError(f"version: {version!r} beside alias {alias!r} (expected: at most one of them)")
    chosen = mesh_pb2.ModelSelector(model=model)
    if version:
        chosen.version = version
    elif alias:
        chosen.alias = alias
    return chosen


def content(text_or_tokens: str | Sequence[int]) -> mesh_pb2.TextOrTokens:
    """Returns text or token ids as a message."""
    if isinstance(text_or_tokens, str):
        return mesh_pb2.TextOrTokens(text=text_or_tokens)
    return mesh_pb2.TextOrTokens(tokens=mesh_pb2.TokenSequence(token_ids=text_or_tokens))
