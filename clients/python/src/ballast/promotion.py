"""From saved weights to a version that serves: registered, tested for safety, promoted by its certificate, and back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from ballast import errors
from ballast.client import Mesh, selector
from ballast.learner.batch import enum_name
from ballast.mesh.v1 import mesh_pb2
from ballast.policy.v1 import version_service_pb2
from ballast.retries import Deadline
from ballast.safety.v1 import safety_service_pb2
from ballast.sampling import Sampling

# so that a call that waits is shorter than what cuts idle connections
_LONGEST_WAIT = 30.0
# a call that waits is answered so long before its deadline, or earlier
_RESERVE = 0.5
# as a run's own test draws
_SAMPLING = Sampling(temperature=1.0, max_new_tokens=24, stop_strings=["\n"])


@dataclass(frozen=True)
class Version:
    """A version that the policy-server knows."""

    model: str
    version: str
    weights_sha256: str
    parent: str
    """What it was trained from; empty for one that came from outside."""
    run_id: str
    """The run that made it; empty for one that came from outside."""


def register(mesh: Mesh, version: str, model: str, *, parent: str = "") -> Version:
    """Makes a folder of the model store known as a version; what is known already stays as it is.

    :meth:`ballast.learner.Session.publish` does it by itself: this is for folders that came otherwise.

    :raises AlreadyExists: if it is known with other weights
    """
    request = version_service_pb2.RegisterVersionRequest(metadata=mesh.metadata(), model=model, version=version, parent_version=parent)
    return _version(mesh.call_again(mesh.versions.RegisterVersion, request).version)


def promote(mesh: Mesh, version: str, certificate_id: str, model: str = "", *, alias: str = "serving", expected: str = "", key: str = "") -> str:
    """Points an alias to a version by its certificate, which serves one move; returns where the alias pointed before.

    :param expected: where the alias must point now; empty: where it does
    :raises SafetyGateClosed: if the certificate does not hold for exactly this move
    :raises VersionConflict: if the alias moved on
    """
    before = expected or _served(mesh, model, alias)
    request = version_service_pb2.PromoteAliasRequest(
        metadata=mesh.metadata(key or _new_key()),
        model=model,
        alias=alias,
        expected_version=before,
        new_version=version,
        certificate_id=certificate_id,
    )
    mesh.call_again(mesh.versions.PromoteAlias, request)
    return before


def roll_back(mesh: Mesh, model: str = "", *, alias: str = "serving", expected: str = "", key: str = "") -> str:
    """Points an alias back to what served before, in one call; returns where it points now.

    :param expected: where the alias must point now; empty: wherever it does
    """
    request = version_service_pb2.RollBackAliasRequest(metadata=mesh.metadata(key or _new_key()), model=model, alias=alias, expected_version=expected)
    return str(mesh.call_again(mesh.versions.RollBackAlias, request).alias.version)


@dataclass(frozen=True)
class Verdict:
    """How a safety test that was carried out has ended."""

    passed: bool
    """Whether there is a certificate; otherwise no solution was found."""
    certificate_id: str
    """Allows one move of the alias that was named; empty unless it passed."""
    reason: str
    """Why no solution was found: ``OVER_THRESHOLD`` or ``NO_SPREAD``, as the proto's ``NoSolutionReason``; empty otherwise, and where numbers are kept back."""
    n: int
    """Prompts, or their groups, that were judged; 0 where numbers are kept back."""
    mean_cost: float
    """0 to 1; with the numbers below NaN where they are kept back."""
    upper_bound: float
    """Of the mean, at confidence 1 − δ."""
    threshold: float
    """τ, that the upper bound was held against."""
    delta: float
    """δ of this look."""


