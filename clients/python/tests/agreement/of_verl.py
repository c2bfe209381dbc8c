"""The losses of policy gradients as verl computes them, by its own functions."""

from __future__ import annotations

import torch
from completions import Completions
from torch import Tensor
from verl.trainer.config import AlgoConfig
from verl.trainer.ppo import core_algos
from verl.trainer.ppo.rollout_corr_helper import compute_rollout_correction_weights
from verl.workers.config import ActorConfig

ONCE = AlgoConfig(gamma=1.0)


def actor(clip_low: float, clip_high: float, dual_clip: float, aggregated_over: int | None) -> ActorConfig:
    """verl's settings of a policy loss; ``aggregated_over`` is the constant of seq-mean-token-sum-norm."""
    config = ActorConfig(
        strategy="fsdp", rollout_n=4, ppo_micro_batch_size_per_gpu=1, clip_ratio_low=clip_low, clip_ratio_high=clip_high, clip_ratio_c=dual_clip
    )
    if aggregated_over is not None:
        config.global_batch_info["loss_scale_factor"] = aggregated_over
    return config


def policy_loss(
    name: str,
    completions: Completions,
    current: Tensor,
    advantages: Tensor,
    aggregation: str,
    *,
    clip: tuple[float, float] = (0.2, 0.2),
    dual_clip: float = 3.0,
    aggregated_over: int | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The loss that verl has registered under ``name``."""
    loss, _ = core_algos.get_policy_loss_fn(name)(
        old_log_prob=completions["behaviour_log_prob"],
        log_prob=current,
        advantages=advantages,
        response_mask=completions.mask,
        loss_agg_mode=aggregation,
        config=actor(*clip, dual_clip, aggregated_over),
        rollout_is_weights=weights,
    )
    return loss


def kl_loss(estimator: str, completions: Completions, current: Tensor, aggregation: str) -> Tensor:
    """The KL to the reference as a term of the loss."""
    kl = core_algos.kl_penalty(current, completions["reference_log_prob"], estimator)
    return core_algos.agg_loss(kl, completions.mask, aggregation)


def penalised(completions: Completions, coefficient: float) -> Tensor:
    """The reward of each token with the KL of it in it, k1, as verl's trainer adds it: none at masked tokens."""
    kl = core_algos.kl_penalty(completions["behaviour_log_prob"], completions["reference_log_prob"], "k1")
    return completions.token_rewards() - coefficient * kl * completions.mask


def by_group(name: str, completions: Completions, rewards: Tensor, **options: bool) -> Tensor:
    """Advantages that compare within groups."""
    advantages, _ = core_algos.get_adv_estimator_fn(name)(
        token_level_rewards=rewards, response_mask=completions.mask, index=completions.groups.numpy(), **options
    )
    return advantages


def to_go(completions: Completions, rewards: Tensor) -> tuple[Tensor, Tensor]:
    """REINFORCE++: whitened rewards to go, and the rewards to go themselves."""
    advantages, returns = core_algos.get_adv_estimator_fn("reinforce_plus_plus")(token_level_rewards=rewards, response_mask=completions.mask, config=ONCE)
    return advantages, returns


def less_greedy(completions: Completions, rewards: Tensor, baselines: Tensor) -> Tensor:
    """ReMax's advantages."""
    advantages, _ = core_algos.get_adv_estimator_fn("remax")(
        token_level_rewards=rewards, reward_baselines=baselines, response_mask=completions.mask, config=ONCE
    )
    return advantages


def generalised(completions: Completions, rewards: Tensor, discount: float, decay: float) -> tuple[Tensor, Tensor]:
    """GAE: whitened advantages, and what the critic should have said."""
    advantages, returns = core_algos.compute_gae_advantage_return(
        rewards, completions["behaviour_value"], completions.mask, torch.tensor(discount, dtype=torch.float64), torch.tensor(decay, dtype=torch.float64)
    )
    return advantages, returns


def value_loss(completions: Completions, values: Tensor, returns: Tensor, clip: float, aggregation: str) -> Tensor:
    """The critic's clipped loss."""
    loss, _ = core_algos.compute_value_loss(values, returns, completions["behaviour_value"], completions.mask, clip, aggregation)
    return loss


def importance_weights(completions: Completions, cap: float) -> Tensor:
    """Truncated importance sampling for what served other numbers than the learner has."""
    log_ratio = completions["behaviour_log_prob"] - completions["served_log_prob"]
    weights, _ = compute_rollout_correction_weights(log_ratio, completions.mask, rollout_is="token", rollout_is_threshold=cap)
    return weights


def entropy_loss(entropies: Tensor, completions: Completions, aggregation: str) -> Tensor:
    """The mean of the entropies as verl aggregates it."""
    return core_algos.agg_loss(entropies, completions.mask, aggregation)
