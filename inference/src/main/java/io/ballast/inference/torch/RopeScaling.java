package io.ballast.inference.torch;

/** How rotary frequencies are stretched so that a model reaches past the context it learned in. */
public sealed interface RopeScaling {
  /**
   * Returns the frequencies of a head, radians a token, shape [E / 2].
   *
   * @param theta base of the frequencies
   * @param headSize E, even
   */
  default double[] frequencies(double theta, int headSize) {
    double[] frequencies = new double[headSize / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(theta, -2.0 * i / headSize);
    }
    return frequencies;
  }

  /** What cosines and sines are multiplied by. */
  default double attentionFactor() {
    return 1;
  }

  /** No stretching. */
  record None() implements RopeScaling {}

  /**
   * Positions are divided by a factor. Source: Chen et al. 2023, arXiv:2306.15595.
   *
   * @param factor ≥ 1
   */
  record Linear(double factor) implements RopeScaling {
    public Linear {
      requireAtLeastOne(factor);
    }

    @Override
    public double[] frequencies(double theta, int headSize) {
      double[] frequencies = RopeScaling.super.frequencies(theta, headSize);
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] /= factor;
      }
      return frequencies;
    }
  }

  /**
   * NTK scaling that sets in where a text is longer than {@code max_position_embeddings}. Here no
   * text is: keys that stand in a cache under one base would be wrong under the next, so the
   * context ends where the stretching would begin, and up to there this is {@link None} exactly.
   *
   * @param factor ≥ 1; kept, so that what we save says what it was
   */
  record DynamicNtk(double factor) implements RopeScaling {
    public DynamicNtk {
      requireAtLeastOne(factor);
    }
  }

  /**
   * Llama 3.1's: long waves are divided by a factor, short ones kept, those between blended.
   * Source: Grattafiori et al. 2024, arXiv:2407.21783, and its reference code.
   *
   * @param factor ≥ 1
   * @param lowFrequencyFactor waves longer than the original context over this are divided
   * @param highFrequencyFactor waves shorter than the original context over this are kept
   * @param originalContext tokens of the context that the model learned in first
   */
  record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext)
      implements RopeScaling {
    public Llama3 {
      requireAtLeastOne(factor);
      require(
          lowFrequencyFactor > 0 && highFrequencyFactor > lowFrequencyFactor,
          "low_freq_factor, high_freq_factor: "
              + lowFrequencyFactor
              + ", "
              + highFrequencyFactor
              + " (expected: > 0, the second larger)");
      requireOriginal(originalContext);
    }

    @Override
    public double[] frequencies(double theta, int headSize) {
      double[] frequencies = RopeScaling.super.frequencies(theta, headSize);
      for (int i = 0; i < frequencies.length; i++) {
        double turns = originalContext * frequencies[i] / (2 * Math.PI);
        double kept =
            Math.clamp(
                (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor),
                0.0,
                1.0);
        frequencies[i] *= kept + (1 - kept) / factor;
      }
      return frequencies;
    }
  }

  /**
   * YaRN: dimensions that turn often are kept, those that turn seldom divided by a factor, a ramp
   * between; cosines and sines are multiplied by a temperature. Source: Peng et al. 2023,
   * arXiv:2309.00071.
   *
   * @param factor ≥ 1
   * @param originalContext tokens of the context that the model learned in first
   * @param betaFast turns in the original context from which a dimension is kept
   * @param betaSlow turns up to which it is divided
   * @param attentionFactor what cosines and sines are multiplied by, &gt; 0
   * @param truncate whether the ramp's ends are rounded to whole dimensions
   */
  record Yarn(
      double factor,
      int originalContext,
      double betaFast,
      double betaSlow,
      double attentionFactor,
      boolean truncate)
      implements RopeScaling {
    public Yarn {
      requireAtLeastOne(factor);
      requireOriginal(originalContext);
      require(
          betaSlow > 0 && betaFast >= betaSlow,
          "beta_fast, beta_slow: "
              + betaFast
              + ", "
              + betaSlow
              + " (expected: > 0, the first not smaller)");
      require(
          attentionFactor > 0 && Double.isFinite(attentionFactor),
          "attention_factor: " + attentionFactor + " (expected: > 0)");
    }

    /** The paper's temperature, 0.1 · scale · ln(factor) + 1. */
    public static double temperature(double factor, double scale) {
      return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    @Override
    public double[] frequencies(double theta, int headSize) {
      double low = dimension(betaFast, theta, headSize);
      double high = dimension(betaSlow, theta, headSize);
      if (truncate) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, headSize - 1);
      double width = low == high ? 0.001 : high - low;
      double[] frequencies = RopeScaling.super.frequencies(theta, headSize);
      for (int i = 0; i < frequencies.length; i++) {
        double divided = Math.clamp((i - low) / width, 0.0, 1.0);
        frequencies[i] *= divided / factor + 1 - divided;
      }
      return frequencies;
    }

    /** The dimension that makes so many turns in the original context. */
    private double dimension(double turns, double theta, int headSize) {
      return headSize * Math.log(originalContext / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }
  }

  private static void requireAtLeastOne(double factor) {
    require(factor >= 1 && Double.isFinite(factor), "rope factor: " + factor + " (expected: ≥ 1)");
  }

  private static void requireOriginal(int tokens) {
    require(tokens > 0, "original_max_position_embeddings: " + tokens + " (expected: > 0)");
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
