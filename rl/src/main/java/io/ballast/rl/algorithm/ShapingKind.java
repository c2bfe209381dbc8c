package io.ballast.rl.algorithm;

import java.util.Map;
import java.util.Set;

/** What becomes of rewards before anything else is made of them. */
public enum ShapingKind implements Part {
  /** Rewards in units of all rewards so far, clipped. */
  HISTORY(
      Facts.of(
              "r̃ = clip((r − μ_all)/σ_all, ±δ)",
              "Zheng et al. 2023, PPO-max, arXiv:2307.04964 §5.3.1",
              Set.of(),
              Set.of())
          .knobs(Map.of(Knob.REWARD_CLIP, 0.8))),
  /** A penalty that grows towards the limit of tokens. */
  OVERLONG_PENALTY(
      Facts.of(
              "r + min(0, −c·(T − (L_max − L_cache))/L_cache)",
              "Yu et al. 2025, DAPO, arXiv:2503.14476",
              Set.of(),
              Set.of())
          .knobs(Map.of(Knob.OVERLONG_TOKENS, 4.0, Knob.OVERLONG_PENALTY, 1.0))),
  /** Completions that were cut off at the limit are not learned from. */
  OVERLONG_FILTER(
      Facts.of(
          "mₜ = 0 where a completion was cut off",
          "Yu et al. 2025, DAPO, arXiv:2503.14476",
          Set.of(),
          Set.of()));

  private final Facts facts;

  ShapingKind(Facts facts) {
    this.facts = facts;
  }

  @Override
  public Stage stage() {
    return Stage.SHAPING;
  }

  @Override
  public Facts facts() {
    return facts;
  }
}
