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
 * @param name {@code [a-z][a-z0-9_]*}, at most {@value #MAX_NAME} characters
 * @param weight of its standardised score in a member's sum, finite, not 0; below 0 for what there
 *     shall be less of
 * @param normalizations of the members' raw scores by this objective, shape [K]
 * @param inverseTemperatures shape [K], each finite, ≥ 0, as {@link ScoringSpec} has them; empty:
 *     not said
 * @param calibration of the lowest standardised member by this objective; empty: not said
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

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]*");

  /** Checks the ranges above. */
  public ScoringObjective {
    normalizations = List.copyOf(normalizations);
    inverseTemperatures = List.copyOf(inverseTemperatures);
    heldOutMembers = heldOutMembers.stream().map(Map::copyOf).toList();
    heldOut = Map.copyOf(heldOut);
    requireName(name);
    requireWeight(weight);
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
          "name: \"%s\" (expected: [a-z][a-z0-9_]*, at most %d characters)"
              .formatted(name, MAX_NAME));
    }
  }

  /**
   * Refuses what is no weight.
   *
   * @throws IllegalArgumentException naming it
   */
  public static void requireWeight(double weight) {
    if (weight == 0 || !Double.isFinite(weight)) {
      throw new IllegalArgumentException("weight: " + weight + " (expected: finite, not 0)");
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
