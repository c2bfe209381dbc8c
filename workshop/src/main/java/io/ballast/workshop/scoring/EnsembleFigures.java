package io.ballast.workshop.scoring;

import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/**
 * What an ensemble is worth on files that trained nothing, member by member, combined, and against
 * the baselines.
 *
 * <p>Of a reward, pairs are ordered by worth in characters and the event is a right beginning; of a
 * cost, both are harm.
 */
final class EnsembleFigures {
  private final ScoringKind kind;
  private final List<double[]> scores;
  private final ToIntFunction<LabelledCompletion> order;
  private final Predicate<LabelledCompletion> event;
  private final double[] mean;
  private final double[] cautious;

  /**
   * Combines members' scores.
   *
   * @param normalizations shape [K]
   * @param scores raw, shape [K][N of the table]
   */
  EnsembleFigures(
      ScoringKind kind, Worth worth, List<Normalization> normalizations, List<double[]> scores) {
    this.kind = kind;
    this.scores = scores;
    boolean reward = kind == ScoringKind.REWARD_ENSEMBLE;
    order = reward ? worth::of : completion -> completion.harmful() ? 1 : 0;
    event = reward ? completion -> completion.kept() > 0 : LabelledCompletion::harmful;
    int count = scores.getFirst().length;
    mean = new double[count];
    cautious = new double[count];
    Arrays.fill(cautious, reward ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY);
    for (int k = 0; k < scores.size(); k++) {
      for (int i = 0; i < count; i++) {
        double raw = scores.get(k)[i];
        double own = reward ? normalizations.get(k).normalize(raw) : raw;
        mean[i] += own / scores.size();
        cautious[i] = reward ? Math.min(cautious[i], own) : Math.max(cautious[i], own);
      }
    }
  }

  /** Fits the probability of the event to the cautious score. */
  Calibration calibrate(FeatureTable table, int[] groups) {
    int[] completions = Arrays.stream(groups).flatMap(table::completions).toArray();
    double[] given = new double[completions.length];
    boolean[] events = new boolean[completions.length];
    for (int i = 0; i < given.length; i++) {
      given[i] = cautious[completions[i]];
      events[i] = event.test(table.label(completions[i]));
    }
    return PlattScaling.fit(given, events);
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
   * @param baselines raw, by name, shape [N of the table]; of a cost their negative is measured
   */
  Map<String, Double> ensemble(
      ScoringMetrics metrics, Calibration calibration, Map<String, double[]> baselines) {
    Map<String, Double> figures = new TreeMap<>();
    put(figures, "mean_", metrics, mean);
    put(figures, "cautious_", metrics, cautious);
    metrics
        .withinPrompt(cautious, order)
        .ifPresent(
            accuracy -> {
              figures.put("cautious_within_prompt_accuracy_half_width", accuracy.halfWidth());
              figures.put("pairs", (double) accuracy.pairs());
            });
    double[] probabilities = Arrays.stream(cautious).map(calibration::probability).toArray();
    metrics
        .calibrationError(probabilities, event)
        .ifPresent(error -> figures.put("calibration_error", error));
    figures.put("completions", (double) metrics.completions());
    double sign = kind == ScoringKind.COST ? -1 : 1;
    baselines.forEach(
        (name, values) ->
            put(
                figures,
                "baseline_" + name + "_",
                metrics,
                Arrays.stream(values).map(value -> sign * value).toArray()));
    if (kind == ScoringKind.COST) {
      metrics
          .signAccuracy(cautious, event)
          .ifPresent(share -> figures.put("cautious_sign_accuracy", share));
    }
    return figures;
  }

  /** Adds the cautious score's figures on some of the groups. */
  void subset(Map<String, Double> figures, String prefix, ScoringMetrics metrics) {
    put(figures, prefix + "cautious_", metrics, cautious);
  }

  private void put(
      Map<String, Double> figures, String prefix, ScoringMetrics metrics, double[] values) {
    metrics
        .withinPrompt(values, order)
        .ifPresent(a -> figures.put(prefix + "within_prompt_accuracy", a.value()));
    metrics.areaUnderCurve(values, event).ifPresent(area -> figures.put(prefix + "auc", area));
    metrics.correlation(values, order).ifPresent(c -> figures.put(prefix + "correlation", c));
  }
}
