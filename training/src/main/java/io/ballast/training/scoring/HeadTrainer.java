package io.ballast.training.scoring;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Trains one head by AdamW on groups, and stops when what is held out no longer gains. */
public final class HeadTrainer {
  /**
   * How a head is trained.
   *
   * @param hiddenWidth units of the hidden layer; 0: a linear head, which is trained to its minimum
   *     ({@code LinearHeadTrainer})
   * @param epochs the most passes over the groups
   * @param patience passes without a better validation loss before it stops
   * @param batchGroups groups of an optimiser step
   * @param learningRate of AdamW
   * @param weightDecay of the first layer's weights, decoupled
   * @param scoreDecay weight of the mean squared score in the loss
   */
  public record Options(
      int hiddenWidth,
      int epochs,
      int patience,
      int batchGroups,
      double learningRate,
      double weightDecay,
      double scoreDecay) {
    /** 32 units, 40 passes, patience 4, 32 groups a step, AdamW at 0.001. */
    public static Options defaults() {
      return new Options(32, 40, 4, 32, 1e-3, 0.1, 1e-3);
    }

    /** The same with another number of passes. */
    public Options withEpochs(int most) {
      return new Options(
          hiddenWidth, most, patience, batchGroups, learningRate, weightDecay, scoreDecay);
    }

    /** The same with another weight of the mean squared score. */
    public Options withScoreDecay(double weight) {
      return new Options(
          hiddenWidth, epochs, patience, batchGroups, learningRate, weightDecay, weight);
    }

    /** The same for heads of a form. */
    public Options withForm(HeadForm form) {
      return new Options(
          form.hiddenWidth(), epochs, patience, batchGroups, learningRate, weightDecay, scoreDecay);
    }

    /** The form of the heads. */
    public HeadForm form() {
      return hiddenWidth == 0 ? HeadForm.LINEAR : HeadForm.LAYERED;
    }
  }

  private final Options options;
  private final FeatureTable table;
  private final GroupLoss loss;
  private final Runnable beforePass;

  /**
   * A trainer over standardised features.
   *
   * @param beforePass runs before each pass; may wait, and what it throws ends the training
   */
  HeadTrainer(Options options, FeatureTable table, GroupLoss loss, Runnable beforePass) {
    this.options = options;
    this.table = table;
    this.loss = loss;
    this.beforePass = beforePass;
  }

  /**
   * Trains a head.
   *
   * @param train groups to learn from; one that appears twice counts twice
   * @param validation held-out groups, which decide when to stop
   * @param random of the first weights and the order
   */
  TrainedHead<HeadNetwork> train(int[] train, int[] validation, RandomGenerator random) {
    HeadNetwork network = new HeadNetwork(table.width(), options.hiddenWidth(), random);
    HeadOptimizer optimizer = new HeadOptimizer(network, options.weightDecay());
    double[] best = network.parameters().clone();
    double bestLoss = meanLoss(network, validation);
    int bestEpoch = 0;
    int[] order = train.clone();
    for (int epoch = 1; epoch <= options.epochs(); epoch++) {
      beforePass.run();
      shuffle(order, random);
      for (int from = 0; from < order.length; from += options.batchGroups()) {
        int to = Math.min(order.length, from + options.batchGroups());
        if (collect(network, Arrays.copyOfRange(order, from, to))) {
          optimizer.step(options.learningRate());
        }
      }
      double validationLoss = meanLoss(network, validation);
      if (validationLoss < bestLoss) {
        bestLoss = validationLoss;
        bestEpoch = epoch;
        best = network.parameters().clone();
      } else if (epoch - bestEpoch >= options.patience()) {
        break;
      }
    }
    System.arraycopy(best, 0, network.parameters(), 0, best.length);
    return new TrainedHead<>(network, "best after pass %d".formatted(bestEpoch), bestLoss);
  }

  /** Draws as many groups as there are, with replacement. */
  static int[] bootstrap(int[] groups, RandomGenerator random) {
    int[] drawn = new int[groups.length];
    for (int i = 0; i < drawn.length; i++) {
      drawn[i] = groups[random.nextInt(groups.length)];
    }
    return drawn;
  }

  /** Puts values in an order of chance. */
  static void shuffle(int[] values, RandomGenerator random) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int value = values[i];
      values[i] = values[j];
      values[j] = value;
    }
  }

  /** Computes the gradient of a batch; false if it has no terms. */
  private boolean collect(HeadNetwork network, int[] batch) {
    BatchGradient gradient = BatchGradient.begin(network, loss, options.scoreDecay(), table, batch);
    if (gradient.isEmpty()) {
      return false;
    }
    for (int group : batch) {
      float[][] features =
          table.completions(group).mapToObj(table::features).toArray(float[][]::new);
      gradient.add(table.group(group), features);
    }
    return true;
  }

  /** Returns the loss a term over {@code groups}, of which one has one. */
  private double meanLoss(HeadNetwork network, int[] groups) {
    double[] units = new double[options.hiddenWidth()];
    return loss.mean(
        Arrays.stream(groups).mapToObj(table::group).toList(),
        Arrays.stream(groups)
            .mapToObj(
                group ->
                    table
                        .completions(group)
                        .mapToDouble(i -> network.forward(table.features(i), units))
                        .toArray())
            .toList());
  }
}
