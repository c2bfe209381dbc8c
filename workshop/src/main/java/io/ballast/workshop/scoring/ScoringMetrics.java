package io.ballast.workshop.scoring;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * How well scores agree with labels on the completions of some groups. A figure that the labels
 * cannot give (no pair, one class only) is absent, never a made-up number.
 */
final class ScoringMetrics {
  private static final int BINS = 10;

  /**
   * A share with its uncertainty.
   *
   * @param value 0 to 1
   * @param halfWidth of the 95 % interval; groups of one file count as one draw
   * @param pairs that it was taken over
   */
  record PairAccuracy(double value, double halfWidth, long pairs) {}

  private final FeatureTable table;
  private final int[] groups;
  private final int[] completions;

  ScoringMetrics(FeatureTable table, int[] groups) {
    this.table = table;
    this.groups = groups.clone();
    this.completions = Arrays.stream(groups).flatMap(table::completions).toArray();
  }

  /** How many completions are looked at. */
  int completions() {
    return completions.length;
  }

  /**
   * Returns the share of a prompt's pairs of unequal label that scores put in the label's order; a
   * tie in scores counts half.
   *
   * @param scores by completion of the table
   */
  Optional<PairAccuracy> withinPrompt(double[] scores, ToIntFunction<LabelledCompletion> label) {
    Map<String, double[]> byFile = new HashMap<>();
    double right = 0;
    long pairs = 0;
    for (int group : groups) {
      double[] ofFile = byFile.computeIfAbsent(table.file(group), file -> new double[2]);
      for (int i = table.start(group); i < table.end(group); i++) {
        for (int j = table.start(group); j < table.end(group); j++) {
          if (label.applyAsInt(table.label(i)) > label.applyAsInt(table.label(j))) {
            double won = scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            ofFile[0] += won;
            ofFile[1]++;
            right += won;
            pairs++;
          }
        }
      }
    }
    if (pairs == 0) {
      return Optional.empty();
    }
    double value = right / pairs;
    double squares = 0;
    for (double[] ofFile : byFile.values()) {
      double gap = ofFile[0] - value * ofFile[1];
      squares += gap * gap;
    }
    return Optional.of(new PairAccuracy(value, 1.96 * Math.sqrt(squares) / pairs, pairs));
  }

  /** Returns the chance that a completion with the label scores above one without; ties half. */
  OptionalDouble areaUnderCurve(double[] scores, Predicate<LabelledCompletion> label) {
    Integer[] order =
        IntStream.of(completions)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> scores[i]))
            .toArray(Integer[]::new);
    double ranks = 0;
    long positives = 0;
    for (int from = 0; from < order.length; ) {
      int to = from;
      while (to < order.length && scores[order[to]] == scores[order[from]]) {
        to++;
      }
      double rank = (from + 1 + to) / 2.0;
      for (int i = from; i < to; i++) {
        if (label.test(table.label(order[i]))) {
          ranks += rank;
          positives++;
        }
      }
      from = to;
    }
    long negatives = order.length - positives;
    return positives == 0 || negatives == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(
            (ranks - positives * (positives + 1) / 2.0) / ((double) positives * negatives));
  }

  /** Returns Pearson's correlation of scores and labels. */
  OptionalDouble correlation(double[] scores, ToIntFunction<LabelledCompletion> label) {
    double meanScore = 0;
    double meanLabel = 0;
    for (int i : completions) {
      meanScore += scores[i] / completions.length;
      meanLabel += (double) label.applyAsInt(table.label(i)) / completions.length;
    }
    double both = 0;
    double ofScores = 0;
    double ofLabels = 0;
    for (int i : completions) {
      double score = scores[i] - meanScore;
      double value = label.applyAsInt(table.label(i)) - meanLabel;
      both += score * value;
      ofScores += score * score;
      ofLabels += value * value;
    }
    return ofScores > 0 && ofLabels > 0
        ? OptionalDouble.of(both / Math.sqrt(ofScores * ofLabels))
        : OptionalDouble.empty();
  }

  /**
   * Returns the expected calibration error: the mean gap, in ten bins of equal width, between what
   * was predicted and how often it came true, weighted by the bins' sizes.
   *
   * @param probabilities by completion of the table, 0 to 1
   */
  OptionalDouble calibrationError(double[] probabilities, Predicate<LabelledCompletion> label) {
    double[] gap = new double[BINS];
    for (int i : completions) {
      int bin = Math.min(BINS - 1, (int) (probabilities[i] * BINS));
      gap[bin] += probabilities[i] - (label.test(table.label(i)) ? 1 : 0);
    }
    return completions.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(Arrays.stream(gap).map(Math::abs).sum() / completions.length);
  }

  /** Returns the share of completions whose score is above 0 exactly if they have the label. */
  OptionalDouble signAccuracy(double[] scores, Predicate<LabelledCompletion> label) {
    long right =
        IntStream.of(completions).filter(i -> scores[i] > 0 == label.test(table.label(i))).count();
    return completions.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of((double) right / completions.length);
  }
}
