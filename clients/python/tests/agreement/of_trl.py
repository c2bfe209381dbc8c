"""Losses as TRL computes them: the methods of its trainers, called on stand-ins for the trainer and for the model.

A stand-in has what the method reads of ``self``, and its model answers with the log-probabilities that the test drew. What is computed of them is
TRL's.
"""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import torch
from completions import MAX_TOKENS, Completions
from torch import Tensor
from trl import DPOTrainer, GRPOTrainer, KTOTrainer, RLOOTrainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.online_dpo import OnlineDPOTrainer
from trl.experimental.orpo import ORPOTrainer


class Alone:
    """An accelerator with one process."""

    device = torch.device("cpu")
    num_processes = 1
    sync_gradients = True

    def gather(self, values: Tensor) -> Tensor:
        return values

    gather_for_metrics = gather

    def reduce(self, values: Tensor, reduction: str = "sum") -> Tensor:
        return values

    def backward(self, loss: Tensor) -> None:
        loss.backward()


class Double(torch.Tensor):
    """Numbers that stay in double precision where a trainer asks for single."""

    def float(self) -> Tensor:  # type: ignore[override]
        return self


def trainer(**attributes: Any) -> SimpleNamespace:
    """A stand-in for ``self`` of a trainer."""
    common: dict[str, Any] = {
        "accelerator": Alone(),
        "aux_loss_enabled": False,
        "model": SimpleNamespace(training=True),
        "_metrics": defaultdict(lambda: defaultdict(list)),
        "_total_train_tokens": 0,
        "_tp_size": 1,
    }
    return SimpleNamespace(**{**common, **attributes})


def _after_a_prompt(completions: Completions) -> dict[str, Tensor]:
    """Tokens of prompt and completion: which ones they are, no loss asks."""
    count = len(completions)
    ones = torch.ones(count, 1, dtype=torch.long)
    return {
        "prompt_ids": ones,
        "prompt_mask": ones,
        "completion_ids": torch.ones(count, MAX_TOKENS, dtype=torch.long),
        "completion_mask": completions.mask,
    }


def grpo(
    loss_type: str,
    completions: Completions,
    current: Tensor,
    advantages: Tensor,
    *,
    clip: tuple[float, float] = (0.2, 0.2),
    dual_clip: float | None = None,
    beta: float = 0.0,
    level: str = "token",
    entropies: Tensor | None = None,
    entropy_coefficient: float = 0.0,
) -> Tensor:
    """``GRPOTrainer``'s loss; ``advantages`` are one a completion."""
    seen = torch.zeros_like(current) if entropies is None else entropies
    self = trainer(
        _get_per_token_logps_and_entropies=lambda *args, **kwargs: (current, seen, None),
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level=level,
        beta=beta,
        epsilon_low=clip[0],
        epsilon_high=clip[1],
        loss_type=loss_type,
        use_vllm=False,
        current_gradient_accumulation_steps=1,
        max_completion_length=MAX_TOKENS,
        args=SimpleNamespace(delta=dual_clip, use_bias_correction_kl=False, steps_per_generation=1),
        _entropy_bonus_enabled=entropies is not None,
        use_adaptive_entropy=False,
        entropy_coef=entropy_coefficient,
    )
    inputs = {
        **_after_a_prompt(completions),
        "advantages": advantages,
        "old_per_token_logps": completions["behaviour_log_prob"],
        "ref_per_token_logps": completions["reference_log_prob"],
        "num_items_in_batch": completions.mask.sum(),
    }
    return GRPOTrainer._compute_loss(self, self.model, inputs)


def rloo(completions: Completions, current: Tensor, advantages: Tensor) -> Tensor:
    """``RLOOTrainer``'s loss on the policy that sampled: there its clip stops nothing."""
    self = trainer(_get_per_token_logps_and_entropies=lambda *args, **kwargs: (current, torch.zeros_like(current), None), epsilon_low=0.2, epsilon_high=0.2)
    old = (current.detach() * completions.mask).sum(1)
    inputs = {**_after_a_prompt(completions), "advantages": advantages, "old_logps": old}
    return RLOOTrainer._compute_loss(self, self.model, inputs)


def _answers(completions: Completions, log_probs: Tensor) -> SimpleNamespace:
    """What a model of transformers with a fused head returns: 0 where a token is masked."""
    nothing = torch.zeros_like(log_probs)
    return SimpleNamespace(log_probs=log_probs * completions.mask, entropy=nothing, mean_logits=nothing, is_top1=nothing.bool())


def _whole(completions: Completions) -> dict[str, Tensor]:
    """A token of prompt before each completion."""
    first = torch.zeros(len(completions), 1, dtype=torch.long)
    mask = torch.cat([first, completions.mask.long()], dim=1)
    return {"input_ids": torch.ones_like(mask), "attention_mask": torch.ones_like(mask), "completion_mask": mask}


