package io.ballast.standalone.demo.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How often a score puts two completions of one prompt in the order of their true worth: all that a
 * group-relative advantage sees of a reward. Ties of the score count half; pairs of equal worth do
 * not count.
 */
public final class Ranking {
  private Ranking() {}

  /**
   * One prompt's completions.
   *
   * @param file whose prompts are one cluster
   * @param worth shape [n], higher is better
   * @param scores shape [n]
   */
  public record Group(Object file, List<Double> worth, List<Double> scores) {
    public Group {
      worth = List.copyOf(worth);
      scores = List.copyOf(scores);
      if (worth.size() != scores.size()) {
        throw new IllegalArgumentException(
            "scores: %d (expected: %d)".formatted(scores.size(), worth.size()));
      }
    }
  }

  /**
   * A share of pairs.
   *
   * @param share 0 to 1, clustered by file
   * @param pairs that it was taken over
   */
  public record Accuracy(Interval share, long pairs) {}

  /** Returns the accuracy over {@code groups}; nothing if no two completions differ in worth. */
  public static Optional<Accuracy> accuracy(List<Group> groups) {
    double[] right = new double[groups.size()];
    double[] pairs = new double[groups.size()];
    List<Object> files = new ArrayList<>();
    long total = 0;
    for (int g = 0; g < groups.size(); g++) {
      Group group = groups.get(g);
      files.add(group.file());
      for (int i = 0; i < group.worth().size(); i++) {
        for (int j = 0; j < group.worth().size(); j++) {
          if (group.worth().get(i) > group.worth().get(j)) {
            right[g] += (1 + Math.signum(group.scores().get(i) - group.scores().get(j))) / 2;
            pairs[g]++;
            total++;
          }
        }
      }
    }
    long count = total;
    return files.stream().distinct().count() < 2
        ? Optional.empty()
        : ClusteredRatio.ratio(right, pairs, files)
            .map(share -> new Accuracy(share.within(0, 1), count));
  }
}
