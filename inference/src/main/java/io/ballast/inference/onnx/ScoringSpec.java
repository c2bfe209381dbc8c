package io.ballast.inference.onnx;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What a scoring folder's {@code config.json} says.
 *
 * <p>Where members judge by several objectives, a member's raw score is the stated sum of what its
 * heads say, computed in the graph:
 *
 * <pre>rawₖ = Σₒ weightₒ · (rawₖₒ − meanₖₒ) / stdₖₒ</pre>
 *
 * <p>Source: Han et al. 2025 (RLUF), arXiv:2505.14946: rewards by several objectives, added up by
 * weights. That each is standardised first is ours.
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
 * @param calibration of the cautious score that {@link ScoringKind} names; empty: not said. A cost
 *     says it, unless it has no boundary
 * @param heldOutMembers shape [K]: figures on files that trained nothing, by name
 * @param heldOut the same of the ensemble and the baselines
 * @param objectives that members judge by, at most {@value ScoringObjective#MAX_COUNT}, each with K
 *     members; empty: by one that has no name, and a member is one head. Of rewards on a trunk that
 *     members share whole
 * @param cost what a cost's scores say of harm; empty of rewards. A cost that does not say has its
 *     boundary at 0
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
    Optional<Calibration> calibration,
    List<Map<String, Double>> heldOutMembers,
    Map<String, Double> heldOut,
    List<ScoringObjective> objectives,
    Optional<CostScale> cost) {
  /** What does not say what a cost's scores say of harm. */
  public ScoringSpec(
      ScoringKind kind,
      List<ScoringFeature> features,
      int hiddenWidth,
      HeadActivation activation,
      TrunkReference trunk,
      OptionalInt promptTokens,
      int ownBlocks,
      List<Normalization> normalizations,
      List<Double> inverseTemperatures,
      Optional<Calibration> calibration,
      List<Map<String, Double>> heldOutMembers,
      Map<String, Double> heldOut,
      List<ScoringObjective> objectives) {
    this(
        kind,
        features,
        hiddenWidth,
        activation,
        trunk,
        promptTokens,
        ownBlocks,
        normalizations,
        inverseTemperatures,
        calibration,
        heldOutMembers,
        heldOut,
        objectives,
        Optional.empty());
  }

  /** Heads on a trunk that they share whole, one a member. */
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
        Optional.of(calibration),
        heldOutMembers,
        heldOut,
        List.of());
  }

  /** Checks the ranges above. */
  public ScoringSpec {
    features = List.copyOf(features);
    normalizations = List.copyOf(normalizations);
    inverseTemperatures = List.copyOf(inverseTemperatures);
    heldOutMembers = heldOutMembers.stream().map(Map::copyOf).toList();
    heldOut = Map.copyOf(heldOut);
    objectives = List.copyOf(objectives);
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
    requireOneEach(normalizations.size(), inverseTemperatures, heldOutMembers.size());
    cost = cost(kind, cost);
    boolean bounded = cost.isPresent() && cost.get().boundary() != CostBoundary.NONE;
    if (bounded && calibration.isEmpty()) {
      throw new IllegalArgumentException("calibration: none (expected: one, of a cost)");
    }
    if (cost.isPresent() && !bounded && calibration.isPresent()) {
      throw new IllegalArgumentException("calibration: one (expected: none without a boundary)");
    }
    ScoringObjective.requireDistinct(objectives.stream().map(ScoringObjective::name).toList());
    if (!objectives.isEmpty() && (kind != ScoringKind.REWARD_ENSEMBLE || ownBlocks > 0)) {
      throw new IllegalArgumentException(
          "objectives: %d (expected: none of a %s with %d own blocks)"
              .formatted(objectives.size(), kind, ownBlocks));
    }
    for (int o = 0; o < objectives.size(); o++) {
      int members = objectives.get(o).normalizations().size();
      if (members != normalizations.size()) {
        throw new IllegalArgumentException(
            "objectives[%d].normalization: %d (expected: one a member, %d)"
                .formatted(o, members, normalizations.size()));
      }
    }
  }

  private static Optional<CostScale> cost(ScoringKind kind, Optional<CostScale> said) {
    return switch (kind) {
      case COST -> Optional.of(said.orElseGet(() -> CostScale.of(CostBoundary.ZERO)));
      case REWARD_ENSEMBLE -> {
        if (said.isPresent()) {
          throw new IllegalArgumentException("cost: one (expected: none of a REWARD_ENSEMBLE)");
        }
        yield said;
      }
    };
  }

  /** Refuses other counts than one a head, and temperatures that are none. */
  static void requireOneEach(int heads, List<Double> inverseTemperatures, int figures) {
    if (!inverseTemperatures.isEmpty() && inverseTemperatures.size() != heads) {
      throw new IllegalArgumentException(
          "inverse_temperatures: "
              + inverseTemperatures.size()
              + " (expected: one a head, "
              + heads
              + ", or none)");
    }
    for (int k = 0; k < inverseTemperatures.size(); k++) {
      double inverse = inverseTemperatures.get(k);
      if (!(inverse >= 0 && Double.isFinite(inverse))) {
        throw new IllegalArgumentException(
            "inverse_temperatures[" + k + "]: " + inverse + " (expected: finite, ≥ 0)");
      }
    }
    if (figures != heads) {
      throw new IllegalArgumentException(
          "held_out.members: " + figures + " (expected: one a head, " + heads + ")");
    }
  }

  /**
   * Returns 1/T of a member: what takes the gap of its raw scores to log-odds; empty where the
   * folder does not say.
   */
  public OptionalDouble inverseTemperature(int member) {
    return inverseTemperatures.isEmpty()
        ? OptionalDouble.empty()
        : OptionalDouble.of(inverseTemperatures.get(member));
  }

  /** The number of members, K: each has one score. */
  public int heads() {
    return normalizations.size();
  }

  /** The number of trained heads: K, or K for each of the objectives. */
  public int trainedHeads() {
    return heads() * Math.max(1, objectives.size());
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
