package io.ballast.training.scoring;

import java.util.Arrays;
import java.util.Locale;
import java.util.random.RandomGenerator;

/**
 * Trains a linear head to the minimum of its loss, which is the only one.
 *
 * <pre>J(w, b) = Σ loss / terms + c·mean(s²) + λ/2·|w|²,  s = w·f + b</pre>
 *
 * <p>All the losses of {@link GroupLoss} are convex in the scores, and the last two terms make the
 * sum strictly so. λ plays the part that stopping early plays for a head with a hidden layer: of
 * {@link #DECAYS} the one whose minimum has the least loss on what is held out. c is {@code
 * scoreDecay} of the options; their passes, patience, batches and rate are not used.
 */
final class LinearHeadTrainer {
  private static final double[] DECAYS = {1, 0.1, 0.01, 1e-3, 1e-4};
  private static final double TOLERANCE = 1e-8;
  private static final int MOST_STEPS = 2_000;

  private final HeadTrainer.Options options;
  private final FeatureTable table;
  private final GroupLoss loss;
  private final Runnable beforePass;

  /**
   * A trainer over standardised features.
   *
   * @param beforePass runs before each pass over the groups; may wait, and what it throws ends the
   *     training
   * @throws IllegalArgumentException if the score decay is not above 0: pairs alone say nothing of
   *     b
   */
  LinearHeadTrainer(
      HeadTrainer.Options options, FeatureTable table, GroupLoss loss, Runnable beforePass) {
    if (!(options.scoreDecay() > 0)) {
      throw new IllegalArgumentException(
          "score decay: " + options.scoreDecay() + " (expected: > 0 for a linear head)");
    }
    this.options = options;
    this.table = table;
    this.loss = loss;
    this.beforePass = beforePass;
  }

  /**
   * Trains a head.
   *
   * @param train groups to learn from; one that appears twice counts twice
   * @param validation held-out groups, which choose λ
   * @param random of the first weights and the order, of which the result does not depend
   */
  TrainedHead<LinearHead> train(int[] train, int[] validation, RandomGenerator random) {
    LinearHead head = new LinearHead(table.width(), random);
    int[] order = train.clone();
    HeadTrainer.shuffle(order, random);
    LinearHead best = head;
    double bestLoss = Double.POSITIVE_INFINITY;
    double bestDecay = 0;
    double bestGradient = 0;
    for (double decay : DECAYS) {
      double gradient =
          new ConvexMinimum(
                  (point, slope) -> objective(order, decay, point, slope), TOLERANCE, MOST_STEPS)
              .search(head.parameters());
      double validationLoss = meanLoss(head, validation);
      if (validationLoss < bestLoss) {
        bestLoss = validationLoss;
        bestDecay = decay;
        bestGradient = gradient;
        best = head.copy();
      }
    }
    return new TrainedHead<>(
        best,
        String.format(Locale.ROOT, "minimum at λ = %s, gradient %.0e", bestDecay, bestGradient),
        bestLoss);
  }

  private double objective(int[] groups, double decay, double[] point, double[] gradient) {
    beforePass.run();
    Arrays.fill(gradient, 0);
    double terms = 0;
    int completions = 0;
    for (int group : groups) {
      terms += loss.terms(table.group(group));
      completions += table.end(group) - table.start(group);
    }
    double value = 0;
    for (int group : groups) {
      int start = table.start(group);
      double[] scores = scores(point, group);
      double[] byScore = new double[scores.length];
      if (terms > 0) {
        value += loss.loss(table.group(group), scores, byScore) / terms;
      }
      for (int i = 0; i < scores.length; i++) {
        value += options.scoreDecay() * scores[i] * scores[i] / completions;
        double total =
            (terms > 0 ? byScore[i] / terms : 0)
                + 2 * options.scoreDecay() * scores[i] / completions;
        float[] features = table.features(start + i);
        for (int f = 0; f < features.length; f++) {
          gradient[f] += total * features[f];
        }
        gradient[features.length] += total;
      }
    }
    for (int f = 0; f < point.length - 1; f++) {
      value += decay / 2 * point[f] * point[f];
      gradient[f] += decay * point[f];
    }
    return value;
  }

  private double[] scores(double[] parameters, int group) {
    return table
        .completions(group)
        .mapToDouble(i -> LinearHead.score(parameters, table.features(i)))
        .toArray();
  }

  private double meanLoss(LinearHead head, int[] groups) {
    return loss.mean(
        Arrays.stream(groups).mapToObj(table::group).toList(),
        Arrays.stream(groups).mapToObj(group -> scores(head.parameters(), group)).toList());
  }
}
