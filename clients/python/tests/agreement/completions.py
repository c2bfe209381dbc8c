"""Random completions: as padded tensors for PyTorch, and as a case for ``./mesh algorithms --evaluate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

MAX_TOKENS = 9


@dataclass(frozen=True)
class Completions:
    """P groups of G completions, group after group, in double precision.

    :param group: completions in a group, G; B = P·G
    :param lengths: of each completion in tokens, shape [B], 1 to MAX_TOKENS
    :param mask: 1 for a token that is learned from, 0 for one that is not and for padding, shape [B, T]
    :param per_token: numbers by the name that the case gives them, shape [B, T]
    :param per_completion: the same of whole completions, shape [B]
    :param roles: of each completion of a group, shape [G]; empty: all are rollouts
    """

    group: int
    lengths: Tensor
    mask: Tensor
    per_token: Mapping[str, Tensor]
    per_completion: Mapping[str, Tensor] = field(default_factory=dict)
    roles: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, name: str) -> Tensor:
        return self.per_token[name] if name in self.per_token else self.per_completion[name]

    @property
    def groups(self) -> Tensor:
        """Which group each completion is in, shape [B]."""
        return torch.arange(len(self)) // self.group

    def token_rewards(self) -> Tensor:
        """The reward of each completion at its last unmasked token, shape [B, T]."""
        rewards = torch.zeros_like(self.mask)
        for i, row in enumerate(self.mask):
            rewards[i, int(row.nonzero().max())] = self["reward"][i]
        return rewards

    def case(self, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """These as a case: every completion as long as it is."""
        groups: list[list[dict[str, Any]]] = []
        for i in range(len(self)):
            length = int(self.lengths[i])
            named = {**self.per_token, "loss_mask": self.mask}
            completion: dict[str, Any] = {
                "per_token": {name: values[i, :length].tolist() for name, values in named.items()},
                "per_completion": {name: values[i].item() for name, values in self.per_completion.items()},
            }
            if self.roles:
                completion["role"] = self.roles[i % self.group]
            if i % self.group == 0:
                groups.append([])
            groups[-1].append(completion)
        return {"recipe": recipe, "max_new_tokens": MAX_TOKENS, "groups": groups}


def draw(seed: int, prompts: int = 4, group: int = 4, *, apart: float = 0.25, inner_mask: bool = True, roles: Sequence[str] = ()) -> Completions:
    """Draws completions of 1 to MAX_TOKENS tokens, whose policies are ``apart`` nats from each other, token by token.

    :param inner_mask: whether about one token in seven is masked, as what a tool said would be; the first of a completion never is
    """
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    count = prompts * group
    lengths = torch.randint(1, MAX_TOKENS + 1, (count,), generator=random)
    mask = (torch.arange(MAX_TOKENS) < lengths[:, None]).double()
    if inner_mask:
        kept = torch.rand(count, MAX_TOKENS, generator=random) > 1 / 7
        kept[:, 0] = True
        mask = mask * kept
    behaviour = -normal(count, MAX_TOKENS).abs() - 0.5
    numbers = {
        "behaviour_log_prob": behaviour,
        "current_log_prob": (behaviour + apart * normal(count, MAX_TOKENS)).clamp(max=-0.01),
        "reference_log_prob": behaviour + apart * normal(count, MAX_TOKENS),
    }
    return Completions(group, lengths, mask, numbers, {"reward": normal(count)}, roles)


def with_numbers(completions: Completions, **numbers: Tensor) -> Completions:
    """These with further numbers of tokens, or others in their place."""
    return Completions(
        completions.group, completions.lengths, completions.mask, {**completions.per_token, **numbers}, completions.per_completion, completions.roles
    )
