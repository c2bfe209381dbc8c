package io.ballast.policy.core.suggest;

import io.ballast.policy.core.Seeds;

/**
 * The seeds of the gate's draws, from a suggestion's own. They are those of "prompts" that no
 * completion has, so they are independent of the decoder's.
 */
public final class GateSeeds {
  private static final int STREAM = -2;

  private GateSeeds() {}

  /** The seed of stage 1's draw. */
  public static long stageOne(long seed) {
    return Seeds.derive(seed, STREAM, 0);
  }

  /** The seed of stage 2's draw. */
  public static long stageTwo(long seed) {
    return Seeds.derive(seed, STREAM, 1);
  }
}
