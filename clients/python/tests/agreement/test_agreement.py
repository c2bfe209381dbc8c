"""Loss and gradient of the mesh's algorithms are those of verl and TRL on the same random numbers.

``./mesh algorithms --evaluate`` says what a recipe makes of completions whose numbers are given: which it learns from, their advantages, the loss and its
gradient by each token's numbers. verl's and TRL's own functions are given the same numbers, PyTorch differentiates them. Where a definition differs,
docs/evidence/agreement.md says how, and the case says what is compared in its stead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import of_trl
import of_verl
import pytest
import torch
from completions import MAX_TOKENS, Completions, draw, with_numbers
from conftest import mesh
from torch import Tensor

SEEDS = range(5)
RELATIVE = 1e-6
ABSOLUTE = 1e-9  # where a number is next to nothing: verl adds 1e-8 to counts of tokens

Answer = Mapping[str, Any]


@dataclass
class Foreign:
    """What another library says of the same completions.

    :param loss: its loss
    :param leaves: what it is differentiated by, shape [B, T], by the name that the case gives it
    :param advantages: shape [B, T], where it computes them itself
    """

    loss: Tensor
    leaves: Mapping[str, Tensor]
    advantages: Tensor | None = None


@dataclass(frozen=True)
class Case:
    """A recipe, its completions, and who else computes it.

    :param foreign: is given the completions with those of them that are learned from, and what the mesh answered
    :param same_value: False where the two losses differ in value by definition and have the same gradient
    """

    name: str
    recipe: Mapping[str, Any]
    completions: Callable[[int], Completions]
    foreign: Callable[[Completions, Answer], Foreign]
    same_value: bool = True
    clipped: bool = False

    def __str__(self) -> str:
        return self.name


def leaf(completions: Completions, name: str = "current_log_prob") -> Tensor:
    """Numbers that a loss is differentiated by."""
    return completions[name].clone().requires_grad_()


def of_mesh(completions: Completions, answer: Answer, name: str) -> Tensor:
    """One advantage of each completion, as the mesh computed it: its first token's, shape [B]."""
    by_name = {each["completion"]: each for each in answer["completions"]}
    return torch.tensor([by_name[key(completions, i)]["per_token"][name][0] for i in range(len(completions))], dtype=torch.float64)


def key(completions: Completions, index: int) -> str:
    """How the mesh names a completion."""
    return f"{index // completions.group}.{index % completions.group}"


# ---------------------------------------------------------------- policy gradients, by verl


def verl_case(
    name: str,
    recipe: Mapping[str, Any],
    advantages: Callable[[Completions, Tensor], Tensor],
    loss: Callable[[Completions, Tensor, Tensor], Tensor],
    *,
    kl: float = 0.0,
    completions: Callable[[int], Completions] = draw,
    clipped: bool = False,
) -> Case:
    """Rewards, the KL in them, advantages and loss, all by verl."""

    def foreign(drawn: Completions, _: Answer) -> Foreign:
        found = advantages(drawn, of_verl.penalised(drawn, kl) if kl else drawn.token_rewards())
        current = leaf(drawn)
        return Foreign(loss(drawn, current, found), {"current_log_prob": current}, found)

    return Case(f"verl: {name}", recipe, completions, foreign, clipped=clipped)


def grouped(name: str, **options: bool) -> Callable[[Completions, Tensor], Tensor]:
    return lambda drawn, rewards: of_verl.by_group(name, drawn, rewards, **options)


def clip(low: float, high: float, dual: float = 0.0) -> dict[str, float]:
    return {"clip_low": low, "clip_high": high, "dual_clip": dual}


def vanilla(aggregation: str, low: float, high: float, **options: Any) -> Callable[[Completions, Tensor, Tensor], Tensor]:
    return lambda drawn, current, found: of_verl.policy_loss("vanilla", drawn, current, found, aggregation, clip=(low, high), **options)


def plain(aggregation: str) -> Callable[[Completions, Tensor, Tensor], Tensor]:
    return lambda drawn, current, found: of_verl.policy_loss("gpg", drawn, current, found, aggregation)


