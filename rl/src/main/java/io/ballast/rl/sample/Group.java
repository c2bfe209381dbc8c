package io.ballast.rl.sample;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * The G completions of one prompt.
 *
 * @param groupId names the prompt; may be empty
 * @param samples at least one
 */
public record Group(String groupId, List<Sample> samples) {
  /** Copies the list; refuses an empty one. */
  public Group {
    samples = List.copyOf(samples);
    if (samples.isEmpty()) {
      throw new IllegalArgumentException(
          "group '" + groupId + "': no samples (expected: at least one)");
    }
  }

  /** How many completions there are, G. */
  public int size() {
    return samples.size();
  }

  /** The numbers called {@code name} of all completions, shape [G], in order. */
  public double[] numbers(PerSequenceName name) {
    return samples.stream().mapToDouble(sample -> sample.number(name)).toArray();
  }

  /**
   * Returns the one completion that plays {@code role}.
   *
   * @throws IllegalArgumentException if there is none, or more than one
   */
  public Sample only(SampleRole role) {
    List<Sample> found = samples.stream().filter(sample -> sample.role() == role).toList();
    if (found.size() != 1) {
      throw new IllegalArgumentException(
          "group '" + groupId + "': " + found.size() + " samples are " + role + " (expected: 1)");
    }
    return found.getFirst();
  }

  /**
   * Returns a group whose token {@code t} of completion {@code i} has the advantage of {@code i}.
   */
  public Group withAdvantages(double[] advantages) {
    if (advantages.length != size()) {
      throw new IllegalArgumentException(
          "advantages: " + advantages.length + " elements (expected: " + size() + ")");
    }
    List<Sample> next =
        IntStream.range(0, size())
            .mapToObj(i -> samples.get(i).withAll(PerTokenName.ADVANTAGE, advantages[i]))
            .toList();
    return new Group(groupId, next);
  }

  /** Returns a group of the changed completions. */
  public Group map(UnaryOperator<Sample> change) {
    return new Group(groupId, samples.stream().map(change).toList());
  }
}
