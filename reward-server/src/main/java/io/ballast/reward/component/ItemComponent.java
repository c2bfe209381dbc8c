package io.ballast.reward.component;

import io.ballast.reward.core.ComponentOutcome;

/** A component that judges one completion at a time. */
public non-sealed interface ItemComponent extends Component {
  /**
   * Judges a completion.
   *
   * @throws CannotJudge if it has no value, with the reason
   * @throws io.ballast.kit.error.MeshException if no item of the request can be judged
   */
  ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge;

  /** Whether it waits rather than computes, so that many items are judged at once. */
  default boolean waits() {
    return false;
  }
}