def with_kl_loss(loss: Callable[[Completions, Tensor, Tensor], Tensor], coefficient: float, estimator: str) -> Callable[[Completions, Tensor, Tensor], Tensor]:
    return lambda drawn, current, found: loss(drawn, current, found) + coefficient * of_verl.kl_loss(estimator, drawn, current, "seq-mean-token-mean")


def served_apart(seed: int) -> Completions:
    drawn = draw(seed)
    random = torch.Generator().manual_seed(1000 + seed)
    apart = 0.5 * torch.randn(drawn.mask.shape, generator=random, dtype=torch.float64)
    return with_numbers(drawn, served_log_prob=drawn["behaviour_log_prob"] + apart)


def with_greedy(seed: int) -> Completions:
    """Three completions of each prompt, and a greedy one, which no tokens are learned from."""
    return draw(seed, roles=("ROLLOUT", "ROLLOUT", "ROLLOUT", "BASELINE"))


def remax(drawn: Completions, rewards: Tensor) -> Tensor:
    greedy = drawn["reward"].view(-1, drawn.group)[:, -1].repeat_interleave(drawn.group)
    return of_verl.less_greedy(drawn, rewards, greedy)


def learned(drawn: Completions) -> Completions:
    """Without the greedy ones."""
    kept = torch.arange(len(drawn)) % drawn.group != drawn.group - 1
    return Completions(
        drawn.group,
        drawn.lengths[kept],
        drawn.mask[kept],
        {name: values[kept] for name, values in drawn.per_token.items()},
        {name: values[kept] for name, values in drawn.per_completion.items()},
    )


def verl_remax(drawn: Completions, _: Answer) -> Foreign:
    found = remax(drawn, of_verl.penalised(drawn, 0.1))
    kept = torch.arange(len(drawn)) % drawn.group != drawn.group - 1
    current = leaf(drawn)
    loss = of_verl.policy_loss("gpg", learned(drawn), current[kept], found[kept], "seq-mean-token-sum")
    return Foreign(loss, {"current_log_prob": current}, found)


def with_critic(seed: int) -> Completions:
    drawn = draw(seed, inner_mask=False)
    random = torch.Generator().manual_seed(2000 + seed)
    values = torch.randn(drawn.mask.shape, generator=random, dtype=torch.float64)
    apart = 0.3 * torch.randn(drawn.mask.shape, generator=random, dtype=torch.float64)
    return with_numbers(drawn, behaviour_value=values, value=values + apart)


def verl_ppo(drawn: Completions, _: Answer) -> Foreign:
    found, returns = of_verl.generalised(drawn, of_verl.penalised(drawn, 0.05), 0.97, 0.9)
    current, values = leaf(drawn), leaf(drawn, "value")
    loss = of_verl.policy_loss("vanilla", drawn, current, found, "token-mean", clip=(0.2, 0.2))
    loss = loss + 0.1 * of_verl.value_loss(drawn, values, returns, 0.2, "token-mean")
    return Foreign(loss, {"current_log_prob": current, "value": values}, found)


def verl_importance(drawn: Completions, _: Answer) -> Foreign:
    found = of_verl.by_group("grpo", drawn, drawn.token_rewards())
    current = leaf(drawn)
    weights = of_verl.importance_weights(drawn, 1.3)
    loss = of_verl.policy_loss("vanilla", drawn, current, found, "token-mean", clip=(0.2, 0.28), weights=weights)
    return Foreign(loss, {"current_log_prob": current})


def verl_entropy(drawn: Completions, _: Answer) -> Foreign:
    found = of_verl.by_group("grpo", drawn, drawn.token_rewards())
    current, entropies = leaf(drawn), leaf(drawn, "entropy")
    loss = of_verl.policy_loss("vanilla", drawn, current, found, "seq-mean-token-mean") - 0.02 * of_verl.entropy_loss(entropies, drawn, "seq-mean-token-mean")
    return Foreign(loss, {"current_log_prob": current, "entropy": entropies})