def dpo(loss_type: str, pairs: Completions, current: Tensor, beta: float, label_smoothing: float = 0.0) -> Tensor:
    """``DPOTrainer``'s loss; ``pairs`` are all chosen ones, then all rejected ones."""
    reference = (pairs["reference_log_prob"] * pairs.mask).sum(1)
    chosen, rejected = reference.chunk(2)
    self = trainer(
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=[loss_type],
        loss_weights=[1.0],
        beta=beta,
        label_smoothing=label_smoothing,
        use_weighting=False,
    )
    inputs = {**_whole(pairs), "ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
    model = lambda **_: _answers(pairs, current)  # noqa: E731
    return DPOTrainer._compute_loss(self, model, inputs, False)


def cpo(loss_type: str, chosen: Tensor, rejected: Tensor, *, beta: float, label_smoothing: float = 0.0, gamma: float = 0.0) -> Tensor:
    """``CPOTrainer``'s loss of whole completions' numbers, shape [P] each."""
    self = trainer(alpha=0.0, loss_type=loss_type, beta=beta, label_smoothing=label_smoothing, simpo_gamma=gamma)
    return CPOTrainer.cpo_loss(self, chosen, rejected)[0].mean()


def orpo(pair: Completions, current: Tensor, weight: float) -> Tensor:
    """``ORPOTrainer``'s loss of one pair, the chosen one first, after a prompt of one token.

    The model has two words: the one that was written, and another with the rest of the probability.
    """
    rest = torch.log(-torch.expm1(current))
    before = torch.zeros(len(pair), 1, 2, dtype=torch.float64)
    written = torch.cat([torch.stack([current, rest], dim=-1), before], dim=1)  # what is said last, nobody reads
    labels = torch.where(_whole(pair)["completion_mask"] == 1, 0, -100)
    self = trainer(is_encoder_decoder=False, padding_value=0, beta=weight)
    self.concatenated_inputs = lambda batch, **_: {
        "concatenated_input_ids": torch.zeros_like(labels),
        "concatenated_attention_mask": torch.cat([torch.ones(len(pair), 1, dtype=torch.long), pair.mask.long()], dim=1),
        "concatenated_labels": labels,
    }
    self.get_batch_logps = ORPOTrainer.get_batch_logps
    model = lambda *args, **kwargs: SimpleNamespace(logits=written)  # noqa: E731
    chosen, rejected, _, _, likelihood = ORPOTrainer.concatenated_forward(self, model, {"chosen_labels": labels[:1]})
    losses = ORPOTrainer.odds_ratio_loss(self, chosen.as_subclass(Double), rejected.as_subclass(Double))[0]
    return likelihood - losses.as_subclass(torch.Tensor).mean()


def kto(rated: Completions, current: Tensor, good: Tensor, mismatched: Tensor, *, beta: float, desirable: float = 1.0, undesirable: float = 1.0) -> Tensor:
    """``KTOTrainer``'s loss.

    :param good: whether each completion is, shape [B]
    :param mismatched: log π − log π_ref of completions after others' prompts, shape [K]
    """
    self = trainer(
        _compute_kl_logps=lambda model, batch: mismatched,
        precompute_ref_logps=True,
        calculate_KL=True,
        loss_type="kto",
        beta=beta,
        desirable_weight=desirable,
        undesirable_weight=undesirable,
    )
    inputs = {
        **_whole(rated),
        "label": good,
        "ref_logps": (rated["reference_log_prob"] * rated.mask).sum(1),
        "ref_KL_logps": torch.zeros_like(mismatched),
    }
    model = lambda **_: _answers(rated, current)  # noqa: E731
    return KTOTrainer._compute_loss(self, model, inputs, False)


def online_dpo(loss_type: str, two_each: Completions, current: Tensor, beta: float) -> Tensor:
    """A step of ``OnlineDPOTrainer`` on two judged completions of each prompt: it chooses, compares and back-propagates itself.

    :param two_each: all first completions, then all second ones
    :return: the loss, whose gradient is in ``current.grad`` already
    """
    prompts = len(two_each) // 2
    policy = SimpleNamespace(train=lambda: None)
    ids = torch.ones(len(two_each), MAX_TOKENS, dtype=torch.long)
    self = trainer(
        args=SimpleNamespace(
            use_vllm=False,
            missing_eos_penalty=None,
            loss_type=loss_type,
            torch_empty_cache_steps=None,
            optim="adamw_torch",
            n_gpu=1,
            gradient_accumulation_steps=1,
        ),
        _generate=lambda *_: (ids, ids, ids, two_each.mask.long(), None),
        _forward=lambda model, *_: current if model is policy else two_each["reference_log_prob"],
        ref_model=object(),
        eos_token_ids=[0],
        processing_class=SimpleNamespace(batch_decode=lambda ids, **_: [""] * len(ids)),
        _calculate_rewards_from_functions=lambda **_: two_each["reward"],
        reward_funcs=[],
        beta=beta,
        stats=defaultdict(list),
    )
    return OnlineDPOTrainer.training_step(self, policy, {"prompt": [""] * prompts})
