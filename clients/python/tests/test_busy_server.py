"""What is sent, and that what passes is asked again, over real gRPC: a server of the contract that has no room at first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import trustme
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from ballast import ItemFailure, Mesh, errors
from ballast.client import content
from ballast.mesh.v1 import mesh_pb2
from ballast.retries import Retries
from ballast.reward.v1 import reward_service_pb2, reward_service_pb2_grpc
from ballast.scoring import Score, Scorer
from ballast.trl import BallastReward


class Busy(reward_service_pb2_grpc.RewardServiceServicer):
    """Refuses calls as a mesh does: its first, or all from one on; otherwise has room for one more item in each call than in the call before."""

    def __init__(self) -> None:
        self.refusals = 0
        self.answers = 1_000
        self.words_of_grpc = ""
        self.room = 1
        self.asked: list[int] = []
        self.requests: list[reward_service_pb2.ScoreRequest] = []

    def Score(self, request: reward_service_pb2.ScoreRequest, context: grpc.ServicerContext) -> reward_service_pb2.ScoreResponse:  # noqa: N802
        self.asked.append(len(request.items))
        self.requests.append(request)
        if self.words_of_grpc:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, self.words_of_grpc)
        if self.refusals > 0 or self.answers == 0:
            self.refusals -= 1
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromSeconds(3)
            info = error_details_pb2.ErrorInfo(reason="OVERLOADED", domain="reward-server", metadata={"queued_tokens": "2000000"})
            context.set_trailing_metadata((("grpc-status-details-bin", details("models are busy", info, retry)), ("x-request-id", "r-7")))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "models are busy")
        answer = reward_service_pb2.ScoreResponse(results=[result(i, i < self.room) for i in range(len(request.items))])
        self.room += 1
        self.answers -= 1
        return answer


def details(message: str, *of: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> bytes:
    """The trailer of a status with details."""
    status = status_pb2.Status(code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], message=message)
    for detail in of:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status.SerializeToString()


def result(index: int, has_room: bool) -> reward_service_pb2.ScoreResult:
    if has_room:
        return reward_service_pb2.ScoreResult(item_id=str(index), value=index, spread=0.5)
    failure = mesh_pb2.ItemFailure(reason=mesh_pb2.FAILURE_REASON_OVERLOADED, message=f"items[{index}]: no room")
    return reward_service_pb2.ScoreResult(item_id=str(index), failure=failure)


@pytest.fixture
def busy() -> Iterator[tuple[Busy, str]]:
    service = Busy()
    server = grpc.server(ThreadPoolExecutor(2))
    reward_service_pb2_grpc.add_RewardServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"127.0.0.1:{port}"
    server.stop(None).wait()


class Waits(list[float]):
    """Waits that only move the clock."""

    def retries(self) -> Retries:
        return Retries(clock=lambda: sum(self), sleep=self.append)


def test_a_refused_call_waits_as_the_server_asks(busy: tuple[Busy, str]) -> None:
    service, target = busy
    service.refusals, waits = 2, Waits()

    with Mesh(target, timeout=60, retries=waits.retries()) as mesh:
        outcomes = Scorer(mesh).score(["p"], ["c"])

    assert [isinstance(outcome, Score) for outcome in outcomes] == [True]
    assert waits == [3, 3]


def test_a_call_that_is_refused_until_the_deadline_tells_all_that_the_server_said(busy: tuple[Busy, str]) -> None:
    service, target = busy
    service.refusals = 100

    with Mesh(target, timeout=7, retries=Waits().retries()) as mesh, pytest.raises(errors.Overloaded, match="models are busy") as raised:
        Scorer(mesh).score(["p"], ["c"])

    assert service.asked == [1, 1, 1]
    assert (raised.value.domain, raised.value.metadata) == ("reward-server", {"queued_tokens": "2000000"})
    assert (raised.value.retry_delay, raised.value.request_id) == (3, "r-7")


def test_items_without_room_are_asked_again_alone(busy: tuple[Busy, str]) -> None:
    service, target = busy
    with Mesh(target, timeout=60, retries=Waits().retries()) as mesh:
        outcomes = Scorer(mesh).score(["p"] * 6, ["c"] * 6)

    # room for 1 of 6, then 2 of 5, then all 3
    assert service.asked == [6, 5, 3]
    assert all(isinstance(outcome, Score) for outcome in outcomes)


def test_items_without_room_at_the_deadline_are_failures(busy: tuple[Busy, str]) -> None:
    service, target = busy
    service.room = -100
    with Mesh(target, timeout=1, retries=Waits().retries()) as mesh:
        outcomes = Scorer(mesh).score(["p"], ["c"])

    assert outcomes == [ItemFailure("OVERLOADED", "items[0]: no room")]


def test_scores_are_kept_when_the_items_without_room_are_refused(busy: tuple[Busy, str]) -> None:
    service, target = busy
    service.room, service.answers, waits = 2, 1, Waits()
    with Mesh(target, timeout=7, retries=waits.retries()) as mesh:
        outcomes = Scorer(mesh).score(["p"] * 4, ["c"] * 4)

    assert service.asked == [4, 2, 2, 2]
    assert [outcome.value for outcome in outcomes[:2] if isinstance(outcome, Score)] == [0, 1]
    assert outcomes[2:] == [ItemFailure("OVERLOADED", "items[2]: no room"), ItemFailure("OVERLOADED", "items[3]: no room")]
    assert sum(waits) < 7


def test_an_item_longer_than_a_message_fails_alone(busy: tuple[Busy, str]) -> None:
    service, target = busy
    service.room, waits = 10, Waits()
    # gRPC's limit is 4 MiB where a server sets none
    long = "x" * (4 * 1024 * 1024)
    with Mesh(target, timeout=60, retries=waits.retries()) as mesh:
        outcomes = Scorer(mesh).score(["p"] * 4, ["a", "b", long, "c"])

    assert [[item.completion.text for item in request.items] for request in service.requests] == [["a", "b"], ["c"]]
    failure = outcomes.pop(2)
    assert isinstance(failure, ItemFailure) and failure.reason == "TOO_LONG"
    assert re.match(r"an item of 4,194,\d{3} bytes: .*larger than max", failure.message)
    assert all(isinstance(outcome, Score) for outcome in outcomes)
    assert waits == []


@pytest.mark.parametrize("words", ["Sent message larger than max (20971548 vs. 16777216)", "gRPC message exceeds maximum size 16777216: 20971548"])
def test_a_message_that_grpc_does_not_take_is_not_sent_again(busy: tuple[Busy, str], words: str) -> None:
    service, target = busy
    service.words_of_grpc, waits = words, Waits()
    request = reward_service_pb2.ScoreRequest(items=[reward_service_pb2.ScoreItem(prompt=content("p"), completion=content("c"))])

    with Mesh(target, timeout=60, retries=waits.retries()) as mesh, pytest.raises(errors.MessageTooLarge, match=re.escape(words)) as raised:
        mesh.call_again(mesh.reward.Score, request)

    assert isinstance(raised.value, errors.MalformedRequest)
    assert (raised.value.reason, service.asked, waits) == ("MALFORMED_REQUEST", [1], [])


def test_references_are_columns_of_the_data_set(busy: tuple[Busy, str]) -> None:
    service, target = busy
    service.room = 10
    with Mesh(target) as mesh:
        reward = BallastReward(mesh, references={"solution": "answer"})
        reward(["p"] * 5, ["c"] * 5, solution=[1, None, "x = 2", 0.5, True])

        sent = [dict(item.references) for item in service.requests[0].items]
        assert sent == [{"answer": "1"}, {}, {"answer": "x = 2"}, {"answer": "0.5"}, {"answer": "True"}]
        with pytest.raises(ValueError, match=r"references: no column 'solution' \(the data set has: level\)"):
            reward(["p"], ["c"], level=[1])
        with pytest.raises(ValueError, match=r"references: column 'solution': a list in row 1 \(expected: str, int, float, bool or None\)"):
            reward(["p"] * 2, ["c"] * 2, solution=["1", ["2"]])
    assert len(service.requests) == 1


def test_an_encrypted_connection_proves_its_name() -> None:
    authority, another = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("localhost")
    credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())])
    server = grpc.server(ThreadPoolExecutor(2))
    reward_service_pb2_grpc.add_RewardServiceServicer_to_server(Busy(), server)
    target = f"localhost:{server.add_secure_port('localhost:0', credentials)}"
    server.start()

    with Mesh(target, token="secret", tls=authority.cert_pem.bytes()) as trusting:
        assert Scorer(trusting).score(["p"], ["c"]) == [Score(value=0, spread=0.5, members=(), components={}, dropped_tokens=0)]
    with Mesh(target, tls=another.cert_pem.bytes(), timeout=2, retries=Waits().retries()) as wary, pytest.raises(errors.Unreachable):
        Scorer(wary).score(["p"], ["c"])
    server.stop(None).wait()
