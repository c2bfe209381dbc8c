package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import java.util.ArrayList;
import java.util.List;

/**
 * Gold of the weights that all runs began with. It is measured once for each seed, by the draws by
 * which that seed's runs are measured, so that its own error is in what they gain.
 *
 * @param bySeed shape [S], S ≥ 2
 * @param files shape [N]: which file each position is in
 */
record Start(List<Gold> bySeed, List<String> files) {
  /** Copies the lists. */
  Start {
    bySeed = List.copyOf(bySeed);
    files = List.copyOf(files);
  }

  /** Its mean over seeds, with the interval over their draws. */
  Interval gold() {
    return MeanIntervals.mean(means(bySeed), Standing.CONFIDENCE);
  }

  /** What is gained over it, with Student's interval over the paired differences of the seeds. */
  Interval gainOverSeeds(List<Gold> finals) {
    return MeanIntervals.pairedDifference(means(bySeed), means(finals), Standing.CONFIDENCE);
  }

  /**
   * The same gain with an interval over the files of the positions: each position's difference is
   * its mean over seeds, and positions of a file are one cluster.
   */
  Interval gainOverFiles(List<Gold> finals) {
    return MeanIntervals.clusteredPairedDifference(
        positions(bySeed), positions(finals), files, Standing.CONFIDENCE);
  }

  /** How many files the positions are in. */
  long filesCount() {
    return files.stream().distinct().count();
  }

  private static double[] means(List<Gold> golds) {
    return golds.stream().mapToDouble(Gold::mean).toArray();
  }

  private static double[] positions(List<Gold> golds) {
    List<Double> means = new ArrayList<>();
    for (int p = 0; p < golds.getFirst().kept().size(); p++) {
      int position = p;
      means.add(
          golds.stream().mapToDouble(gold -> gold.kept().get(position)).average().orElseThrow());
    }
    return means.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
