package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.bound.Interval;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentReport.Chart;
import io.ballast.standalone.experiment.ExperimentReport.Section;
import io.ballast.standalone.experiment.Rule;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the curves say, in claims, a ranking and a figure. */
final class AlgorithmsReport {
  private static final String OURS = "the demo's task, our budget";

  /** Whose gain is claimed beforehand. */
  private static final List<Algorithm> CLAIMED =
      List.of(Algorithm.PPO, Algorithm.GRPO, Algorithm.ONLINE_DPO);

  private AlgorithmsReport() {}

  /**
   * Returns the report.
   *
   * @param start gold of the weights that all began with
   * @param curves of each algorithm, seed by seed
   */
  static ExperimentReport of(
      AlgorithmsPlan plan, double start, Map<Algorithm, List<LearningCurve>> curves) {
    Map<Algorithm, double[]> finals = new EnumMap<>(Algorithm.class);
    Map<Algorithm, MeanCurve> means = new EnumMap<>(Algorithm.class);
    List<LearningCurve> failed = new ArrayList<>();
    curves.forEach(
        (algorithm, own) -> {
          failed.addAll(own.stream().filter(curve -> !curve.complete()).toList());
          if (own.stream().allMatch(LearningCurve::complete)) {
            finals.put(algorithm, own.stream().mapToDouble(LearningCurve::last).toArray());
            means.put(algorithm, MeanCurve.of(start, own));
          }
        });
    List<Standing> standings = Standing.of(finals, start);
    List<Section> sections = new ArrayList<>();
    sections.add(ranking(plan, start, standings));
    if (!failed.isEmpty()) {
      sections.add(failures(failed));
    }
    return new ExperimentReport(
        claims(standings),
        sections,
        List.of(
            new Chart(
                "algorithms.svg",
                "gold on held-out prompts over completion tokens, mean over seeds with its 95 %"
                    + " interval",
                CurvePanels.of(start, standings, means))));
  }

  private static List<Claim> claims(List<Standing> standings) {
    List<Claim> claims = new ArrayList<>();
    for (Algorithm algorithm : CLAIMED) {
      standings.stream()
          .filter(standing -> standing.algorithm() == algorithm)
          .forEach(
              standing ->
                  claims.add(
                      Claim.of(
                          "%s beats the start: gain of gold on held-out prompts (characters kept a suggestion)"
                              .formatted(algorithm),
                          algorithm.paper() + "; " + OURS,
                          standing.gain(),
                          Rule.above(0))));
    }
    return claims;
  }

  private static Section ranking(AlgorithmsPlan plan, double start, List<Standing> standings) {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "Each algorithm began with the same weights (gold %.3f), learned from the same"
                    + " rewards with a rate of %s and %,d completion tokens, %d seeds each. Gold is"
                    + " what the simulated programmer keeps of a suggestion, in characters, at %,d"
                    + " held-out positions with %d suggestions each. Intervals (95 %%) are"
                    + " Student's, over seeds. Places are those that paired comparisons over seeds"
                    + " leave open, one comparison at a time: of many comparisons some are wrong."
                    + " The error of the start's own gold, and of these positions for others, is in"
                    + " no interval. This ranks defaults at this budget, not algorithms at their"
                    + " best: the rate is one for all, the KL of REINFORCE, ReMax and PPO and"
                    + " DAPO's penalty are our choice for completions of a few tokens, and with one"
                    + " update an iteration every ratio is 1, so that clips do nothing. ONLINE_DPO"
                    + " stands for DPO, which learns from labelled data.%n%n| places | algorithm | gold |"
                    + " gain over the start |%n|---|---|---|---|%n",
                start,
                plan.learningRate(),
                plan.tokens(),
                plan.seeds(),
                plan.positions(),
                plan.draws()));
    for (Standing standing : standings) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %s |%n",
              standing.places(),
              standing.algorithm(),
              shown("%.3f (%.3f to %.3f)", standing.gold()),
              shown("%+.3f (%+.3f to %+.3f)", standing.gain())));
    }
    return new Section("Ranking by the last weights' gold", text.toString());
  }

  private static String shown(String format, Interval interval) {
    return String.format(Locale.ROOT, format, interval.estimate(), interval.low(), interval.high());
  }

  private static Section failures(List<LearningCurve> failed) {
    StringBuilder text =
        new StringBuilder("An algorithm of which a run ended without weights is not ranked.\n\n");
    failed.forEach(
        curve ->
            text.append(
                "- %s, seed %d: %s%n".formatted(curve.algorithm(), curve.seed(), curve.failure())));
    return new Section("Runs that failed", text.toString());
  }
}
