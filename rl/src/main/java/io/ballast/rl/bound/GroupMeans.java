package io.ballast.rl.bound;

import java.util.Arrays;

/**
 * The mean of each group of observations that are not independent, such as several prompts of one
 * file: the groups are what is independent, so their means are the sample of a bound.
 *
 * <pre>ȳ_g = Σ_{i in g} yᵢ / |g|,  g = 1 … G</pre>
 *
 * <p>The mean of the ȳ_g estimates the expected mean of a group that is drawn at random: each group
 * counts the same, however many observations it has. With n observations in place of G groups a
 * bound would be too narrow by up to √(1 + (n/G − 1)·ρ), ρ the correlation within a group.
 *
 * <p>Source: the ultimate cluster; Cochran 1977, Sampling Techniques, §9A and §10.3.
 */
public final class GroupMeans {
  private GroupMeans() {}

  /**
   * Returns the groups' means.
   *
   * @param values shape [n], n ≥ 1, finite, any unit
   * @param groups shape [n], the group of each, 1 to G in the order in which they come first: a
   *     value is at most 1 more than the largest before it
   * @return shape [G], in the order of the groups
   * @throws IllegalArgumentException if the shapes differ or a group is not one of those
   */
  public static double[] of(double[] values, int[] groups) {
    if (values.length != groups.length) {
      throw new IllegalArgumentException(
          "groups.length: %d (expected: %d, as many as values)"
              .formatted(groups.length, values.length));
    }
    double[] sums = new double[values.length];
    int[] sizes = new int[values.length];
    int count = 0;
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new IllegalArgumentException(
            "values[%d]: %s (expected: finite)".formatted(i, values[i]));
      }
      if (groups[i] < 1 || groups[i] > count + 1) {
        throw new IllegalArgumentException(
            "groups[%d]: %d (expected: 1 to %d)".formatted(i, groups[i], count + 1));
      }
      count = Math.max(count, groups[i]);
      sums[groups[i] - 1] += values[i];
      sizes[groups[i] - 1]++;
    }
    double[] means = Arrays.copyOf(sums, count);
    for (int g = 0; g < count; g++) {
      means[g] /= sizes[g];
    }
    return means;
  }

  /** Whether some group has more than one observation. */
  static boolean share(int[] groups) {
    return Arrays.stream(groups).distinct().count() < groups.length;
  }
}
