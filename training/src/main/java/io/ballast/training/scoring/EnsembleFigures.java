package io.ballast.training.scoring;

import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ReliabilityBin;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.rl.preference.ReliabilityBins;
import io.ballast.rl.preference.TemperatureScaling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What an ensemble is worth on what trained nothing, member by member, combined, and against the
 * baselines.
 *
 * <p>Shape letters: K members, N completions of the table.
 */
public final class EnsembleFigures {
  private static final String CALIBRATION_ERROR = "calibration_error";
  private static final int RELIABILITY_BINS = 10;
  private static final double CONFIDENCE = 0.95;
  private static final String PAIR_CALIBRATION_ERROR = "pair_calibration_error";

  private final ScoringKind kind;
  private final List<double[]> scores;
  private final double[] mean;
  private final double[] cautious;

  /**
   * Combines members' scores.
   *
   * @param normalizations shape [K]
   * @param scores raw, shape [K][N of the table]
   * @param less whether there shall be less of what rewards score: the cautious score is then the
   *     highest normalised member, not the lowest
   */
  EnsembleFigures(
      ScoringKind kind, List<Normalization> normalizations, List<double[]> scores, boolean less) {
    this.kind = kind;
    this.scores = scores;
    boolean reward = kind == ScoringKind.REWARD_ENSEMBLE;
    boolean lowest = reward && !less;
    int count = scores.getFirst().length;
    mean = new double[count];
    cautious = new double[count];
    Arrays.fill(cautious, lowest ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY);
    for (int k = 0; k < scores.size(); k++) {
      for (int i = 0; i < count; i++) {
        double raw = scores.get(k)[i];
        double own = reward ? normalizations.get(k).normalize(raw) : raw;
        mean[i] += own / scores.size();
        cautious[i] = lowest ? Math.min(cautious[i], own) : Math.max(cautious[i], own);
      }
    }
  }

  /**
   * The name of the calibration error that is told: of graded completions, or of pairs where none
   * was graded.
   *
   * @param figures an ensemble's, by name
   */
  public static String calibrationError(Map<String, Double> figures) {
    return figures.containsKey(CALIBRATION_ERROR) ? CALIBRATION_ERROR : PAIR_CALIBRATION_ERROR;
  }

  /**
   * Fits the probability of a yes to the cautious score. Without both a yes and a no among the
   * grades it is fitted to the preferences: the probability of being preferred to a completion
   * whose cautious score is 0, σ(score/T), T the temperature of the greatest likelihood.
   *
   * <p>Source: Platt 1999; temperature scaling, Guo et al. 2017, arXiv:1706.04599.
   *
   * @return empty of a reward if there are no preferences either; of a cost that says nothing,
   *     0·score
   */
  Optional<Calibration> calibrate(ScoringMetrics heldOut) {
    int[] graded = heldOut.graded();
    boolean[] yes = heldOut.yes();
    boolean bothSaid = false;
    for (boolean one : yes) {
      bothSaid |= one != yes[0];
    }
    if (bothSaid) {
      PlattScaling fit =
          PlattScaling.fit(Arrays.stream(graded).mapToDouble(i -> cautious[i]).toArray(), yes);
      return Optional.of(new Calibration(fit.slope(), fit.intercept()));
    }
    double[] gaps = heldOut.gaps(cautious);
    return gaps.length == 0 && kind == ScoringKind.REWARD_ENSEMBLE
        ? Optional.empty()
        : Optional.of(new Calibration(TemperatureScaling.fit(gaps).inverseTemperature(), 0));
  }

  /**
   * Fits to each member's own raw scores the temperature by which the gap of two completions is the
   * log-odds that the first is preferred.
   *
   * <p>Source: Guo et al. 2017, arXiv:1706.04599.
   *
   * @return 1/T, shape [K]; empty of costs, and if nothing is known of preferences
   */
  List<Double> inverseTemperatures(ScoringMetrics heldOut) {
    return kind == ScoringKind.COST || heldOut.gaps(mean).length == 0
        ? List.of()
        : scores.stream()
            .map(raw -> TemperatureScaling.fit(heldOut.gaps(raw)).inverseTemperature())
            .toList();
  }

