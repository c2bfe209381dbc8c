package io.ballast.standalone.experiment.ensembles;

import io.ballast.rl.aggregation.ScoreAggregator;
import io.ballast.rl.check.Require;

/** How members' scores become the proxy reward that is optimised. */
enum Aggregate {
  /** One member by itself. */
  SINGLE("single", "#7a7f87"),
  /** The mean of the members. */
  MEAN("mean", "#1f77b4"),
  /** The mean less λ times their variance. */
  UWO("UWO", "#d9822b"),
  /** The lowest member. */
  WCO("WCO", "#2e7d32");

  /** λ of UWO: the paper's for best of n. */
  static final double UWO_LAMBDA = 0.5;

  private final String label;
  private final String colour;

  Aggregate(String label, String colour) {
    this.label = label;
    this.colour = colour;
  }

  /** As tables and charts call it. */
  String label() {
    return label;
  }

  /** In charts. */
  String colour() {
    return colour;
  }

  /**
   * Returns the proxy reward of each completion.
   *
   * @param members shape [K][N], on one scale
   * @param single which member is the single one
   * @return shape [N], a new array
   */
  double[] rewards(double[][] members, int single) {
    Require.inRange(single, 0, members.length - 1, "single");
    if (this == SINGLE) {
      return members[single].clone();
    }
    ScoreAggregator aggregator =
        switch (this) {
          case SINGLE, MEAN -> ScoreAggregator.mean();
          case UWO -> ScoreAggregator.uncertaintyWeighted(UWO_LAMBDA);
          case WCO -> ScoreAggregator.worstCase();
        };
    double[] rewards = new double[members[0].length];
    double[] scores = new double[members.length];
    for (int i = 0; i < rewards.length; i++) {
      for (int k = 0; k < scores.length; k++) {
        scores[k] = members[k][i];
      }
      rewards[i] = aggregator.aggregate(scores);
    }
    return rewards;
  }
}
