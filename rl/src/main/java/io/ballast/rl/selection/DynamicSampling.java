package io.ballast.rl.selection;

import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.stats.Moments;
import java.util.List;

/**
 * Drops groups that carry no signal: all rewards equal, so every group-relative advantage is 0.
 *
 * <p>Source: Yu et al. 2025 (DAPO), arXiv:2503.14476. The caller samples again until its batch is
 * full, or goes on with fewer; how many were dropped is its to count.
 */
public final class DynamicSampling {
  private DynamicSampling() {}

  /** Returns whether {@code rewards}, shape [G], finite, are not all equal; false for one. */
  public static boolean isInformative(double[] rewards) {
    return !Moments.allEqual(rewards);
  }

  /** Returns the groups whose rewards are not all equal, in order; maybe none. */
  public static List<Group> keepInformative(List<Group> groups) {
    return groups.stream()
        .filter(group -> isInformative(group.numbers(PerSequenceName.REWARD)))
        .toList();
  }
}
