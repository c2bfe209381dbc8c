package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Where an algorithm stands among others. Its place by the mean alone would be luck with a few
 * seeds, so it has the places that the seeds leave open.
 *
 * @param algorithm which
 * @param gold of its last weights: mean over seeds with Student's interval
 * @param gain the same less the start's gold, a paired difference over seeds
 * @param gainOverFiles that gain with the interval over the files of the positions
 * @param best the best place that is open: one more than there are which are better in a paired
 *     comparison over seeds whose whole interval says so
 * @param worst the worst place that is open
 */
record Standing(
    Algorithm algorithm,
    Interval gold,
    Interval gain,
    Interval gainOverFiles,
    int best,
    int worst) {
  static final double CONFIDENCE = 0.95;

  /**
   * Ranks algorithms, those with the highest mean first.
   *
   * @param finals gold of the last weights by seed, in the order of the seeds, as many for each as
   *     {@code start} has; a seed has the same first prompts, samples of them and draws of gold for
   *     all, so that they are paired. From the first iteration in which DAPO takes further prompts
   *     it is ahead of the others' order, and the pairing is of the beginning and the draws alone
   * @param start gold of the weights that all began with
   */
  static List<Standing> of(Map<Algorithm, List<Gold>> finals, Start start) {
    List<Standing> standings = new ArrayList<>();
    for (Map.Entry<Algorithm, List<Gold>> each : finals.entrySet()) {
      double[] own = means(each.getValue());
      int better = 0;
      int worse = 0;
      for (Map.Entry<Algorithm, List<Gold>> other : finals.entrySet()) {
        if (other.getKey() != each.getKey()) {
          Interval ahead = MeanIntervals.pairedDifference(own, means(other.getValue()), CONFIDENCE);
          better += ahead.low() > 0 ? 1 : 0;
          worse += ahead.high() < 0 ? 1 : 0;
        }
      }
      standings.add(
          new Standing(
              each.getKey(),
              MeanIntervals.mean(own, CONFIDENCE),
              start.gainOverSeeds(each.getValue()),
              start.gainOverFiles(each.getValue()),
              1 + better,
              finals.size() - worse));
    }
    standings.sort(
        Comparator.comparingDouble((Standing standing) -> standing.gold().estimate()).reversed());
    return standings;
  }

  private static double[] means(List<Gold> golds) {
    return golds.stream().mapToDouble(Gold::mean).toArray();
  }

  /** Its places in words. */
  String places() {
    return best == worst ? Integer.toString(best) : "%d to %d".formatted(best, worst);
  }
}
