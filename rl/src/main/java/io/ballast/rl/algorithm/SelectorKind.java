package io.ballast.rl.algorithm;

import java.util.Map;
import java.util.Set;

/** Which completions are learned from, and in which role. */
public enum SelectorKind implements Part {
  /** All. */
  ALL(Facts.of("all", "–", Set.of(), Set.of())),
  /** Groups whose rewards are not all equal; in place of the others further prompts are sampled. */
  DYNAMIC_SAMPLING(
      Facts.of(
              "groups with max r > min r, of so many prompts that there are P of them",
              "Yu et al. 2025, DAPO, arXiv:2503.14476 §3.2; the bound on rounds is that of verl's recipe",
              Set.of(Need.GROUPS),
              Set.of())
          .knobs(Map.of(Knob.MAX_ROUNDS, 10.0))),
  /** The best of each group against its worst. */
  BEST_AND_WORST(
      Facts.of(
          "y_w = argmax r, y_l = argmin r; none where they are equal",
          "Guo et al. 2024, Online DPO, arXiv:2402.04792",
          Set.of(Need.GROUPS),
          Set.of(Need.PAIRS))),
  /** Good what is above its group's mean, bad what is below. */
  ABOVE_AND_BELOW_MEAN(
      Facts.of(
          "good where r > mean(r), bad where r < mean(r)",
          "Ethayarajh et al. 2024, KTO, arXiv:2402.01306",
          Set.of(Need.GROUPS),
          Set.of(Need.RATINGS))),
  /** The i-th of the policy's against the i-th of the reference's, the better one chosen. */
  AGAINST_REFERENCE(
      Facts.of(
          "(yᵢ, ỹᵢ) in the order of their rewards; none where they are equal",
          "Xie et al. 2024, XPO, arXiv:2405.21046",
          Set.of(Need.REFERENCE_COMPLETIONS),
          Set.of(Need.PAIRS))),
  /** The pairs that the data has. */
  PAIRS_OF_DATA(
      Facts.of(
          "(y_w, y_l) as the data says",
          "Rafailov et al. 2023, DPO, arXiv:2305.18290 §4",
          Set.of(Need.LABELS),
          Set.of(Need.PAIRS))),
  /** The ratings that the data has; of a pair both, the chosen one good. */
  RATINGS_OF_DATA(
      Facts.of(
          "good and bad as the data says; of a pair y_w good, y_l bad",
          "Ethayarajh et al. 2024, KTO, arXiv:2402.01306 §4",
          Set.of(Need.LABELS),
          Set.of(Need.RATINGS)));

  private final Facts facts;

  SelectorKind(Facts facts) {
    this.facts = facts;
  }

  /** What gives the same to a loss where completions come from {@link SourceKind#DATA}. */
  public SelectorKind ofData() {
    return switch (this) {
      case BEST_AND_WORST, AGAINST_REFERENCE, PAIRS_OF_DATA -> PAIRS_OF_DATA;
      case ABOVE_AND_BELOW_MEAN, RATINGS_OF_DATA -> RATINGS_OF_DATA;
      case ALL, DYNAMIC_SAMPLING -> this;
    };
  }

  @Override
  public Stage stage() {
    return Stage.SELECTOR;
  }

  @Override
  public Facts facts() {
    return facts;
  }
}
