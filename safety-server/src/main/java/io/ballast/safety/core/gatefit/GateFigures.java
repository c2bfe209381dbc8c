package io.ballast.safety.core.gatefit;

import io.ballast.rl.preference.Calibration;
import io.ballast.rl.preference.RankingMetrics;
import io.ballast.rl.preference.ReliabilityBins;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What a gate's folder and its card say of a stage on examples that trained nothing. */
public final class GateFigures {
  private static final int BINS = 10;
  private static final double CONFIDENCE = 0.95;

  private GateFigures() {}

  /**
   * Returns the figures by name; {@code auc} is absent where only one outcome is there.
   *
   * @param probabilities shape [N], N ≥ 1
   * @param kept shape [N]
   */
  public static Map<String, Double> of(double[] probabilities, boolean[] kept) {
    Map<String, Double> figures = new TreeMap<>();
    RankingMetrics.auc(probabilities, kept).ifPresent(auc -> figures.put("auc", auc));
    figures.put("calibration_error", Calibration.expectedError(probabilities, kept, BINS));
    figures.put("brier", Calibration.brier(probabilities, kept));
    double yes = 0;
    for (boolean each : kept) {
      yes += each ? 1 : 0;
    }
    figures.put("base_rate", yes / kept.length);
    figures.put("suggestions", (double) kept.length);
    return figures;
  }

  /** Returns a share in percent with all its digits, such as {@code 97.5 %}: never rounded up. */
  public static String percent(double share) {
    return percent(BigDecimal.valueOf(share));
  }

  /** Returns the confidence 1 − α in percent with all its digits. */
  public static String confidence(double alpha) {
    return percent(BigDecimal.ONE.subtract(BigDecimal.valueOf(alpha)));
  }

  private static String percent(BigDecimal share) {
    return share.movePointRight(2).stripTrailingZeros().toPlainString() + " %";
  }

  /** Returns how probabilities came true. */
  public static ReliabilityBins reliability(double[] probabilities, boolean[] kept) {
    return ReliabilityBins.of(probabilities, kept, BINS, CONFIDENCE);
  }

  /** Returns that as a table in Markdown. */
  public static String table(ReliabilityBins reliability) {
    StringBuilder text =
        new StringBuilder("| said | came true | 95 % | suggestions |\n|---|---|---|---|\n");
    for (ReliabilityBins.Bin bin : reliability.bins()) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %.3f | %.3f | %.3f to %.3f | %,d |%n",
              bin.predicted(),
              bin.observed().estimate(),
              bin.observed().low(),
              bin.observed().high(),
              bin.count()));
    }
    return text.toString();
  }
}