  /**
   * Returns how often what the cautious score's probability says came true, in at most ten bins;
   * none where nothing was graded, or nothing is calibrated.
   *
   * @param calibration of the cautious score
   */
  List<ReliabilityBin> reliability(ScoringMetrics metrics, Optional<Calibration> calibration) {
    int[] graded = metrics.graded();
    if (graded.length == 0 || calibration.isEmpty()) {
      return List.of();
    }
    double[] probabilities =
        Arrays.stream(graded)
            .mapToDouble(i -> calibration.get().probability(cautious[i]))
            .toArray();
    return ReliabilityBins.of(probabilities, metrics.yes(), RELIABILITY_BINS, CONFIDENCE)
        .bins()
        .stream()
        .map(
            bin ->
                new ReliabilityBin(
                    bin.predicted(),
                    bin.observed().estimate(),
                    bin.observed().low(),
                    bin.observed().high(),
                    bin.count()))
        .toList();
  }

  /** Returns the figures of each member. */
  List<Map<String, Double>> members(ScoringMetrics metrics) {
    List<Map<String, Double>> members = new ArrayList<>();
    for (double[] ofMember : scores) {
      Map<String, Double> figures = new TreeMap<>();
      put(figures, "", metrics, ofMember);
      members.add(figures);
    }
    return members;
  }

  /**
   * Returns the figures of the mean, of the cautious score, and of baselines.
   *
   * @param calibration whose error is measured; empty: none is
   * @param baselines raw, by name, shape [N of the table]; of a cost their negative is measured
   */
  Map<String, Double> ensemble(
      ScoringMetrics metrics, Optional<Calibration> calibration, Map<String, double[]> baselines) {
    Map<String, Double> figures = new TreeMap<>();
    put(figures, "mean_", metrics, mean);
    put(figures, "cautious_", metrics, cautious);
    metrics
        .withinPrompt(cautious)
        .ifPresent(
            accuracy -> {
              figures.put("cautious_within_prompt_accuracy_half_width", accuracy.halfWidth());
              figures.put("pairs", (double) accuracy.pairs());
            });
    calibration.ifPresent(
        fitted -> {
          metrics
              .calibrationError(Arrays.stream(cautious).map(fitted::probability).toArray())
              .ifPresent(error -> figures.put(CALIBRATION_ERROR, error));
          metrics
              .pairCalibrationError(cautious, new TemperatureScaling(Math.max(0, fitted.a())))
              .ifPresent(error -> figures.put(PAIR_CALIBRATION_ERROR, error));
        });
    metrics.agreement(scores).ifPresent(share -> figures.put("member_agreement", share));
    figures.put("completions", (double) metrics.completions());
    double sign = kind == ScoringKind.COST ? -1 : 1;
    baselines.forEach(
        (name, values) ->
            put(
                figures,
                "baseline_" + name + "_",
                metrics,
                Arrays.stream(values).map(value -> sign * value).toArray()));
    return figures;
  }

  /** Adds how often the cautious score's sign is right, where its zero is the boundary. */
  void sign(Map<String, Double> figures, ScoringMetrics metrics) {
    metrics.signAccuracy(cautious).ifPresent(share -> figures.put("cautious_sign_accuracy", share));
  }

  /** Adds the cautious score's figures on some of the groups. */
  void subset(Map<String, Double> figures, String prefix, ScoringMetrics metrics) {
    put(figures, prefix + "cautious_", metrics, cautious);
  }

  private void put(
      Map<String, Double> figures, String prefix, ScoringMetrics metrics, double[] values) {
    metrics
        .withinPrompt(values)
        .ifPresent(a -> figures.put(prefix + "within_prompt_accuracy", a.value()));
    metrics.areaUnderCurve(values).ifPresent(area -> figures.put(prefix + "auc", area));
    metrics.correlation(values).ifPresent(c -> figures.put(prefix + "correlation", c));
  }
}
