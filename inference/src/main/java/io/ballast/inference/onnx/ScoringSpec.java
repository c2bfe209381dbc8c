package io.ballast.inference.onnx;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What a scoring folder's {@code config.json} says.
 *
 * @param kind what the scores mean
 * @param features what the heads see, in order
 * @param hiddenWidth units of a head's hidden layer, N; 0: heads are linear
 * @param activation between a head's layers, where there are two
 * @param trunk the decoder that the heads stand on
 * @param promptTokens the most prompt tokens, the last ones, that the heads were trained to see; 0:
 *     all; empty: it is not said
 * @param ownBlocks how many of the trunk's last blocks each member has of its own, with a final
 *     norm; 0: none, and one pass of the trunk serves all. Their features have no likelihoods,
 *     which are the trunk's
 * @param normalizations shape [K]
 * @param inverseTemperatures shape [K], each finite, ≥ 0: 1/T of a member, which takes the gap of
 *     its raw scores of two completions to the log-odds that the first is preferred; empty: not
 *     said
 * @param calibration of the cautious score that {@link ScoringKind} names
 * @param heldOutMembers shape [K]: figures on files that trained nothing, by name
 * @param heldOut the same of the ensemble and the baselines
 */
public record ScoringSpec(
    ScoringKind kind,
    List<ScoringFeature> features,
    int hiddenWidth,
    HeadActivation activation,
    TrunkReference trunk,
    OptionalInt promptTokens,
    int ownBlocks,
    List<Normalization> normalizations,
    List<Double> inverseTemperatures,
    Calibration calibration,
    List<Map<String, Double>> heldOutMembers,
    Map<String, Double> heldOut) {
  /** Heads on a trunk that they share whole. */
  public ScoringSpec(
      ScoringKind kind,
      List<ScoringFeature> features,
      int hiddenWidth,
      HeadActivation activation,
      TrunkReference trunk,
      OptionalInt promptTokens,
      List<Normalization> normalizations,
      List<Double> inverseTemperatures,
      Calibration calibration,
      List<Map<String, Double>> heldOutMembers,
      Map<String, Double> heldOut) {
    this(
        kind,
        features,
        hiddenWidth,
        activation,
        trunk,
        promptTokens,
        0,
        normalizations,
        inverseTemperatures,
        calibration,
        heldOutMembers,
        heldOut);
  }

  /** Checks the ranges above. */
  public ScoringSpec {
    features = List.copyOf(features);
    normalizations = List.copyOf(normalizations);
    inverseTemperatures = List.copyOf(inverseTemperatures);
    heldOutMembers = heldOutMembers.stream().map(Map::copyOf).toList();
    heldOut = Map.copyOf(heldOut);
    if (features.isEmpty() || features.stream().distinct().count() != features.size()) {
      throw new IllegalArgumentException(
          "features: " + features + " (expected: at least one, each once)");
    }
    if (hiddenWidth < 0) {
      throw new IllegalArgumentException("hidden_width: " + hiddenWidth + " (expected: ≥ 0)");
    }
    if (promptTokens.isPresent() && promptTokens.getAsInt() < 0) {
      throw new IllegalArgumentException(
          "prompt_tokens: " + promptTokens.getAsInt() + " (expected: ≥ 0; 0 means all)");
    }
    if (ownBlocks < 0) {
      throw new IllegalArgumentException("own_blocks: " + ownBlocks + " (expected: ≥ 0)");
    }
    if (ownBlocks > 0 && features.stream().anyMatch(ScoringFeature::needsLogProbs)) {
      throw new IllegalArgumentException(
          "features: "
              + features
              + " (expected: no log-probabilities where members have blocks of their own)");
    }
    if (normalizations.isEmpty()) {
      throw new IllegalArgumentException("normalization: none (expected: one a head)");
    }
    if (!inverseTemperatures.isEmpty() && inverseTemperatures.size() != normalizations.size()) {
      throw new IllegalArgumentException(
          "inverse_temperatures: "
              + inverseTemperatures.size()
              + " (expected: one a head, "
              + normalizations.size()
              + ", or none)");
    }
    for (int k = 0; k < inverseTemperatures.size(); k++) {
      double inverse = inverseTemperatures.get(k);
      if (!(inverse >= 0 && Double.isFinite(inverse))) {
        throw new IllegalArgumentException(
            "inverse_temperatures[" + k + "]: " + inverse + " (expected: finite, ≥ 0)");
      }
    }
    if (heldOutMembers.size() != normalizations.size()) {
      throw new IllegalArgumentException(
          "held_out.members: "
              + heldOutMembers.size()
              + " (expected: one a head, "
              + normalizations.size()
              + ")");
    }
  }

  /**
   * Returns 1/T of a member: what takes the gap of its raw scores to log-odds; 1, as it was
   * trained, where the folder does not say.
   */
  public double inverseTemperature(int member) {
    return inverseTemperatures.isEmpty() ? 1 : inverseTemperatures.get(member);
  }

  /** The number of heads, K. */
  public int heads() {
    return normalizations.size();
  }

  /**
   * Returns the cautious score of raw scores: a reward's lowest normalised member, a cost's highest
   * raw member.
   *
   * @param raw shape [K], finite
   */
  public double cautious(List<Float> raw) {
    if (raw.size() != heads()) {
      throw new IllegalArgumentException(
          "scores: " + raw.size() + " (expected: " + heads() + ", one a head)");
    }
    double result = kind == ScoringKind.COST ? raw.getFirst() : Double.POSITIVE_INFINITY;
    for (int k = 0; k < raw.size(); k++) {
      result =
          switch (kind) {
            case REWARD_ENSEMBLE -> Math.min(result, normalizations.get(k).normalize(raw.get(k)));
            case COST -> Math.max(result, raw.get(k));
          };
    }
    return result;
  }
}