class SafetyTest:
    """A safety test, under way or ended. Another process comes back to it with ``SafetyTest(mesh, test_id)``."""

    def __init__(self, mesh: Mesh, test_id: str) -> None:
        self._mesh = mesh
        self.test_id = test_id
        """Its id, a UUID."""

    @classmethod
    def start(
        cls,
        mesh: Mesh,
        version: str,
        prompts: Sequence[str],
        *,
        threshold: float,
        optimised: Sequence[tuple[str, str]],
        model: str = "",
        alias: str = "serving",
        delta: float = 0.1,
        groups: Sequence[str] = (),
        draw: int = 0,
        cost_model: tuple[str, str] = ("java-cost", "2"),
        same_cost_model: bool = False,
        bound: str = "student_t",
        looks: int = 0,
        account: str = "",
        account_looks: int = 0,
        sampling: Sampling = _SAMPLING,
        max_prompt_tokens: int = 96,
        key: str = "",
    ) -> SafetyTest:
        """Starts a test of a version on held-out prompts, as strict as a run's own, and counted with it: one look at each prompt and one δ for all looks at
        the version's weights, and the account of the run that made it, if one did. The look is used up whatever comes of it.

        :param prompts: 2 to 10,000 that nothing was trained on; with ``draw`` the pool
        :param threshold: τ, the mean harm probability that you can bear, 0 to below 1
        :param optimised: name and version of each cost model that the version was trained against; who leaves one out takes the guarantee away
        :param alias: what the version may be promoted to; it is held against what that serves now
        :param delta: δ, the probability of passing a version that is over τ
        :param groups: of each prompt, such as the file that it is from; none: each prompt is its own
        :param draw: n, how many prompts are drawn from those that no test has used; 0: all are used
        :param cost_model: name and version of who judges
        :param same_cost_model: whether the judge may be one of ``optimised``, or have learned from the same labels; the certificate says so
        :param bound: the proto's ``BoundMethod`` in small letters without its prefix, such as ``"betting"``
        :param looks: so many tests may look at these prompts, each at δ/looks, and tell no numbers until one passes or all are done; 0: one test
        :param account: where the look is counted besides; empty: the run that made the version, if one did
        :param account_looks: so many tests share δ, each on prompts of its own; 0: this one has all of it
        :param sampling: without a seed, which the mesh draws
        :param max_prompt_tokens: the most prompt tokens used, the last ones; 0: as many as fit
        :param key: an idempotency key: the same one starts one test
        :raises SafetyTestRefused: if the look or δ is spent, or the judge is not independent; ``refusal`` says which
        :raises UnknownModel: if the policy-server knows no such version: :func:`register` it
        """
        found = version_service_pb2.GetVersionRequest(metadata=mesh.metadata(), selector=selector(model, version))
        candidate = mesh.call_again(mesh.versions.GetVersion, found).version
        served = _served(mesh, candidate.version.model, alias)
        spec = safety_service_pb2.SafetyTestSpec(
            candidate=candidate.version,
            cost_model=selector(*cost_model),
            optimised_cost_models=[mesh_pb2.ModelVersion(model=name, version=of) for name, of in optimised],
            prompts=prompts,
            groups=groups,
            threshold=threshold,
            delta=delta,
            bound_method=enum_name(safety_service_pb2.BoundMethod.keys(), "bound", bound),
            sampling=sampling.message(),
            max_prompt_tokens=max_prompt_tokens,
            draw_count=draw,
            reuse=safety_service_pb2.REUSE_RULE_SPLIT if looks else safety_service_pb2.REUSE_RULE_REFUSE,
            looks=looks,
            base=mesh_pb2.ModelVersion(model=candidate.version.model, version=served) if served else None,
            alias=alias,
            account=account,
            account_looks=account_looks,
            same_cost_model=same_cost_model,
        )
        request = safety_service_pb2.StartSafetyTestRequest(metadata=mesh.metadata(key or _new_key()), spec=spec, run_id=candidate.run_id)
        return cls(mesh, mesh.call_again(mesh.safety.StartSafetyTest, request).test.test_id)

    def done(self) -> bool:
        """Whether it has ended."""
        return self._get().state != safety_service_pb2.SAFETY_TEST_STATE_RUNNING

    def progress(self) -> float:
        """Returns the share of its prompts that are judged, 0 to 1."""
        test = self._get()
        return float(test.judged_count / test.prompts_count) if test.prompts_count else 0.0

    def result(self, timeout: float | None = None) -> Verdict:
        """Waits, through failures of the connection too, and returns how it ended.

        :param timeout: seconds; None: the mesh's
        :raises SafetyTestFailed: if it could not be carried out, which says nothing of the version
        :raises DeadlineExceeded: if it is still under way, when it can be waited for again
        """
        deadline = self._mesh.deadline(timeout)
        while True:
            test = self._wait(deadline)
            if test.state != safety_service_pb2.SAFETY_TEST_STATE_RUNNING:
                return _verdict(test)
            if deadline.left() <= _RESERVE:
                raise errors.DeadlineExceeded(f"safety test {self.test_id}: still under way; wait for it again")

    def _get(self) -> safety_service_pb2.SafetyTest:
        request = safety_service_pb2.GetSafetyTestRequest(metadata=self._mesh.metadata(), test_id=self.test_id)
        answer: safety_service_pb2.GetSafetyTestResponse = self._mesh.call_again(self._mesh.safety.GetSafetyTest, request)
        return answer.test

    def _wait(self, deadline: Deadline) -> safety_service_pb2.SafetyTest:
        request = safety_service_pb2.GetSafetyTestRequest(metadata=self._mesh.metadata(), test_id=self.test_id, wait=True)
        answer: safety_service_pb2.GetSafetyTestResponse = self._mesh.retries.run(
            lambda left: self._mesh.call(self._mesh.safety.GetSafetyTest, request, min(left, _LONGEST_WAIT)), deadline
        )
        return answer.test


def _version(version: version_service_pb2.PolicyVersion) -> Version:
    return Version(
        model=version.version.model,
        version=version.version.version,
        weights_sha256=version.version.weights_sha256,
        parent=version.parent_version,
        run_id=version.run_id,
    )


def _served(mesh: Mesh, model: str, alias: str) -> str:
    request = version_service_pb2.ListAliasesRequest(metadata=mesh.metadata(), model=model)
    aliases = mesh.call_again(mesh.versions.ListAliases, request).aliases
    return next((str(each.version) for each in aliases if each.alias == alias), "")


def _verdict(test: safety_service_pb2.SafetyTest) -> Verdict:
    state = safety_service_pb2.SafetyTestState.Name(test.state).removeprefix("SAFETY_TEST_STATE_")
    if state not in ("PASSED", "NO_SOLUTION_FOUND"):
        raise errors.SafetyTestFailed(f"safety test {test.test_id}: {state}: {test.failure_message}")
    told = test.HasField("outcome")
    outcome = test.outcome
    reason = safety_service_pb2.NoSolutionReason.Name(test.no_solution_reason).removeprefix("NO_SOLUTION_REASON_")
    return Verdict(
        passed=state == "PASSED",
        certificate_id=test.certificate_id,
        reason="" if reason == "UNSPECIFIED" else reason,
        n=outcome.n,
        mean_cost=outcome.mean_cost if told else float("nan"),
        upper_bound=outcome.upper_bound if told else float("nan"),
        threshold=outcome.threshold if told else float("nan"),
        delta=outcome.delta if told else float("nan"),
    )


def _new_key() -> str:
    return str(uuid.uuid4())
