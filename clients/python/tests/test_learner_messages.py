"""What the learner is sent, and the open sessions of a tenant; no mesh is needed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import grpc
import pytest

from ballast import Mesh
from ballast.learner import Checkpoint, Group, Objective, OpenSession, Session, TrainingCompletion
from ballast.learner.v1 import learner_service_pb2, learner_service_pb2_grpc
from ballast.mesh.v1 import mesh_pb2

KINDS = [name.removeprefix("OBJECTIVE_KIND_").lower() for name in learner_service_pb2.ObjectiveKind.keys()[1:]]


def test_every_kind_has_its_name() -> None:
    assert len(KINDS) == 14
    for number, kind in enumerate(KINDS, start=1):
        assert Objective(kind).message() == learner_service_pb2.NamedObjective(kind=number)


def test_every_kind_is_told_of() -> None:
    assert Objective.__doc__ is not None
    assert [kind for kind in KINDS if f"``{kind}``" not in Objective.__doc__] == []


def test_knobs_go_by_name_beside_what_has_a_field() -> None:
    message = Objective("cdpo", beta=0.2, knobs={"flip_rate": 0.3}).message()

    assert message == learner_service_pb2.NamedObjective(kind=learner_service_pb2.OBJECTIVE_KIND_CDPO, beta=0.2, knobs={"flip_rate": 0.3})


def test_sums_are_divided_by_a_constant() -> None:
    message = Objective("policy_gradient", aggregation="constant_divisor", divisor_tokens=64).message()

    assert message.aggregation == learner_service_pb2.LOSS_AGGREGATION_CONSTANT_DIVISOR
    assert message.divisor_tokens == 64
    assert not Objective("policy_gradient").message().HasField("divisor_tokens")


def test_objectives_with_equal_numbers_are_one() -> None:
    assert {Objective("dpo", knobs={"beta": 0.2}), Objective("dpo", knobs={"beta": 0.2})} == {Objective("dpo", knobs={"beta": 0.2})}


def test_what_a_completion_does_not_bring_is_absent() -> None:
    message = Group([1], [TrainingCompletion([2, 3])]).message()

    assert message.completions[0] == learner_service_pb2.TrainingCompletion(tokens=mesh_pb2.TokenSequence(token_ids=[2, 3]))
    assert not message.completions[0].HasField("preference_baseline")


def test_a_completion_brings_all_that_objectives_read() -> None:
    completion = TrainingCompletion(
        [2, 3],
        advantages=[1.0],
        behaviour_log_probs=[-1.0, -2.0],
        reference_log_probs=[-3.0, -4.0],
        preferred=True,
        preference_baseline=0.0,
        served_log_probs=[-5.0, -6.0],
        loss_mask=[0.0, 1.0],
        from_reference=True,
    )

    message = Group([1], [completion]).message().completions[0]

    assert message.HasField("preference_baseline") and message.preference_baseline == 0
    assert list(message.served_log_probs) == [-5, -6]
    assert list(message.loss_mask) == [0, 1]
    assert message.preferred and message.from_reference
    # but for the gradients of callers, which a loss of one's own brings
    unset = {field.name for field in message.DESCRIPTOR.fields} - {field.name for field, _ in message.ListFields()}
    assert unset == {"log_prob_gradients", "entropy_gradients"}


class Sessions(learner_service_pb2_grpc.LearnerServiceServicer):
    """Has two sessions of each tenant until they are closed."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.kept = ["new", "old"]

    def ListSessions(  # noqa: N802
        self, request: learner_service_pb2.ListSessionsRequest, context: grpc.ServicerContext
    ) -> learner_service_pb2.ListSessionsResponse:
        answer = learner_service_pb2.ListSessionsResponse()
        for i in range(2):
            session = answer.sessions.add(session_id=f"{request.metadata.tenant}-{i}", updates_count=i)
            session.base_version.CopyFrom(mesh_pb2.ModelVersion(model="tiny", version="1"))
            session.create_time.FromSeconds(60 * i)
        return answer

    def CloseSession(  # noqa: N802
        self, request: learner_service_pb2.CloseSessionRequest, context: grpc.ServicerContext
    ) -> learner_service_pb2.CloseSessionResponse:
        self.closed.append(request.session_id)
        return learner_service_pb2.CloseSessionResponse()

    def ListCheckpoints(  # noqa: N802
        self, request: learner_service_pb2.ListCheckpointsRequest, context: grpc.ServicerContext
    ) -> learner_service_pb2.ListCheckpointsResponse:
        answer = learner_service_pb2.ListCheckpointsResponse()
        for i, name in enumerate(self.kept[: request.page_size]):
            answer.checkpoints.add(name=name, size_bytes=10 + i).save_time.FromSeconds(60 - i)
        return answer

    def DeleteCheckpoint(  # noqa: N802
        self, request: learner_service_pb2.DeleteCheckpointRequest, context: grpc.ServicerContext
    ) -> learner_service_pb2.DeleteCheckpointResponse:
        self.kept.remove(request.checkpoint)
        return learner_service_pb2.DeleteCheckpointResponse()


@pytest.fixture
def sessions() -> Iterator[tuple[Sessions, str]]:
    service = Sessions()
    server = grpc.server(ThreadPoolExecutor(2))
    learner_service_pb2_grpc.add_LearnerServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_what_is_open_is_found_and_closed(sessions: tuple[Sessions, str]) -> None:
    service, target = sessions
    with Mesh(target, tenant="mine") as mesh:
        first, second = Session.open_ones(mesh)
        second.session.close()

    assert isinstance(first, OpenSession)
    assert first.session.session_id == "mine-0"
    assert (second.model, second.version, second.updates_count) == ("tiny", "1", 1)
    assert second.created == datetime(1970, 1, 1, 0, 1, tzinfo=timezone.utc)
    assert service.closed == ["mine-1"]


def test_what_is_kept_is_found_and_forgotten(sessions: tuple[Sessions, str]) -> None:
    service, target = sessions
    with Mesh(target, tenant="mine") as mesh:
        new, old = Session.checkpoints(mesh)
        Session.forget(mesh, old.name)

    assert new == Checkpoint("new", 10, datetime(1970, 1, 1, 0, 1, tzinfo=timezone.utc))
    assert service.kept == ["new"]