def with_entropies(seed: int) -> Completions:
    drawn = draw(seed)
    random = torch.Generator().manual_seed(3000 + seed)
    return with_numbers(drawn, entropy=torch.rand(drawn.mask.shape, generator=random, dtype=torch.float64))


RETURNS = {"advantage": {"kind": "RETURN"}, "kl": {"coefficient": 0.1}}

BY_VERL = [
    verl_case(
        "GRPO, k3 in the loss",
        {"algorithm": "GRPO", "objective": clip(0.2, 0.2, 3)},
        grouped("grpo"),
        with_kl_loss(vanilla("seq-mean-token-mean", 0.2, 0.2), 0.04, "k3"),
        clipped=True,
    ),
    verl_case(
        "GRPO, k2 in the loss, a small dual clip",
        {"algorithm": "GRPO", "objective": clip(0.1, 0.3, 1.2), "kl": {"coefficient": 0.5, "estimator": "K2"}},
        grouped("grpo"),
        with_kl_loss(vanilla("seq-mean-token-mean", 0.1, 0.3, dual_clip=1.2), 0.5, "k2"),
        clipped=True,
    ),
    verl_case(
        "Dr. GRPO",
        {"algorithm": "DR_GRPO", "objective": clip(0.2, 0.2, 3)},
        grouped("grpo", norm_adv_by_std_in_grpo=False),
        vanilla("seq-mean-token-sum-norm", 0.2, 0.2, aggregated_over=MAX_TOKENS),
        clipped=True,
    ),
    verl_case(
        "DAPO, its loss",
        {"algorithm": "DAPO", "shaping": [], "objective": clip(0.2, 0.28, 3)},
        grouped("grpo"),
        vanilla("token-mean", 0.2, 0.28),
        clipped=True,
    ),
    verl_case(
        "GSPO",
        {"algorithm": "GSPO", "objective": {"clip_low": 0.04, "clip_high": 0.06}},
        grouped("grpo"),
        lambda drawn, current, found: of_verl.policy_loss("gspo", drawn, current, found, "seq-mean-token-mean", clip=(0.04, 0.06)),
        clipped=True,
    ),
    verl_case(
        "CISPO",
        {"algorithm": "CISPO", "objective": {"clip_high": 0.15}},
        grouped("grpo"),
        lambda drawn, current, found: of_verl.policy_loss("cispo", drawn, current, found, "token-mean", clip=(1.0, 0.15)),
        clipped=True,
    ),
    verl_case("RLOO, k1 in the reward", {"algorithm": "RLOO"}, grouped("rloo"), plain("seq-mean-token-sum"), kl=0.03),
    verl_case(
        "REINFORCE without a baseline, k1 in the reward",
        {"algorithm": "REINFORCE", **RETURNS},
        lambda drawn, rewards: of_verl.to_go(drawn, rewards)[1],
        plain("seq-mean-token-sum"),
        kl=0.1,
    ),
    verl_case(
        "REINFORCE++, k1 in the reward",
        {"algorithm": "REINFORCE_PLUS_PLUS", "objective": clip(0.2, 0.2, 3)},
        lambda drawn, rewards: of_verl.to_go(drawn, rewards)[0],
        vanilla("token-mean", 0.2, 0.2),
        kl=0.01,
        clipped=True,
    ),
    Case("verl: ReMax, k1 in the reward", {"algorithm": "REMAX"}, with_greedy, verl_remax),
    Case(
        "verl: PPO with GAE and its critic",
        {
            "algorithm": "PPO",
            "advantage": {"kind": "GAE", "discount": 0.97, "trace_decay": 0.9, "value_clip": 0.2, "value_coefficient": 0.1},
            "objective": clip(0.2, 0.2, 3),
        },
        with_critic,
        verl_ppo,
        clipped=True,
    ),
    Case(
        "verl: truncated importance sampling",
        {"algorithm": "DAPO", "shaping": [], "objective": {**clip(0.2, 0.28, 3), "importance_cap": 1.3}},
        served_apart,
        verl_importance,
    ),
    Case(
        "verl: an entropy bonus",
        {"algorithm": "GRPO", "kl": {"coefficient": 0}, "objective": {**clip(0.2, 0.2, 3), "entropy_coefficient": 0.02}},
        with_entropies,
        verl_entropy,
    ),
]

