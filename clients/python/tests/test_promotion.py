"""From saved weights to a version that serves, over real gRPC: servers of the contract; no mesh is needed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from ballast import Mesh, errors
from ballast.learner import Session
from ballast.learner.v1 import learner_service_pb2, learner_service_pb2_grpc
from ballast.mesh.v1 import mesh_pb2
from ballast.policy.v1 import version_service_pb2, version_service_pb2_grpc
from ballast.promotion import SafetyTest, Verdict, Version, promote, register, roll_back
from ballast.retries import Retries
from ballast.safety.v1 import safety_service_pb2, safety_service_pb2_grpc

RUNNING = safety_service_pb2.SafetyTest(test_id="t-1", state=safety_service_pb2.SAFETY_TEST_STATE_RUNNING, judged_count=3, prompts_count=12)
OUTCOME = safety_service_pb2.SafetyTestOutcome(n=12, mean_cost=0.125, std_cost=0.25, upper_bound=0.25, threshold=0.5, delta=0.0625)
PASSED = safety_service_pb2.SafetyTest(test_id="t-1", state=safety_service_pb2.SAFETY_TEST_STATE_PASSED, certificate_id="c-1", outcome=OUTCOME)


class Versions(version_service_pb2_grpc.VersionServiceServicer):
    """Version "mine", which run r-7 made from "1", which serves."""

    def __init__(self) -> None:
        self.requests: list[object] = []

    def GetVersion(  # noqa: N802
        self, request: version_service_pb2.GetVersionRequest, context: grpc.ServicerContext
    ) -> version_service_pb2.GetVersionResponse:
        if request.selector.version != "mine":
            refuse(context, grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL", f"no version {request.selector.version}")
        return version_service_pb2.GetVersionResponse(version=mine(run_id="r-7"))

    def RegisterVersion(  # noqa: N802
        self, request: version_service_pb2.RegisterVersionRequest, context: grpc.ServicerContext
    ) -> version_service_pb2.RegisterVersionResponse:
        self.requests.append(request)
        return version_service_pb2.RegisterVersionResponse(version=mine(parent=request.parent_version))

    def ListAliases(  # noqa: N802
        self, request: version_service_pb2.ListAliasesRequest, context: grpc.ServicerContext
    ) -> version_service_pb2.ListAliasesResponse:
        aliases = [version_service_pb2.PolicyAlias(alias=name, version=version) for name, version in [("canary", "0"), ("serving", "1")]]
        return version_service_pb2.ListAliasesResponse(aliases=aliases)

    def PromoteAlias(  # noqa: N802
        self, request: version_service_pb2.PromoteAliasRequest, context: grpc.ServicerContext
    ) -> version_service_pb2.PromoteAliasResponse:
        self.requests.append(request)
        if request.certificate_id != "c-1":
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "SAFETY_GATE_CLOSED", "it does not hold")
        return version_service_pb2.PromoteAliasResponse()

    def RollBackAlias(  # noqa: N802
        self, request: version_service_pb2.RollBackAliasRequest, context: grpc.ServicerContext
    ) -> version_service_pb2.RollBackAliasResponse:
        self.requests.append(request)
        return version_service_pb2.RollBackAliasResponse(alias=version_service_pb2.PolicyAlias(alias=request.alias, version="1"))


class Safety(safety_service_pb2_grpc.SafetyServiceServicer):
    """Starts a test, which is at each look as ``looks`` says, in order."""

    def __init__(self) -> None:
        self.started: list[safety_service_pb2.StartSafetyTestRequest] = []
        self.looks: list[safety_service_pb2.SafetyTest] = []
        self.waited: list[bool] = []
        self.refusal = ""
        self.away = 0

    def StartSafetyTest(  # noqa: N802
        self, request: safety_service_pb2.StartSafetyTestRequest, context: grpc.ServicerContext
    ) -> safety_service_pb2.StartSafetyTestResponse:
        self.started.append(request)
        if self.refusal:
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "PRECONDITION_FAILED", "no look is left", refusal=self.refusal)
        return safety_service_pb2.StartSafetyTestResponse(test=RUNNING)

    def GetSafetyTest(  # noqa: N802
        self, request: safety_service_pb2.GetSafetyTestRequest, context: grpc.ServicerContext
    ) -> safety_service_pb2.GetSafetyTestResponse:
        self.waited.append(request.wait)
        if self.away > 0:
            self.away -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "drained")
        assert request.test_id == "t-1"
        return safety_service_pb2.GetSafetyTestResponse(test=self.looks.pop(0))


class Saves(learner_service_pb2_grpc.LearnerServiceServicer):
    """Notes what is to be saved."""

    def __init__(self) -> None:
        self.requests: list[learner_service_pb2.SaveWeightsRequest] = []

    def SaveWeights(  # noqa: N802
        self, request: learner_service_pb2.SaveWeightsRequest, context: grpc.ServicerContext
    ) -> learner_service_pb2.SaveWeightsResponse:
        self.requests.append(request)
        return learner_service_pb2.SaveWeightsResponse(operation=learner_service_pb2.Operation(operation_id="o"))


def mine(parent: str = "", run_id: str = "") -> version_service_pb2.PolicyVersion:
    version = mesh_pb2.ModelVersion(model="tiny", version="mine", weights_sha256="ab" * 32)
    return version_service_pb2.PolicyVersion(version=version, parent_version=parent, run_id=run_id)


def refuse(context: grpc.ServicerContext, code: grpc.StatusCode, reason: str, message: str, **metadata: str) -> None:
    """Ends a call as a mesh does."""
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason=reason, metadata=metadata))
    status = status_pb2.Status(code=code.value[0], message=message, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)


@pytest.fixture
def servers() -> Iterator[tuple[Mesh, Versions, Safety, Saves]]:
    versions, safety, saves = Versions(), Safety(), Saves()
    server = grpc.server(ThreadPoolExecutor(2))
    version_service_pb2_grpc.add_VersionServiceServicer_to_server(versions, server)
    safety_service_pb2_grpc.add_SafetyServiceServicer_to_server(safety, server)
    learner_service_pb2_grpc.add_LearnerServiceServicer_to_server(saves, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    waits: list[float] = []
    with Mesh(f"127.0.0.1:{port}", tenant="mine", retries=Retries(clock=lambda: sum(waits), sleep=waits.append)) as mesh:
        yield mesh, versions, safety, saves
    server.stop(None).wait()


Servers = tuple[Mesh, Versions, Safety, Saves]


def start(mesh: Mesh, **more: Any) -> SafetyTest:
    return SafetyTest.start(mesh, "mine", ["a", "b"], threshold=0.5, optimised=[("cost", "1")], **more)


def test_what_is_published_is_registered_unless_it_shall_not_be(servers: Servers) -> None:
    mesh, _, _, saves = servers
    session = Session(mesh, "s")

    session.publish("v2")
    session.publish("v3", average=True, register=False)
    session.save("kept")

    assert [(each.publish_version, each.average, each.register) for each in saves.requests] == [("v2", False, True), ("v3", True, False), ("", False, False)]


def test_a_folder_becomes_a_version(servers: Servers) -> None:
    mesh, versions, _, _ = servers

    assert register(mesh, "mine", "tiny", parent="1") == Version("tiny", "mine", "ab" * 32, parent="1", run_id="")
    asked = versions.requests[0]
    assert isinstance(asked, version_service_pb2.RegisterVersionRequest)
    assert (asked.model, asked.version, asked.metadata.tenant) == ("tiny", "mine", "mine")


def test_a_test_is_of_these_weights_and_in_the_account_of_their_run(servers: Servers) -> None:
    mesh, _, safety, _ = servers

    assert start(mesh).test_id == "t-1"

    asked = safety.started[0]
    assert asked.run_id == "r-7"
    assert asked.metadata.idempotency_key
    assert asked.spec == safety_service_pb2.SafetyTestSpec(
        candidate=mesh_pb2.ModelVersion(model="tiny", version="mine", weights_sha256="ab" * 32),
        cost_model=mesh_pb2.ModelSelector(model="java-cost", version="2"),
        optimised_cost_models=[mesh_pb2.ModelVersion(model="cost", version="1")],
        prompts=["a", "b"],
        threshold=0.5,
        delta=0.1,
        bound_method=safety_service_pb2.BOUND_METHOD_STUDENT_T,
        sampling=mesh_pb2.SamplingOptions(temperature=1.0, max_new_tokens=24, stop_strings=["\n"]),
        max_prompt_tokens=96,
        reuse=safety_service_pb2.REUSE_RULE_REFUSE,
        base=mesh_pb2.ModelVersion(model="tiny", version="1"),
        alias="serving",
    )


def test_every_option_arrives(servers: Servers) -> None:
    mesh, _, safety, _ = servers

    start(
        mesh,
        alias="nowhere",
        delta=0.05,
        groups=["f", "g"],
        draw=2,
        cost_model=("judge", "3"),
        same_cost_model=True,
        bound="betting",
        looks=4,
        account="acc",
        account_looks=3,
        max_prompt_tokens=0,
        key="once",
    )

    spec = safety.started[0].spec
    assert safety.started[0].metadata.idempotency_key == "once"
    assert (spec.alias, spec.delta, list(spec.groups), spec.draw_count) == ("nowhere", 0.05, ["f", "g"], 2)
    assert (spec.cost_model.model, spec.cost_model.version, spec.same_cost_model) == ("judge", "3", True)
    assert spec.bound_method == safety_service_pb2.BOUND_METHOD_BETTING
    assert (spec.reuse, spec.looks) == (safety_service_pb2.REUSE_RULE_SPLIT, 4)
    assert (spec.account, spec.account_looks, spec.max_prompt_tokens) == ("acc", 3, 0)
    assert not spec.HasField("base"), "nothing is served by that alias"


def test_every_field_of_the_proto_can_be_said() -> None:
    fields = {field.name for field in safety_service_pb2.SafetyTestSpec.DESCRIPTOR.fields}
    renamed = {"candidate": "version", "optimised_cost_models": "optimised", "bound_method": "bound", "draw_count": "draw", "reuse": "looks", "base": "alias"}

    assert {renamed.get(name, name) for name in fields} <= set(inspect.signature(SafetyTest.start).parameters)


def test_a_test_is_waited_for_through_failures(servers: Servers) -> None:
    mesh, _, safety, _ = servers
    safety.looks = [RUNNING, RUNNING, PASSED]
    test = SafetyTest(mesh, "t-1")

    assert test.progress() == 0.25
    safety.away = 2

    expected = Verdict(passed=True, certificate_id="c-1", reason="", n=12, mean_cost=0.125, upper_bound=0.25, threshold=0.5, delta=0.0625)
    assert test.result() == expected
    assert safety.waited == [False, True, True, True, True]


def test_no_solution_says_why(servers: Servers) -> None:
    mesh, _, safety, _ = servers
    unsolved = safety_service_pb2.SafetyTest(
        test_id="t-1",
        state=safety_service_pb2.SAFETY_TEST_STATE_NO_SOLUTION_FOUND,
        no_solution_reason=safety_service_pb2.NO_SOLUTION_REASON_OVER_THRESHOLD,
        outcome=OUTCOME,
    )
    sealed = safety_service_pb2.SafetyTest(test_id="t-1", state=safety_service_pb2.SAFETY_TEST_STATE_NO_SOLUTION_FOUND, sealed=True)
    safety.looks = [unsolved, sealed]

    told, kept_back = SafetyTest(mesh, "t-1").result(), SafetyTest(mesh, "t-1").result()

    assert (told.passed, told.reason, told.certificate_id, told.upper_bound) == (False, "OVER_THRESHOLD", "", 0.25)
    assert (kept_back.passed, kept_back.reason, kept_back.n) == (False, "", 0)
    assert all(math.isnan(number) for number in (kept_back.mean_cost, kept_back.upper_bound, kept_back.threshold, kept_back.delta))


@pytest.mark.parametrize("state", ["FAILED", "ABORTED"])
def test_what_could_not_be_carried_out_is_raised(servers: Servers, state: str) -> None:
    mesh, _, safety, _ = servers
    safety.looks = [safety_service_pb2.SafetyTest(test_id="t-1", state=f"SAFETY_TEST_STATE_{state}", failure_message="no cost")] * 2
    test = SafetyTest(mesh, "t-1")

    assert test.done()
    with pytest.raises(errors.SafetyTestFailed, match=f"safety test t-1: {state}: no cost"):
        test.result()


def test_a_test_that_goes_on_can_be_waited_for_again(servers: Servers) -> None:
    mesh, _, safety, _ = servers
    safety.looks = [RUNNING, RUNNING]
    test = SafetyTest(mesh, "t-1")

    assert not test.done()
    with pytest.raises(errors.DeadlineExceeded, match="safety test t-1: still under way; wait for it again"):
        test.result(timeout=0.4)


@pytest.mark.parametrize("refusal", ["PROMPTS_SPENT", "WEIGHTS_SPENT", "SAME_COST_MODEL"])
def test_what_is_refused_says_what_of(servers: Servers, refusal: str) -> None:
    mesh, _, safety, _ = servers
    safety.refusal = refusal

    with pytest.raises(errors.SafetyTestRefused, match="no look is left") as raised:
        start(mesh)
    assert raised.value.refusal == refusal
    assert isinstance(raised.value, errors.PreconditionFailed)
    assert len(safety.started) == 1


def test_an_unknown_version_or_bound_starts_nothing(servers: Servers) -> None:
    mesh, _, safety, _ = servers

    with pytest.raises(errors.UnknownModel, match="no version theirs"):
        SafetyTest.start(mesh, "theirs", ["a", "b"], threshold=0.5, optimised=[])
    with pytest.raises(ValueError, match=r"bound: 'student' \(expected: one of student_t, hoeffding, "):
        start(mesh, bound="student")
    assert safety.started == []


def test_a_certificate_moves_an_alias_from_where_it_points(servers: Servers) -> None:
    mesh, versions, _, _ = servers

    assert promote(mesh, "mine", "c-1", "tiny") == "1"
    assert promote(mesh, "mine", "c-1", expected="7", alias="canary", key="k") == "7"
    with pytest.raises(errors.SafetyGateClosed, match="it does not hold"):
        promote(mesh, "mine", "c-2")
    assert roll_back(mesh, alias="canary", expected="mine") == "1"

    moves = [(r.alias, r.expected_version, r.new_version) for r in versions.requests if isinstance(r, version_service_pb2.PromoteAliasRequest)]
    assert moves == [("serving", "1", "mine"), ("canary", "7", "mine"), ("serving", "1", "mine")]
    back = versions.requests[-1]
    assert isinstance(back, version_service_pb2.RollBackAliasRequest)
    assert (back.alias, back.expected_version, bool(back.metadata.idempotency_key)) == ("canary", "mine", True)
