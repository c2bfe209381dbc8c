package io.ballast.rl.algorithm;

import java.util.Map;
import java.util.Set;

/** How much better than expected a completion was, and by whose expectation. */
public enum AdvantageKind implements Part {
  /** None: the loss compares completions itself. */
  NONE(Facts.of("–", "–", Set.of(), Set.of())),
  /** Nobody expects anything: the return itself. */
  RETURN(
      Facts.of(
              "Âₜ = Σ_{k≥t} γ^{k−t}·r_k",
              "Williams 1992, REINFORCE",
              Set.of(),
              Set.of(Need.ADVANTAGES))
          .knobs(Map.of(Knob.DISCOUNT, 1.0))),
  /** The mean of all rewards of the iterations before. */
  RUNNING_MEAN(
      Facts.of(
              "Âₜ = Σ_{k≥t} γ^{k−t}·r_k − mean of all earlier returns",
              "Williams 1992, REINFORCE with a baseline",
              Set.of(),
              Set.of(Need.ADVANTAGES))
          .knobs(Map.of(Knob.DISCOUNT, 1.0))),
  /** The group's mean, in units of its standard deviation. */
  GRPO(
      Facts.of(
          "Âᵢ = (rᵢ − mean(r))/(std(r) + 1e-6)",
          "Shao et al. 2024, GRPO, arXiv:2402.03300 §4.1.2",
          Set.of(Need.GROUPS),
          Set.of(Need.ADVANTAGES, Need.ONE_ADVANTAGE))),
  /** The mean of the others in the group. */
  RLOO(
      Facts.of(
          "Âᵢ = rᵢ − mean_{j≠i} rⱼ",
          "Ahmadian et al. 2024, RLOO, arXiv:2402.14740",
          Set.of(Need.GROUPS),
          Set.of(Need.ADVANTAGES, Need.ONE_ADVANTAGE))),
  /** The group's mean. */
  CENTRED(
      Facts.of(
          "Âᵢ = rᵢ − mean(r)",
          "Liu et al. 2025, Dr. GRPO, arXiv:2503.20783",
          Set.of(Need.GROUPS),
          Set.of(Need.ADVANTAGES, Need.ONE_ADVANTAGE))),
  /** The reward of the greedy completion. */
  GREEDY(
      Facts.of(
              "Âₜ = Σ_{k≥t} γ^{k−t}·r_k − r(ŷ)",
              "Li et al. 2023, ReMax, arXiv:2310.10505",
              Set.of(Need.GREEDY_REWARD),
              Set.of(Need.ADVANTAGES))
          .knobs(Map.of(Knob.DISCOUNT, 1.0))),
  /** All tokens of the iteration, in units of their standard deviation. */
  BATCH_WHITENED(
      Facts.of(
              "Âₜ = whiten(Σ_{k≥t} γ^{k−t}·r_k) over all tokens",
              "Hu 2025, REINFORCE++, arXiv:2501.03262",
              Set.of(),
              Set.of(Need.ADVANTAGES))
          .knobs(Map.of(Knob.DISCOUNT, 1.0))),
  /** A critic. */
  GAE(
      Facts.of(
              "Âₜ = δₜ + γλ·Âₜ₊₁, δₜ = rₜ + γVₜ₊₁ − Vₜ",
              "Schulman et al. 2015, GAE, arXiv:1506.02438 eq. 16",
              Set.of(),
              Set.of(Need.ADVANTAGES, Need.VALUES))
          .knobs(
              Map.of(
                  Knob.DISCOUNT, 1.0,
                  Knob.TRACE_DECAY, 0.95,
                  Knob.WHITEN, 1.0,
                  Knob.VALUE_CLIP, 0.2,
                  Knob.VALUE_COEFFICIENT, 0.1,
                  Knob.CRITIC_WARMUP, 0.0)));

  private final Facts facts;

  AdvantageKind(Facts facts) {
    this.facts = facts;
  }

  @Override
  public Stage stage() {
    return Stage.ADVANTAGE;
  }

  @Override
  public Facts facts() {
    return facts;
  }

  /** Whether a critic is trained beside the policy. */
  public boolean critic() {
    return facts.gives().contains(Need.VALUES);
  }

  /** Whether it compares with the group alone and scales nothing: a price of harm stays one. */
  public boolean linearInGroup() {
    return this == RLOO || this == CENTRED;
  }
}