# ---------------------------------------------------------------- policy gradients, by TRL


def trl_case(name: str, recipe: Mapping[str, Any], loss_type: str, clipped: bool = True, **options: Any) -> Case:
    """TRL's loss on the mesh's advantages, which its trainer would compute while it samples."""

    def foreign(drawn: Completions, answer: Answer) -> Foreign:
        current = leaf(drawn)
        advantages = of_mesh(drawn, answer, "advantage")
        return Foreign(of_trl.grpo(loss_type, drawn, current, advantages, **options), {"current_log_prob": current})

    return Case(f"TRL: {name}", recipe, draw, foreign, clipped=clipped)


def trl_entropy(drawn: Completions, answer: Answer) -> Foreign:
    current, entropies = leaf(drawn), leaf(drawn, "entropy")
    advantages = of_mesh(drawn, answer, "advantage")
    loss = of_trl.grpo("dapo", drawn, current, advantages, clip=(0.2, 0.28), entropies=entropies, entropy_coefficient=0.02)
    return Foreign(loss, {"current_log_prob": current, "entropy": entropies})


def on_policy(seed: int) -> Completions:
    drawn = draw(seed)
    return with_numbers(drawn, current_log_prob=drawn["behaviour_log_prob"])


def trl_rloo(drawn: Completions, answer: Answer) -> Foreign:
    current = leaf(drawn)
    return Foreign(of_trl.rloo(drawn, current, of_mesh(drawn, answer, "advantage")), {"current_log_prob": current})


BY_TRL = [
    trl_case("GRPO, k3 in the loss", {"algorithm": "GRPO"}, "grpo", beta=0.04),
    trl_case("GRPO, two-sided clip", {"algorithm": "GRPO", "kl": {"coefficient": 0}, "objective": clip(0.2, 0.2, 1.3)}, "grpo", dual_clip=1.3),
    trl_case("Dr. GRPO", {"algorithm": "DR_GRPO"}, "dr_grpo"),
    trl_case("DAPO, its loss", {"algorithm": "DAPO", "shaping": []}, "dapo", clip=(0.2, 0.28)),
    trl_case("GSPO", {"algorithm": "GSPO", "objective": {"clip_low": 0.04, "clip_high": 0.06}}, "grpo", clip=(0.04, 0.06), level="sequence"),
    # its epsilon_high is the largest weight itself, ours is by how much it may exceed 1
    trl_case("CISPO", {"algorithm": "CISPO", "objective": {"clip_high": 0.15}}, "cispo", clip=(0.2, 1.15)),
    Case(
        "TRL: an entropy bonus",
        {"algorithm": "DAPO", "shaping": [], "objective": {"entropy_coefficient": 0.02}},
        with_entropies,
        trl_entropy,
    ),
    # a ratio of whole completions, which is 1 here, in place of the log-probability: another value, the same gradient
    Case("TRL: RLOO on the policy that sampled", {"algorithm": "RLOO", "kl": {"coefficient": 0}}, on_policy, trl_rloo, same_value=False),
]

# ---------------------------------------------------------------- preferences, by TRL


def pairs(seed: int, inner_mask: bool = True) -> Completions:
    return draw(seed, prompts=6, group=2, inner_mask=inner_mask)


def sides(drawn: Completions) -> Tensor:
    """Where the better ones of pairs are, then the worse ones, shape [2P]."""
    by_reward = drawn["reward"].view(-1, 2).argsort(dim=1, descending=True)
    first = torch.arange(0, len(drawn), 2)
    return torch.cat([first + by_reward[:, 0], first + by_reward[:, 1]])


def at(drawn: Completions, index: Tensor) -> Completions:
    """These completions in another order."""
    return Completions(
        drawn.group,
        drawn.lengths[index],
        drawn.mask[index],
        {name: values[index] for name, values in drawn.per_token.items()},
        {name: values[index] for name, values in drawn.per_completion.items()},
    )


