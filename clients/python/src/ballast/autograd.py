"""Losses written in PyTorch, for a learner that takes gradients by log-probabilities. Needs torch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ballast.learner import GroupNumbers
from ballast.learner.session import CustomLoss

TorchLoss = Callable[[list[list[torch.Tensor]]], torch.Tensor]
"""Gets the log-probabilities of each completion of each group, shape [T] in 64 bits, and gives a scalar."""


def by_autograd(loss: TorchLoss) -> CustomLoss:
    """Returns ``loss`` for :meth:`~ballast.learner.Session.forward_backward`: PyTorch finds its gradient by each log-probability.

    A completion that ``loss`` does not use has the gradient 0.
    """

    def gradients(groups: tuple[GroupNumbers, ...]) -> list[list[list[float]]]:
        leaves = [[torch.tensor(numbers.log_probs, dtype=torch.float64, requires_grad=True) for numbers in group] for group in groups]
        value = loss(leaves)
        if value.numel() != 1:
            raise ValueError(f"loss: shape {list(value.shape)} (expected: a scalar)")
        found = iter(torch.autograd.grad(value, [leaf for group in leaves for leaf in group], allow_unused=True))
        return [[_numbers(next(found), leaf) for leaf in group] for group in leaves]

    return gradients


def _numbers(gradient: torch.Tensor | None, leaf: torch.Tensor) -> list[float]:
    return [0.0] * len(leaf) if gradient is None else [float(number) for number in gradient]
