package io.ballast.standalone.experiment.ensembles;

import io.ballast.rl.bound.MeanIntervals;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** How often each aggregate prefers what people prefer, over seeds and shares of flipped labels. */
final class AgreementStudy {
  private static final double CONFIDENCE = 0.95;

  private final PreferencePairs.Source source;
  private final int pairs;
  private final double flips;
  private final List<Map<Aggregate, Double>> clean = new ArrayList<>();
  private final List<Map<Aggregate, Double>> noisy = new ArrayList<>();

  /** Measures all seeds. */
  AgreementStudy(
      PreferencePairs.Source source,
      PreferencePairs pairs,
      EnsemblesPlan plan,
      ExperimentProgress progress) {
    this.source = source;
    this.pairs = pairs.size();
    this.flips = plan.flips();
    ExperimentProgress.Step step =
        progress.step("learning pairs of " + source.label(), "ensembles", 2L * plan.seeds());
    for (int seed = 0; seed < plan.seeds(); seed++) {
      clean.add(pairs.agreement(seed, 0));
      noisy.add(pairs.agreement(seed, plan.flips()));
      step.done(2);
    }
  }

  /** Returns what is claimed of the ensembles. */
  List<Claim> claims() {
    List<Claim> claims = new ArrayList<>();
    for (double share : new double[] {0, flips}) {
      for (Aggregate aggregate : List.of(Aggregate.MEAN, Aggregate.UWO, Aggregate.WCO)) {
        claims.add(
            Claim.of(
                "%s, %s: %s prefers what other people prefer more often than a single member (share of pairs)"
                    .formatted(source.label(), CurveClaims.labels(share), aggregate.label()),
                "Coste et al. 2024 in spirit; on people's votes",
                MeanIntervals.pairedDifference(
                    values(share, Aggregate.SINGLE), values(share, aggregate), CONFIDENCE),
                Rule.above(0)));
      }
    }
    return claims;
  }

  private double[] values(double share, Aggregate aggregate) {
    return (share == 0 ? clean : noisy)
        .stream().mapToDouble(seed -> Objects.requireNonNull(seed.get(aggregate))).toArray();
  }

  /** Returns rows of a table of all sources, with {@link #HEAD}. */
  String rows() {
    StringBuilder text = new StringBuilder();
    for (double share : new double[] {0, flips}) {
      text.append(
          "| %s, %,d pairs (%s) | %s |"
              .formatted(source.label(), pairs, source.attribution(), CurveClaims.labels(share)));
      for (Aggregate aggregate : Aggregate.values()) {
        text.append(' ').append(CurveTables.cell(values(share, aggregate))).append(" |");
      }
      text.append('\n');
    }
    return text.toString();
  }

  /** The head of the table. */
  static final String HEAD =
      "| Pairs | Labels | single | mean | UWO | WCO |\n|---|---|---|---|---|---|\n";
}