def dpo_case(name: str, recipe: Mapping[str, Any], loss_type: str, **options: float) -> Case:
    def foreign(drawn: Completions, _: Answer) -> Foreign:
        current, order = leaf(drawn), sides(drawn)
        return Foreign(of_trl.dpo(loss_type, at(drawn, order), current[order], **options), {"current_log_prob": current})

    return Case(f"TRL: {name}", recipe, pairs, foreign)


def cpo_case(name: str, recipe: Mapping[str, Any], loss_type: str, measure: str, **options: float) -> Case:
    """The same formula on another number of each completion: its log-probability, that of a token, or its log-ratio to the reference."""

    def foreign(drawn: Completions, _: Answer) -> Foreign:
        current = leaf(drawn)
        numbers = current - drawn["reference_log_prob"] if measure == "log-ratio" else current
        sums = (numbers * drawn.mask).sum(1)
        measured = sums / drawn.mask.sum(1) if measure == "mean" else sums
        chosen, rejected = measured[sides(drawn)].chunk(2)
        return Foreign(of_trl.cpo(loss_type, chosen, rejected, **options), {"current_log_prob": current})

    return Case(f"TRL: {name}", recipe, pairs, foreign)


def online_case(name: str, recipe: Mapping[str, Any], loss_type: str, beta: float) -> Case:
    def foreign(drawn: Completions, _: Answer) -> Foreign:
        order = torch.cat([torch.arange(0, len(drawn), 2), torch.arange(1, len(drawn), 2)])
        current = leaf(at(drawn, order))
        loss = of_trl.online_dpo(loss_type, at(drawn, order), current, beta)
        back = torch.empty_like(drawn["current_log_prob"])
        assert current.grad is not None
        back[order] = current.grad
        original = leaf(drawn)
        original.grad = back
        return Foreign(loss, {"current_log_prob": original})

    return Case(f"TRL: {name}", recipe, pairs, foreign)


def of_one_token(seed: int) -> Completions:
    drawn = pairs(seed)
    mask = torch.zeros_like(drawn.mask)
    mask[:, 0] = 1
    return Completions(2, torch.ones_like(drawn.lengths), mask, drawn.per_token, drawn.per_completion)


def trl_ipo_of_one_token(drawn: Completions, _: Answer) -> Foreign:
    current, order = leaf(drawn), sides(drawn)
    return Foreign(of_trl.dpo("ipo", at(drawn, order), current[order], beta=0.1), {"current_log_prob": current})


def one_pair(seed: int) -> Completions:
    return draw(seed, prompts=1, group=2, inner_mask=False)


def trl_orpo(drawn: Completions, _: Answer) -> Foreign:
    current, order = leaf(drawn), sides(drawn)
    return Foreign(of_trl.orpo(at(drawn, order), current[order], 0.3), {"current_log_prob": current})


def rated(seed: int) -> Completions:
    """With KTO's z of a batch, which a trainer estimates on mismatched prompts; in a third of the cases it is below 0, and counts as 0."""
    drawn = draw(seed, prompts=6, group=4)
    z = torch.tensor([0.4, -0.3, 0.1][seed % 3], dtype=torch.float64)
    return Completions(drawn.group, drawn.lengths, drawn.mask, drawn.per_token, {**drawn.per_completion, "preference_baseline": z.expand(len(drawn))})


def trl_kto(drawn: Completions, _: Answer) -> Foreign:
    rewards = drawn["reward"].view(-1, drawn.group)
    good = (rewards > rewards.mean(1, keepdim=True)).view(-1)
    current = leaf(drawn)
    loss = of_trl.kto(drawn, current, good, drawn["preference_baseline"][:3], beta=0.2, desirable=1.0, undesirable=1.5)
    return Foreign(loss, {"current_log_prob": current})


