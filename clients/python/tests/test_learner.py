"""Weights in training in a real mesh."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from conftest import Running, free_ports

from ballast import Mesh, errors
from ballast.learner import Adapters, ForwardBackwardResult, Group, GroupNumbers, Objective, Optimizer, Session, TrainingCompletion
from ballast.retries import Retries
from ballast.sampling import SampledGroup, Sampling

PROMPT = "int size = list."
UNKNOWN = "01900000-0000-7000-8000-000000000000"


def drawn(session: Session, n: int = 4) -> SampledGroup:
    """Samples from the session, the same each time for the same weights."""
    group = session.sample([PROMPT], n, Sampling(temperature=1, max_new_tokens=8, seed=7))[0]
    assert isinstance(group, SampledGroup)
    return group


def sums(groups: tuple[GroupNumbers, ...]) -> list[float]:
    """The log-probability of each completion of the first group."""
    return [sum(numbers.log_probs) for numbers in groups[0]]


def constant(*of_completions: float) -> Callable[[tuple[GroupNumbers, ...]], list[list[list[float]]]]:
    """A loss whose gradient by each log-probability of completion i is ``of_completions[i]``."""
    return lambda groups: [[[g] * len(numbers.log_probs) for g, numbers in zip(of_completions, groups[0], strict=True)]]


def test_log_probs_move_against_the_gradients_of_a_loss_of_ones_own(session: Session) -> None:
    group = Group.of(drawn(session))
    before = sums(session.forward([group]))

    found = session.forward_backward([group], constant(-1, 1, 0, 0)).result()
    step = session.optim_step().result()
    after = sums(session.forward([group]))

    # Σ gᵗ·logpᵗ of −1 and 1
    assert found.loss == pytest.approx(before[1] - before[0], abs=0.05)
    assert sums(found.groups) == pytest.approx(before, abs=0.05)
    assert step.gradient_norm > 0 and step.updates_count == session.updates_count == 1
    assert after[0] > before[0]
    assert after[1] < before[1]


def test_a_loss_of_ones_own_sees_the_log_probs_that_forward_gives(session: Session) -> None:
    group = Group.of(drawn(session))
    seen: list[tuple[GroupNumbers, ...]] = []

    def loss(groups: tuple[GroupNumbers, ...]) -> list[list[list[float]]]:
        seen.append(groups)
        return constant(0, 0, 0, 1)(groups)

    session.forward_backward([group], loss).result()

    assert seen == [session.forward([group])]


def test_an_objective_by_name_raises_what_has_an_advantage(session: Session) -> None:
    group = Group.of(drawn(session, 2), [1.0, -1.0])
    before = sums(session.forward([group]))

    found = session.forward_backward([group], Objective("ppo_clip", clip_low=0.2, kl_coefficient=0.01, kl_estimator="k3")).result()
    session.optim_step(1e-3).result()
    after = sums(session.forward([group]))

    assert all(math.isfinite(value) for value in found.metrics.values())
    assert after[0] - after[1] > before[0] - before[1]


def test_the_reference_stays_while_the_weights_move(session: Session) -> None:
    group = Group.of(drawn(session))
    before = session.forward([group], reference=True)

    session.forward_backward([group], constant(-1, 1, 0, 0))
    session.optim_step().result()

    assert session.forward([group], reference=True) == before
    assert session.forward([group]) != before


def test_a_checkpoint_is_gone_back_to_exactly(client: Mesh, session: Session) -> None:
    group = Group.of(drawn(session))
    before = session.forward([group])

    assert session.save("python-start").result().checkpoint == "python-start"
    assert [kept.name for kept in Session.checkpoints(client) if kept.size_bytes > 0] == ["python-start"]
    session.forward_backward([group], constant(-1, 1, 0, 0))
    session.optim_step().result()
    assert session.forward([group]) != before

    assert session.load("python-start").result().updates_count == 0
    assert session.forward([group]) == before
    Session.forget(client, "python-start")
    Session.forget(client, "python-start")
    assert Session.checkpoints(client) == []


def test_adapters_learn_in_the_weights_place_and_their_average_lags_behind(client: Mesh) -> None:
    adapters = Adapters(rank=4, alpha=8, projections=["q_proj", "v_proj"], seed=1)
    with Session.create(client, Optimizer(learning_rate=1e-3), "java-tiny", version="1", adapters=adapters, average_decay=0.5) as session:
        group = Group.of(drawn(session))
        reference = session.forward([group], reference=True)
        assert session.forward([group]) == reference

        for _ in range(3):
            session.forward_backward([group], constant(-1, 1, 0, 0))
            session.optim_step().result()

        assert session.forward([group], reference=True) == reference
        gaps = [sums(n)[0] - sums(n)[1] for n in (reference, session.forward([group], average=True), session.forward([group]))]
        assert gaps[0] < gaps[1] < gaps[2]
        with pytest.raises(ValueError, match=r"average: beside reference"):
            session.forward([group], reference=True, average=True)


def test_an_average_that_is_not_kept_is_refused(session: Session) -> None:
    with pytest.raises(errors.PreconditionFailed, match="keeps no average"):
        session.forward([Group([10], [TrainingCompletion([30])])], average=True)


@pytest.mark.parametrize(
    ("adapters", "error", "message"),
    [
        (Adapters(rank=0), errors.MalformedRequest, r"adapters\.rank: 0 \(expected: ≥ 1\)"),
        (Adapters(rank=4, alpha=math.nan), errors.MalformedRequest, r"adapters\.alpha: NaN \(expected: > 0, at most 1,000,000\)"),
        (Adapters(rank=4, projections=["q_proj", "q"]), ValueError, r"projections\[1\]: 'q' \(expected: one of q_proj, k_proj, "),
    ],
)
def test_adapters_that_cannot_be_are_named(client: Mesh, adapters: Adapters, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Session.create(client, Optimizer(learning_rate=1e-4), "java-tiny", version="1", adapters=adapters)


def test_an_operation_is_retrieved_after_a_reconnect(running: Running, session: Session, client: Mesh) -> None:
    group = Group.of(drawn(session))
    begun = session.forward_backward([group], constant(-1, 1, 0, 0))

    with Mesh(running.target, token=running.token, tenant=client.tenant) as later:
        same = Session(later, session.session_id)
        found = same.operation(begun.operation_id).result()
        same.optim_step().result()

    assert isinstance(found, ForwardBackwardResult)
    assert found == begun.result()
    assert begun.done() and not begun.cancel()
    assert session.updates_count == 1


def test_a_wait_that_is_over_too_early_can_be_begun_again(session: Session) -> None:
    groups = [Group.of(drawn(session))] * 8
    last = [session.forward_backward(groups, Objective("cross_entropy")) for _ in range(3)][-1]

    with pytest.raises(errors.DeadlineExceeded, match=f"operation {last.operation_id}: still under way; wait for it again"):
        last.result(timeout=0.001)
    assert last.result().loss > 0


def test_what_has_not_begun_can_be_taken_back(session: Session) -> None:
    groups = [Group.of(drawn(session))] * 8
    for _ in range(3):
        session.forward_backward(groups, Objective("cross_entropy"))
    step = session.optim_step()

    assert step.cancel() and step.done()
    with pytest.raises(errors.OperationCancelled, match=f"operation {step.operation_id}: taken back before it began"):
        step.result()
    assert session.updates_count == 0


def test_a_loop_that_fails_says_why_although_its_mesh_is_gone() -> None:
    waits: list[float] = []
    retries = Retries(clock=lambda: sum(waits), sleep=waits.append)

    with Mesh(f"127.0.0.1:{free_ports(1)[0]}", retries=retries) as gone, pytest.raises(KeyError, match="of the loop"), Session(gone, UNKNOWN):
        raise KeyError("of the loop")
    assert sum(waits) < 2


def test_a_call_whose_answer_was_lost_is_repeated_by_its_key(session: Session) -> None:
    group = Group.of(drawn(session))

    first = session.forward_backward([group], constant(-1, 1, 0, 0), key="python-lost")
    again = session.forward_backward([group], constant(-1, 1, 0, 0), key="python-lost")

    assert again.operation_id == first.operation_id
    with pytest.raises(errors.MalformedRequest, match="'python-lost' was used for another request"):
        session.forward_backward([group], constant(1, 1, 0, 0), key="python-lost")


def test_sessions_of_another_tenant_are_not_there(running: Running, session: Session) -> None:
    with Mesh(running.target, token=running.token, tenant="somebody-else") as other, pytest.raises(errors.UnknownResource):
        _ = Session(other, session.session_id).updates_count


def test_a_closed_session_is_gone_and_may_be_closed_again(client: Mesh) -> None:
    session = Session.create(client, Optimizer(learning_rate=1e-4), "java-tiny", version="1")
    session.close()
    session.close()

    with pytest.raises(errors.UnknownResource, match=session.session_id):
        session.optim_step()


@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        ([[[1.0]]], r"groups\[0\]\.completions\[0\]\.log_prob_gradients: 1 numbers for 2 tokens"),
        ([[[1.0, math.nan]]], r"groups\[0\]\.completions\[0\]\.log_prob_gradients\[1\]: NaN \(expected: finite\)"),
        ([[[1.0, math.inf]]], r"groups\[0\]\.completions\[0\]\.log_prob_gradients\[1\]: Infinity \(expected: finite\)"),
    ],
)
def test_gradients_that_cannot_be_added_are_refused_by_name(session: Session, gradients: list[list[list[float]]], message: str) -> None:
    group = Group([10, 20], [TrainingCompletion([30, 40])])

    with pytest.raises(errors.MalformedRequest, match=message) as raised:
        session.forward_backward([group], lambda _: gradients)
    assert raised.value.code is not None and raised.value.code.name == "INVALID_ARGUMENT"
    # nothing was added
    with pytest.raises(errors.PreconditionFailed):
        session.optim_step().result()


def test_gradients_of_another_shape_are_refused_here(session: Session) -> None:
    group = Group([10, 20], [TrainingCompletion([30, 40])])

    with pytest.raises(ValueError, match=r"gradients: 2 groups \(expected: 1\)"):
        session.forward_backward([group], lambda _: [[[1.0, 1.0]]] * 2)
    with pytest.raises(ValueError, match=r"gradients\[0\]: 2 completions \(expected: 1\)"):
        session.forward_backward([group], lambda _: [[[1.0, 1.0]] * 2])


def test_tokens_outside_the_vocabulary_are_named(session: Session) -> None:
    with pytest.raises(errors.MalformedRequest, match=r"groups\[0\]\.completions\[0\]\.tokens\[1\]: 4096 \(expected: ≥ 0 and < 4,096\)"):
        session.forward([Group([10], [TrainingCompletion([30, 4096])])])


def test_an_unknown_objective_names_those_that_there_are(session: Session) -> None:
    with pytest.raises(ValueError, match=r"kind: 'ppo' \(expected: one of policy_gradient, ppo_clip, "):
        session.forward_backward([Group([10], [TrainingCompletion([30])])], Objective("ppo"))


def test_an_operation_that_fails_raises_its_fault(session: Session) -> None:
    load = session.load("python-never-saved")

    with pytest.raises(errors.UnknownResource, match="python-never-saved"):
        load.result()


def test_an_unknown_operation_is_named(session: Session) -> None:
    with pytest.raises(errors.UnknownResource, match=UNKNOWN):
        session.operation(UNKNOWN).result()


def test_too_many_sessions_are_refused_with_a_wait(running: Running, session: Session, client: Mesh) -> None:
    waits: list[float] = []
    retries = Retries(clock=lambda: sum(waits), sleep=waits.append)
    opened = [session]
    with Mesh(running.target, token=running.token, tenant=client.tenant, timeout=3, retries=retries) as patient:
        with pytest.raises(errors.Overloaded, match=r"limit 2 \(ballast\.orchestrator\.learner-sessions-per-tenant\)") as raised:
            while len(opened) < 100:
                opened.append(Session.create(patient, Optimizer(learning_rate=1e-4), "java-tiny", version="1"))
    assert [each.session.session_id for each in Session.open_ones(client)] == [each.session_id for each in opened]
    for each in Session.open_ones(client)[1:]:
        each.session.close()
    assert len(Session.open_ones(client)) == 1

    assert raised.value.retry_delay == 1
    # it waited as long as it was asked to, for as long as there was time
    assert len(waits) == 2 and min(waits) >= 1
