package io.ballast.inference.onnx;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One of several objectives that the members of an ensemble judge by, each with a head of its own.
 *
 * <p>Shape letter: K members.
 *
 * @param name {@code [a-z][a-z0-9]*(_[a-z0-9]+)*}, at most {@value #MAX_NAME} characters
 * @param weight of its standardised score in a member's sum, {@value #LEAST_WEIGHT} to {@value
 *     #MOST_WEIGHT} or the negative of that; below 0 for what there shall be less of
 * @param normalizations of the members' raw scores by this objective, shape [K], K ≥ 1
 * @param inverseTemperatures shape [K], each finite, ≥ 0, as {@link ScoringSpec} has them; empty:
 *     not said
 * @param calibration of the cautious standardised member by this objective, the lowest or, where
 *     the weight is below 0, the highest; empty: not said
 * @param heldOutMembers shape [K]: figures of this objective's judgements that trained nothing
 * @param heldOut the same of the members together and the baselines
 */
public record ScoringObjective(
    String name,
    double weight,
    List<Normalization> normalizations,
    List<Double> inverseTemperatures,
    Optional<Calibration> calibration,
    List<Map<String, Double>> heldOutMembers,
    Map<String, Double> heldOut) {
  /** The most objectives of an ensemble. */
  public static final int MAX_COUNT = 16;

  /** The most characters of a name. */
  public static final int MAX_NAME = 64;

  /** The least size of a weight: sums are made in 32 bits. */
  public static final double LEAST_WEIGHT = 1e-3;

  /** The most size of a weight. */
  public static final double MOST_WEIGHT = 1e3;

  /** What a weight is to be, for messages. */
  public static final String WEIGHTS = "0.001 to 1000, or the negative of that";

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*");

  /** Checks the ranges above. */
  public ScoringObjective {
    normalizations = List.copyOf(normalizations);
    inverseTemperatures = List.copyOf(inverseTemperatures);
    heldOutMembers = heldOutMembers.stream().map(Map::copyOf).toList();
    heldOut = Map.copyOf(heldOut);
    requireName(name);
    requireWeight(weight);
    if (normalizations.isEmpty()) {
      throw new IllegalArgumentException("normalization: none (expected: one a member)");
    }
    ScoringSpec.requireOneEach(normalizations.size(), inverseTemperatures, heldOutMembers.size());
  }

  /**
   * Refuses what is no name.
   *
   * @throws IllegalArgumentException naming it
   */
  public static void requireName(String name) {
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name: \"%s\" (expected: [a-z][a-z0-9]*(_[a-z0-9]+)*, at most %d characters)"
              .formatted(name, MAX_NAME));
    }
  }

  /**
   * Refuses what is no weight.
   *
   * @throws IllegalArgumentException naming it
   */
  public static void requireWeight(double weight) {
    if (!(Math.abs(weight) >= LEAST_WEIGHT && Math.abs(weight) <= MOST_WEIGHT)) {
      throw new IllegalArgumentException("weight: " + weight + " (expected: " + WEIGHTS + ")");
    }
  }

  /**
   * Refuses objectives of which two have one name, or too many of them.
   *
   * @throws IllegalArgumentException naming the second by its place
   */
  public static void requireDistinct(List<String> names) {
    if (names.size() > MAX_COUNT) {
      throw new IllegalArgumentException(
          "objectives: %d (expected: at most %d)".formatted(names.size(), MAX_COUNT));
    }
    for (int o = 0; o < names.size(); o++) {
      if (names.indexOf(names.get(o)) < o) {
        throw new IllegalArgumentException(
            "objectives[%d].name: \"%s\" (expected: none that is another's)"
                .formatted(o, names.get(o)));
      }
    }
  }
}
