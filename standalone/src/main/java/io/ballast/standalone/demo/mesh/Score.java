package io.ballast.standalone.demo.mesh;

import java.util.List;

/**
 * What the reward ensemble gave a completion.
 *
 * @param value aggregated as the server does by default
 * @param members on the common scale, in the ensemble's order
 */
public record Score(double value, List<Double> members) {
  public Score {
    members = List.copyOf(members);
  }

  /** The mean of the members. */
  public double mean() {
    return members.stream().mapToDouble(Double::doubleValue).average().orElse(value);
  }
}
