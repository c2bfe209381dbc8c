"""Losses of PyTorch, added to the weights of a mesh."""

from __future__ import annotations

import pytest
import torch

from ballast.autograd import by_autograd
from ballast.learner import Group, Numbers, Session
from ballast.sampling import SampledGroup, Sampling

SAMPLING = Sampling(temperature=1, max_new_tokens=8, seed=7)


def numbers(*log_probs: float) -> Numbers:
    return Numbers(log_probs, ())


def test_the_gradients_are_those_of_the_loss() -> None:
    # d(a² + 3b)/da = 2a, d/db = 3; the second group is not used
    loss = by_autograd(lambda groups: groups[0][0][0] ** 2 + 3 * groups[0][0][1])

    assert loss(((numbers(-0.5, -2.0),), (numbers(-1.0),))) == [[[-1.0, 3.0]], [[0.0]]]


def test_a_loss_that_is_no_scalar_is_refused() -> None:
    with pytest.raises(ValueError, match=r"loss: shape \[2\] \(expected: a scalar\)"):
        by_autograd(lambda groups: groups[0][0])(((numbers(-0.5, -2.0),),))


def test_ppo_written_in_torch_moves_the_weights_as_it_says(session: Session) -> None:
    sampled = session.sample(["int size = list."], 2, SAMPLING)[0]
    assert isinstance(sampled, SampledGroup)
    group = Group.of(sampled)
    old = [torch.tensor(numbers.log_probs, dtype=torch.float64) for numbers in session.forward([group])[0]]

    def ppo(groups: list[list[torch.Tensor]]) -> torch.Tensor:
        ratios = [(new - before).exp() for new, before in zip(groups[0], old, strict=True)]
        clipped = [ratio.clamp(0.8, 1.2) for ratio in ratios]
        return -torch.stack([torch.minimum(a * r, a * c).mean() for a, r, c in zip((1.0, -1.0), ratios, clipped, strict=True)]).mean()

    session.forward_backward([group], by_autograd(ppo)).result()
    assert session.optim_step().result().gradient_norm > 0

    first, second = session.forward([group])[0]
    assert sum(first.log_probs) > float(old[0].sum())
    assert sum(second.log_probs) < float(old[1].sum())
