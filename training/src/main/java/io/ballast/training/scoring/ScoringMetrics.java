package io.ballast.training.scoring;

import io.ballast.rl.preference.Calibration;
import io.ballast.rl.preference.TemperatureScaling;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * How well scores agree with what was said of the completions of some groups. A figure that cannot
 * be given (no pair, one class only) is absent, never a made-up number.
 */
final class ScoringMetrics {
  private static final int BINS = 10;

  /**
   * A share with its uncertainty.
   *
   * @param value 0 to 1
   * @param halfWidth of the 95 % interval; groups of one key count as one draw
   * @param pairs that it was taken over
   */
  record PairAccuracy(double value, double halfWidth, long pairs) {}

  private final FeatureTable table;
  private final int[] groups;
  private final int[] completions;
  private final int[] graded;

  ScoringMetrics(FeatureTable table, int[] groups) {
    this.table = table;
    this.groups = groups.clone();
    this.completions = Arrays.stream(groups).flatMap(table::completions).toArray();
    this.graded = IntStream.of(completions).filter(i -> table.grade(i).isKnown()).toArray();
  }

  /** How many completions are looked at. */
  int completions() {
    return completions.length;
  }

  /**
   * Returns the share of a prompt's preferences whose winner scores above its loser, by their
   * weights; a tie in scores counts half.
   *
   * @param scores by completion of the table
   */
  Optional<PairAccuracy> withinPrompt(double[] scores) {
    Map<String, double[]> byKey = new HashMap<>();
    double right = 0;
    double weights = 0;
    long pairs = 0;
    for (int group : groups) {
      JudgedGroup judged = table.group(group);
      double[] ofKey = byKey.computeIfAbsent(judged.key(), key -> new double[2]);
      for (Preference preference : judged.preferences()) {
        double winner = scores[table.start(group) + preference.winner()];
        double loser = scores[table.start(group) + preference.loser()];
        double won = preference.weight() * (winner > loser ? 1 : winner == loser ? 0.5 : 0);
        ofKey[0] += won;
        ofKey[1] += preference.weight();
        right += won;
        weights += preference.weight();
        pairs++;
      }
    }
    if (pairs == 0) {
      return Optional.empty();
    }
    double value = right / weights;
    double squares = 0;
    for (double[] ofKey : byKey.values()) {
      double gap = ofKey[0] - value * ofKey[1];
      squares += gap * gap;
    }
    return Optional.of(new PairAccuracy(value, 1.96 * Math.sqrt(squares) / weights, pairs));
  }

  /**
   * Returns the expected calibration error of preferences: how sure the more likely order is,
   * against how often it is the label's.
   *
   * @param scores by completion of the table
   */
  OptionalDouble pairCalibrationError(double[] scores, TemperatureScaling scaling) {
    double[] gaps = gaps(scores);
    double[] sure = new double[gaps.length];
    boolean[] right = new boolean[gaps.length];
    for (int i = 0; i < gaps.length; i++) {
      sure[i] = scaling.probability(Math.abs(gaps[i]));
      right[i] = gaps[i] > 0;
    }
    return gaps.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(Calibration.expectedError(sure, right, BINS));
  }

  /**
   * Returns how often two members order a preference's completions alike, over all pairs of
   * members.
   *
   * @param members shape [K][N], K ≥ 1
   */
  OptionalDouble agreement(List<double[]> members) {
    List<double[]> gaps = members.stream().map(this::gaps).toList();
    int pairs = gaps.getFirst().length;
    long alike = 0;
    long compared = 0;
    for (int k = 0; k < gaps.size(); k++) {
      for (int j = 0; j < k; j++) {
        for (int i = 0; i < pairs; i++) {
          alike += Math.signum(gaps.get(k)[i]) == Math.signum(gaps.get(j)[i]) ? 1 : 0;
          compared++;
        }
      }
    }
    return compared == 0 ? OptionalDouble.empty() : OptionalDouble.of((double) alike / compared);
  }

  /**
   * Returns the gaps of the preferences, winner less loser, in the order of groups and preferences.
   *
   * @param scores by completion of the table
   */
  double[] gaps(double[] scores) {
    return Arrays.stream(groups)
        .mapToObj(
            group ->
                table.group(group).preferences().stream()
                    .mapToDouble(
                        p ->
                            scores[table.start(group) + p.winner()]
                                - scores[table.start(group) + p.loser()]))
        .flatMapToDouble(gaps -> gaps)
        .toArray();
  }

  /** Returns the chance that a yes scores above a no; ties count half. */
  OptionalDouble areaUnderCurve(double[] scores) {
    Integer[] order =
        IntStream.of(graded)
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
        if (table.grade(order[i]).isYes()) {
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

  /** Returns Pearson's correlation of scores and grades. */
  OptionalDouble correlation(double[] scores) {
    double meanScore = 0;
    double meanGrade = 0;
    for (int i : graded) {
      meanScore += scores[i] / graded.length;
      meanGrade += table.grade(i).value() / graded.length;
    }
    double both = 0;
    double ofScores = 0;
    double ofGrades = 0;
    for (int i : graded) {
      double score = scores[i] - meanScore;
      double grade = table.grade(i).value() - meanGrade;
      both += score * grade;
      ofScores += score * score;
      ofGrades += grade * grade;
    }
    return ofScores > 0 && ofGrades > 0
        ? OptionalDouble.of(both / Math.sqrt(ofScores * ofGrades))
        : OptionalDouble.empty();
  }

  /**
   * Returns the expected calibration error of yes and no: the mean gap, in ten bins of equal width,
   * between what was predicted and how often it came true, weighted by the bins' sizes.
   *
   * @param probabilities by completion of the table, 0 to 1
   */
  OptionalDouble calibrationError(double[] probabilities) {
    return graded.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(
            Calibration.expectedError(
                Arrays.stream(graded).mapToDouble(i -> probabilities[i]).toArray(), yes(), BINS));
  }

  /** Returns which of the graded completions are a yes, in the order of {@link #graded}. */
  boolean[] yes() {
    boolean[] yes = new boolean[graded.length];
    for (int i = 0; i < yes.length; i++) {
      yes[i] = table.grade(graded[i]).isYes();
    }
    return yes;
  }

  /** Returns the completions of which something was said by itself, as a new array. */
  int[] graded() {
    return graded.clone();
  }

  /** Returns the share of graded completions whose score is above 0 exactly if they are a yes. */
  OptionalDouble signAccuracy(double[] scores) {
    long right = IntStream.of(graded).filter(i -> scores[i] > 0 == table.grade(i).isYes()).count();
    return graded.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of((double) right / graded.length);
  }
}
