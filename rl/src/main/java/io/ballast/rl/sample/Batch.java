package io.ballast.rl.sample;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The groups of one update. Gradients are returned in the order of {@link #samples()}.
 *
 * @param groups at least one
 */
public record Batch(List<Group> groups) {
  /** Copies the list; refuses an empty one. */
  public Batch {
    groups = List.copyOf(groups);
    if (groups.isEmpty()) {
      throw new IllegalArgumentException("batch: no groups (expected: at least one)");
    }
  }

  /** A batch of {@code groups}. */
  public static Batch of(Group... groups) {
    return new Batch(List.of(groups));
  }

  /** All completions, group after group. */
  public List<Sample> samples() {
    List<Sample> all = new ArrayList<>();
    groups.forEach(group -> all.addAll(group.samples()));
    return List.copyOf(all);
  }

  /** Returns a batch of the changed completions. */
  public Batch map(UnaryOperator<Sample> change) {
    return new Batch(groups.stream().map(group -> group.map(change)).toList());
  }
}
