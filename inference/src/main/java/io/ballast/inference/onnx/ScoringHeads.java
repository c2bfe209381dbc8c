package io.ballast.inference.onnx;

import java.util.List;

/**
 * The trained numbers of a scoring folder: how features are standardised, and the heads. Immutable.
 *
 * <p>A head is f ↦ w₂ · act(W₁ · ((f − mean) / std) + b₁) + b₂; one without a hidden layer, N = 0,
 * is linear: f ↦ w₂ · ((f − mean) / std) + b₂. Shape letters: K heads, F features, N hidden units.
 */
public final class ScoringHeads {
  /** One head. Immutable. */
  public static final class Head {
    private final float[] hiddenWeight;
    private final float[] hiddenBias;
    private final float[] outputWeight;
    private final float outputBias;

    /**
     * A head of these weights, which are copied.
     *
     * @param hiddenWeight W₁, shape [N, F], row-major
     * @param hiddenBias b₁, shape [N]
     * @param outputWeight w₂, shape [N], or [F] if N = 0
     * @param outputBias b₂
     */
    public Head(float[] hiddenWeight, float[] hiddenBias, float[] outputWeight, float outputBias) {
      this.hiddenWeight = hiddenWeight.clone();
      this.hiddenBias = hiddenBias.clone();
      this.outputWeight = outputWeight.clone();
      this.outputBias = outputBias;
    }

    /** Returns a linear head, N = 0, of weights by feature, which are copied, and a bias. */
    public static Head linear(float[] weight, float bias) {
      return new Head(new float[0], new float[0], weight, bias);
    }

    /**
     * Returns the head whose scores are higher by {@code shift}: w₂ · … + (b₂ + shift).
     *
     * @param shift finite
     */
    public Head shifted(double shift) {
      if (!Double.isFinite(shift)) {
        throw new IllegalArgumentException("shift: " + shift + " (expected: finite)");
      }
      return new Head(hiddenWeight, hiddenBias, outputWeight, (float) (outputBias + shift));
    }

    /** Returns a copy of W₁, shape [N, F], row-major. */
    public float[] hiddenWeight() {
      return hiddenWeight.clone();
    }

    /** Returns a copy of b₁, shape [N]. */
    public float[] hiddenBias() {
      return hiddenBias.clone();
    }

    /** Returns a copy of w₂, shape [N], or [F] if N = 0. */
    public float[] outputWeight() {
      return outputWeight.clone();
    }

    /** Returns b₂. */
    public float outputBias() {
      return outputBias;
    }
  }

  private final float[] featureMean;
  private final float[] featureStd;
  private final List<Head> heads;

  /**
   * Heads over standardised features.
   *
   * @param featureMean shape [F], copied
   * @param featureStd shape [F], each &gt; 0, copied
   * @param heads shape [K], K ≥ 1, all of one hidden width
   * @throws IllegalArgumentException if a shape differs, named
   */
  public ScoringHeads(float[] featureMean, float[] featureStd, List<Head> heads) {
    this.featureMean = featureMean.clone();
    this.featureStd = featureStd.clone();
    this.heads = List.copyOf(heads);
    require(featureStd.length == featureMean.length, "featureStd", featureStd.length);
    require(!heads.isEmpty(), "heads", 0);
    int width = heads.getFirst().hiddenBias.length;
    for (int k = 0; k < heads.size(); k++) {
      Head head = heads.get(k);
      String name = "heads[" + k + "].";
      require(head.hiddenBias.length == width, name + "hiddenBias", head.hiddenBias.length);
      require(
          head.outputWeight.length == (width == 0 ? featureMean.length : width),
          name + "outputWeight",
          head.outputWeight.length);
      require(
          head.hiddenWeight.length == width * featureMean.length,
          name + "hiddenWeight",
          head.hiddenWeight.length);
    }
  }

  /** Returns the same features with one of the heads alone. */
  ScoringHeads only(int head) {
    return new ScoringHeads(featureMean, featureStd, List.of(heads.get(head)));
  }

  /**
   * Returns the same functions of features that are standardised by other numbers.
   *
   * @param mean shape [F]
   * @param std shape [F], each &gt; 0
   */
  public ScoringHeads over(float[] mean, float[] std) {
    return new ScoringHeads(mean, std, heads.stream().map(head -> over(head, mean, std)).toList());
  }

  /** w·(f − m)/s + b is w·(s′/s)·(f − m′)/s′ + (b + w·(m′ − m)/s). */
  private Head over(Head head, float[] mean, float[] std) {
    int units = head.hiddenBias.length;
    float[] weight = units == 0 ? head.outputWeight() : head.hiddenWeight();
    float[] bias = units == 0 ? new float[] {head.outputBias} : head.hiddenBias();
    int width = featureMean.length;
    for (int n = 0; n < bias.length; n++) {
      double moved = bias[n];
      for (int f = 0; f < width; f++) {
        double of = weight[n * width + f];
        moved += of * ((double) mean[f] - featureMean[f]) / featureStd[f];
        weight[n * width + f] = (float) (of * std[f] / featureStd[f]);
      }
      bias[n] = (float) moved;
    }
    return units == 0
        ? Head.linear(weight, bias[0])
        : new Head(weight, bias, head.outputWeight, head.outputBias);
  }

  private static void require(boolean holds, String name, int length) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": length " + length + " does not fit the others");
    }
  }

  /** The number of heads, K. */
  public int size() {
    return heads.size();
  }

  /** The number of features, F. */
  public int featureCount() {
    return featureMean.length;
  }

  /** The number of hidden units, N; 0 of linear heads. */
  public int hiddenWidth() {
    return heads.getFirst().hiddenBias.length;
  }

  /** Returns a copy of the features' means, shape [F]. */
  public float[] featureMean() {
    return featureMean.clone();
  }

  /** Returns a copy of the features' standard deviations, shape [F]. */
  public float[] featureStd() {
    return featureStd.clone();
  }

  /** The heads, shape [K]. */
  public List<Head> heads() {
    return heads;
  }
}
