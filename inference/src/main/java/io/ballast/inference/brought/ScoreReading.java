package io.ballast.inference.brought;

import java.util.List;

/** What of a classifier's outputs z, shape [K], is the score. */
public sealed interface ScoreReading {
  /** Its name in a manifest. */
  String kind();

  /** One output as it is, zᵢ. */
  record Logit(LabelReference label) implements ScoreReading {
    static final String KIND = "logit";

    @Override
    public String kind() {
      return KIND;
    }
  }

  /**
   * How much likelier a label is than all others together.
   *
   * <pre>log pᵢ − log(1 − pᵢ) = zᵢ − log Σ_{j ≠ i} exp zⱼ,  p = softmax(z)</pre>
   *
   * <p>Of a probability near 1 the logarithm of the odds keeps what the probability itself rounds
   * away. Needs two labels.
   */
  record LogOdds(LabelReference label) implements ScoreReading {
    static final String KIND = "log_odds";

    @Override
    public String kind() {
      return KIND;
    }
  }

  /**
   * The mean rating that the labels promise, Σ softmax(z)ᵢ · ratingᵢ.
   *
   * @param ratings shape [K], K ≥ 2, finite, in the order of the outputs
   */
  record ExpectedRating(List<Double> ratings) implements ScoreReading {
    static final String KIND = "expected_rating";

    /** Checks the ranges above. */
    public ExpectedRating {
      ratings = List.copyOf(ratings);
      if (ratings.size() < 2 || !ratings.stream().allMatch(Double::isFinite)) {
        throw new IllegalArgumentException(
            "ratings: " + ratings + " (expected: a finite number for each label, at least two)");
      }
    }

    @Override
    public String kind() {
      return KIND;
    }
  }

  /**
   * Returns how it is read from outputs of {@code count} labels.
   *
   * @param names of the labels; empty where the model names none
   * @throws IllegalArgumentException if the model has no such label, too few, or other than are
   *     rated; names the field
   */
  default Reader reader(List<String> names, int count) {
    return switch (this) {
      case Logit(LabelReference label) -> {
        int index = label.among(names, count);
        yield outputs -> outputs[index];
      }
      case LogOdds(LabelReference label) -> {
        if (count < 2) {
          throw new IllegalArgumentException(
              "kind: log_odds of a model with %d output (expected: logit)".formatted(count));
        }
        int index = label.among(names, count);
        yield outputs -> logOdds(outputs, index);
      }
      case ExpectedRating(List<Double> ratings) -> {
        if (ratings.size() != count) {
          throw new IllegalArgumentException(
              "ratings: %d (expected: one for each of the model's %d labels)"
                  .formatted(ratings.size(), count));
        }
        yield outputs -> expected(outputs, ratings);
      }
    };
  }

  /** Makes one number of a text's outputs. */
  @FunctionalInterface
  interface Reader {
    /** Returns the score of {@code outputs}, shape [K]; not finite if they are not. */
    double read(float[] outputs);
  }

  private static double logOdds(float[] outputs, int index) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < outputs.length; j++) {
      largest = j == index ? largest : Math.max(largest, outputs[j]);
    }
    double others = 0;
    for (int j = 0; j < outputs.length; j++) {
      others += j == index ? 0 : Math.exp(outputs[j] - largest);
    }
    return outputs[index] - largest - Math.log(others);
  }

  private static double expected(float[] outputs, List<Double> ratings) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float output : outputs) {
      largest = Math.max(largest, output);
    }
    double weights = 0;
    double sum = 0;
    for (int j = 0; j < outputs.length; j++) {
      double weight = Math.exp(outputs[j] - largest);
      weights += weight;
      sum += weight * ratings.get(j);
    }
    return sum / weights;
  }
}
