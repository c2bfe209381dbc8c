package io.ballast.orchestrator.core.watch;

import io.ballast.orchestrator.core.watch.GoldReading.Measured;

/**
 * What reward and gold were when gold was first read. Both are shown from there on as the standard
 * deviations of then, so that two scales can be compared.
 *
 * <p>Source: Gao et al. 2023, arXiv:2210.10760: both rewards have mean 0 under the first policy,
 * and gold has unit variance there.
 *
 * @param iteration of the reading, ≥ 1
 * @param gold mean
 * @param goldStd &gt; 0
 * @param proxy mean of the reward in training
 * @param proxyStd &gt; 0
 */
public record GoldBaseline(
    int iteration, double gold, double goldStd, double proxy, double proxyStd) {
  /** A standard deviation below this part of the mean's size is rounding, not a scale. */
  private static final double LEAST_RELATIVE_STD = 1e-9;

  /** Whether {@code reading} can be one: neither reward is the same for all completions. */
  static boolean possible(Measured reading) {
    return hasScale(reading.gold(), reading.goldStd())
        && hasScale(reading.proxy(), reading.proxyStd());
  }

  private static boolean hasScale(double mean, double std) {
    return std > LEAST_RELATIVE_STD * Math.max(LEAST_RELATIVE_STD, Math.abs(mean));
  }

  static GoldBaseline of(int iteration, Measured reading) {
    return new GoldBaseline(
        iteration, reading.gold(), reading.goldStd(), reading.proxy(), reading.proxyStd());
  }

  /** (mean gold − its baseline) / its standard deviation at the baseline. */
  double goldGain(Measured reading) {
    return (reading.gold() - gold) / goldStd;
  }

  /** The same of the reward in training. */
  double proxyGain(Measured reading) {
    return (reading.proxy() - proxy) / proxyStd;
  }
}
