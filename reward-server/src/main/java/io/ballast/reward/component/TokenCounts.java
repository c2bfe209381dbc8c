package io.ballast.reward.component;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.PinnedVersion;

/** Counts tokens as the tokenizer of a learned ensemble does. */
@FunctionalInterface
public interface TokenCounts {
  /**
   * How many tokens {@code text} has.
   *
   * @throws io.ballast.kit.error.MeshException as for a score by {@code ensemble}
   */
  int of(PinnedVersion ensemble, String text, CallPatience patience);
}
