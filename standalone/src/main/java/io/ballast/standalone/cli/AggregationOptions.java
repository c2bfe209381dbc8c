package io.ballast.standalone.cli;

import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.rl.aggregation.PessimisticSide;
import io.ballast.rl.aggregation.ScoreAggregator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How an ensemble's members become one reward. */
final class AggregationOptions {
  private static final String PREFIX = "AGGREGATION_METHOD_";

  @Option(
      names = "--aggregation",
      paramLabel = "METHOD",
      description =
          "How members become one reward: ${COMPLETION-CANDIDATES} (default: the server's, WCO).")
  private @Nullable Method method;

  @Option(
      names = "--lambda",
      paramLabel = "L",
      description =
          "Weight of the variance in UWO and UWO_SAMPLE, at least 0 (default: the server's, 0.5).")
  private @Nullable Double lambda;

  @Option(
      names = "--quantile",
      paramLabel = "Q",
      description =
          "Where LOWER_QUANTILE lies, above 0, at most 0.5 (default: the server's, 0.25).")
  private @Nullable Double quantile;

  /** The methods, as the command line calls them. */
  enum Method {
    MEAN,
    WCO,
    UWO,
    MEDIAN,
    LOWER_QUANTILE,
    UWO_SAMPLE
  }

  /** What was chosen; what was not is the server's to fill in. */
  Aggregation message() {
    Aggregation.Builder aggregation = Aggregation.newBuilder();
    if (method != null) {
      aggregation.setMethod(
          switch (method) {
            case MEAN -> AggregationMethod.AGGREGATION_METHOD_MEAN;
            case WCO -> AggregationMethod.AGGREGATION_METHOD_WCO;
            case UWO -> AggregationMethod.AGGREGATION_METHOD_UWO;
            case MEDIAN -> AggregationMethod.AGGREGATION_METHOD_MEDIAN;
            case LOWER_QUANTILE -> AggregationMethod.AGGREGATION_METHOD_LOWER_QUANTILE;
            case UWO_SAMPLE -> AggregationMethod.AGGREGATION_METHOD_UWO_SAMPLE;
          });
    }
    if (lambda != null) {
      aggregation.setUwoLambda(lambda);
    }
    if (quantile != null) {
      aggregation.setQuantile(quantile);
    }
    return aggregation.build();
  }

  /** An aggregation that a server used, such as {@code UWO (lambda 0.5)}. */
  static String text(Aggregation used) {
    return used.getMethod().name().replaceFirst("^" + PREFIX, "")
        + (used.hasUwoLambda() ? " (lambda " + used.getUwoLambda() + ")" : "")
        + (used.hasQuantile() ? " (quantile " + used.getQuantile() + ")" : "");
  }

  /**
   * What an aggregation that a server used computes.
   *
   * @throws CommandFailure if this command does not know the method
   */
  static ScoreAggregator aggregator(Aggregation used) {
    return new ScoreAggregator(
        switch (used.getMethod()) {
          case AGGREGATION_METHOD_MEAN -> io.ballast.rl.aggregation.AggregationMethod.MEAN;
          case AGGREGATION_METHOD_WCO -> io.ballast.rl.aggregation.AggregationMethod.WORST_CASE;
          case AGGREGATION_METHOD_UWO ->
              io.ballast.rl.aggregation.AggregationMethod.UNCERTAINTY_WEIGHTED;
          case AGGREGATION_METHOD_UWO_SAMPLE ->
              io.ballast.rl.aggregation.AggregationMethod.UNCERTAINTY_WEIGHTED_SAMPLE;
          case AGGREGATION_METHOD_MEDIAN -> io.ballast.rl.aggregation.AggregationMethod.MEDIAN;
          case AGGREGATION_METHOD_LOWER_QUANTILE ->
              io.ballast.rl.aggregation.AggregationMethod.LOWER_QUANTILE;
          case AGGREGATION_METHOD_UNSPECIFIED, UNRECOGNIZED ->
              throw new CommandFailure(
                  Exit.FAILED,
                  "UNKNOWN_AGGREGATION",
                  "the server aggregates by a method that this command does not know");
        },
        used.hasUwoLambda() ? used.getUwoLambda() : 0,
        used.hasQuantile() ? used.getQuantile() : ScoreAggregator.USUAL_QUANTILE,
        PessimisticSide.LOW);
  }
}
