package io.ballast.rl.algorithm;

import java.util.Set;

/** Who writes the completions that are learned from. */
public enum SourceKind implements Part {
  /** The policy in training. */
  POLICY(Facts.of("yᵢ ~ π(·|x)", "–", Set.of(), Set.of(Need.GROUPS))),
  /** The policy, and once greedily. */
  POLICY_AND_GREEDY(
      Facts.of(
          "yᵢ ~ π(·|x), and ŷ = argmax π(·|x)",
          "Li et al. 2023, ReMax, arXiv:2310.10505",
          Set.of(),
          Set.of(Need.GROUPS, Need.GREEDY_REWARD))),
  /** One half the policy, the other the frozen reference. */
  POLICY_AND_REFERENCE(
      Facts.of(
          "yᵢ ~ π(·|x), ỹᵢ ~ π_ref(·|x)",
          "Xie et al. 2024, XPO, arXiv:2405.21046",
          Set.of(),
          Set.of(Need.REFERENCE_COMPLETIONS))),
  /** Nobody here: data, which says which completions people prefer, or find good. */
  DATA(
      Facts.of(
          "(x, y_w, y_l) or (x, y, good or bad) ~ D",
          "Rafailov et al. 2023, DPO, arXiv:2305.18290 §4",
          Set.of(),
          Set.of(Need.LABELS)));

  private final Facts facts;

  SourceKind(Facts facts) {
    this.facts = facts;
  }

  @Override
  public Stage stage() {
    return Stage.SOURCE;
  }

  @Override
  public Facts facts() {
    return facts;
  }
}