PREFERENCES = [
    dpo_case("DPO", {"algorithm": "ONLINE_DPO", "objective": {"beta": 0.3}}, "sigmoid", beta=0.3),
    dpo_case("rDPO", {"algorithm": "RDPO", "objective": {"beta": 0.3, "flip_rate": 0.2}}, "robust", beta=0.3, label_smoothing=0.2),
    cpo_case(
        "cDPO, by CPO of log-ratios",
        {"algorithm": "CDPO", "objective": {"beta": 0.3, "flip_rate": 0.2}},
        "sigmoid",
        "log-ratio",
        beta=0.3,
        label_smoothing=0.2,
    ),
    cpo_case("IPO, by CPO of log-ratios", {"algorithm": "IPO", "objective": {"beta": 0.2}}, "ipo", "log-ratio", beta=0.2),
    Case("TRL: IPO by DPO's trainer, of one token", {"algorithm": "IPO"}, of_one_token, trl_ipo_of_one_token),
    cpo_case("SLiC-HF, its hinge, by CPO", {"algorithm": "SLIC_HF", "objective": {"target_margin": 1, "likelihood": 0}}, "hinge", "sum", beta=1.0),
    cpo_case("SimPO", {"algorithm": "SIMPO", "objective": {"beta": 2.5, "target_margin": 1.0}}, "simpo", "mean", beta=2.5, gamma=1.0),
    Case("TRL: ORPO of a pair", {"algorithm": "ORPO", "objective": {"odds": 0.3}}, one_pair, trl_orpo),
    Case(
        "TRL: KTO",
        {"algorithm": "KTO", "objective": {"beta": 0.2, "desirable_weight": 1.0, "undesirable_weight": 1.5}},
        rated,
        trl_kto,
    ),
    online_case("Online DPO, its own step", {"algorithm": "ONLINE_DPO", "objective": {"beta": 0.3}}, "sigmoid", 0.3),
    online_case("IPO, Online DPO's step", {"algorithm": "IPO", "objective": {"beta": 0.3}}, "ipo", 0.3),
]

CASES = [*BY_VERL, *BY_TRL, *PREFERENCES]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Answer]]:
    """What the mesh says of every case and seed."""
    file = tmp_path_factory.mktemp("agreement") / "cases.jsonl"
    file.write_text("".join(json.dumps(case.completions(seed).case(case.recipe)) + "\n" for case in CASES for seed in SEEDS))
    lines = [json.loads(line) for line in mesh("algorithms", "--evaluate", str(file)).splitlines()]
    assert len(lines) == len(CASES) * len(SEEDS)
    return {case.name: lines[i * len(SEEDS) : (i + 1) * len(SEEDS)] for i, case in enumerate(CASES)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_loss_and_gradient_agree(case: Case, seed: int, answers: Mapping[str, list[Answer]]) -> None:
    drawn, answer = case.completions(seed), answers[case.name][seed]
    foreign = case.foreign(drawn, answer)
    if foreign.loss.requires_grad:
        foreign.loss.backward()

    if case.same_value:
        assert answer["value"] == pytest.approx(foreign.loss.item(), rel=RELATIVE, abs=ABSOLUTE)
    seen = 0
    for i in range(len(drawn)):
        length = int(drawn.lengths[i])
        ours = next((each for each in answer["completions"] if each["completion"] == key(drawn, i)), None)
        for name, numbers in foreign.leaves.items():
            theirs = torch.zeros(length) if numbers.grad is None else numbers.grad[i, :length]
            if ours is None:
                assert not theirs.any()
                continue
            gradient = ours["gradient"].get(name, [0.0] * length)
            assert gradient == pytest.approx(theirs.tolist(), rel=RELATIVE, abs=ABSOLUTE), f"{name} of completion {i}"
            seen += sum(value != 0 for value in gradient)
        if foreign.advantages is not None and ours is not None:
            masked = drawn.mask[i, :length].bool()
            advantages = torch.tensor(ours["per_token"]["advantage"], dtype=torch.float64)[masked]
            assert advantages.tolist() == pytest.approx(foreign.advantages[i, :length][masked].tolist(), rel=RELATIVE, abs=ABSOLUTE)
    assert seen > 0, "a case in which nothing moves shows nothing"
    if case.clipped:
        assert 0 < answer["metrics"]["clip_fraction"] < 1
