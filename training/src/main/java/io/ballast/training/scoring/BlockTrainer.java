package io.ballast.training.scoring;

import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TrainableBlocks;
import io.ballast.inference.torch.WeightsSnapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Trains members that have a trunk's last blocks for themselves: first the head on the trunk as it
 * is, then head and blocks together, from the head's weights; the best pass on what is held out
 * stays, and if none is better than the head alone, that does. Begun with a head of chance, the
 * first steps would spoil what the blocks know.
 *
 * <p>Source: Kumar et al. 2022, linear probing then fine-tuning (LP-FT), §3.4, arXiv:2202.10054;
 * their head is linear.
 *
 * <p>A member's features are its states at the completion's last token and on average, and the
 * completion's length, standardised as the trunk's own features are: by constants.
 */
final class BlockTrainer implements MemberTrainer.One {
  private final HeadTrainer.Options head;
  private final GroupLoss loss;
  private final OwnBlocks own;
  private final FeatureTable standard;
  private final float[] mean;
  private final float[] std;
  private final Runnable beforePass;

  /**
   * A trainer over the features of the trunk as it is, states first.
   *
   * @param standard standardised
   * @param mean of features, shape [F]
   * @param std of features, shape [F]
   * @param beforePass runs before each pass; may wait, and what it throws ends the training
   */
  BlockTrainer(
      HeadTrainer.Options head,
      GroupLoss loss,
      OwnBlocks own,
      FeatureTable standard,
      float[] mean,
      float[] std,
      Runnable beforePass) {
    this.head = head;
    this.loss = loss;
    this.own = own;
    this.standard = standard;
    this.mean = mean;
    this.std = std;
    this.beforePass = beforePass;
  }

  @Override
  public TrainedHead<?> train(int member, int[] train, int[] validation, RandomGenerator random) {
    TrainedHead<HeadNetwork> probe =
        new HeadTrainer(head, standard, loss, beforePass).train(train, validation, random);
    HeadNetwork network = probe.head();
    try (TrainableBlocks blocks =
        TrainableBlocks.above(
            own.lower(), new OptimizerOptions(0.9, 0.999, 1e-8, own.options().weightDecay(), 1))) {
      Best best = fit(member, blocks, network, probe.validationLoss(), train, validation, random);
      blocks.save(own.file(member));
      return new TrainedHead<>(
          new BlockHead(network.head(), scores(blocks, network)),
          String.format(
              Locale.ROOT,
              "head alone %s, validation loss %.4f; with own blocks best after pass %d",
              probe.how(),
              probe.validationLoss(),
              best.pass()),
          best.loss());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The pass that was best; 0: the head alone. */
  private record Best(int pass, double loss) {}

  /** Trains, and leaves the best weights in both. */
  private Best fit(
      int member,
      TrainableBlocks blocks,
      HeadNetwork network,
      double ofHead,
      int[] train,
      int[] validation,
      RandomGenerator random) {
    HeadOptimizer optimizer = new HeadOptimizer(network, head.weightDecay());
    int[] order = train.clone();
    Best best = new Best(0, ofHead);
    double[] bestHead = network.parameters().clone();
    WeightsSnapshot bestBlocks = blocks.snapshot();
    try {
      int passes = Math.min(head.epochs(), own.options().passes());
      for (int pass = 1; pass <= passes; pass++) {
        beforePass.run();
        HeadTrainer.shuffle(order, random);
        for (int from = 0; from < order.length; from += head.batchGroups()) {
          int to = Math.min(order.length, from + head.batchGroups());
          if (collect(blocks, network, Arrays.copyOfRange(order, from, to))) {
            optimizer.step(own.options().learningRate());
            blocks.optimizerStep(own.options().learningRate());
          }
          own.progress().at(member + 1, (pass - 1 + (double) to / order.length) / passes);
        }
        double validationLoss = meanLoss(blocks, network, validation);
        if (validationLoss < best.loss()) {
          best = new Best(pass, validationLoss);
          bestHead = network.parameters().clone();
          WeightsSnapshot former = bestBlocks;
          bestBlocks = blocks.snapshot();
          former.close();
        } else if (pass - best.pass() >= own.options().patience()) {
          break;
        }
      }
      blocks.restore(bestBlocks);
      System.arraycopy(bestHead, 0, network.parameters(), 0, bestHead.length);
      return best;
    } finally {
      bestBlocks.close();
    }
  }

  /**
   * Computes the gradients of a batch, Σ loss / terms + c·mean(s²): the head's in the network, the
   * blocks' collected there; false if it has no terms.
   */
  boolean collect(TrainableBlocks blocks, HeadNetwork network, int[] batch) {
    BatchGradient gradient = BatchGradient.begin(network, loss, head.scoreDecay(), standard, batch);
    if (gradient.isEmpty()) {
      return false;
    }
    blocks.forwardBackward(
        units(batch),
        (unit, states) -> {
          int group = batch[unit];
          double[][] byUnits = gradient.add(standard.group(group), features(group, states));
          List<Integer> places = own.order(group);
          float[][] byStates = new float[states.length][];
          for (int m = 0; m < states.length; m++) {
            float[] byFeatures = network.byFeatures(byUnits[places.get(m)]);
            byStates[m] = new float[states[m].length];
            for (int d = 0; d < states[m].length; d++) {
              byStates[m][d] = byFeatures[d] / std[d];
            }
          }
          return byStates;
        });
    return true;
  }

  /** A group's features, shape [G][F]: states of the member's blocks, and what is the trunk's. */
  private float[][] features(int group, float[][] states) {
    List<Integer> places = own.order(group);
    float[][] features = new float[states.length][];
    for (int m = 0; m < states.length; m++) {
      int completion = places.get(m);
      float[] row = standard.features(standard.start(group) + completion).clone();
      for (int d = 0; d < states[m].length; d++) {
        row[d] = (states[m][d] - mean[d]) / std[d];
      }
      features[completion] = row;
    }
    return features;
  }

  private List<List<Integer>> units(int[] groups) {
    List<List<Integer>> units = new ArrayList<>();
    for (int group : groups) {
      units.add(own.unit(group));
    }
    return units;
  }

  /** Returns the loss a term over {@code groups}, of which one has one. */
  double meanLoss(TrainableBlocks blocks, HeadNetwork network, int[] groups) {
    List<float[][]> states = blocks.states(units(groups));
    return loss.mean(
        Arrays.stream(groups).mapToObj(standard::group).toList(),
        IntStream.range(0, groups.length)
            .mapToObj(g -> scores(network, features(groups[g], states.get(g))))
            .toList());
  }

  /** Raw scores of all completions of the table. */
  double[] scores(TrainableBlocks blocks, HeadNetwork network) {
    double[] all = new double[standard.size()];
    int[] groups = IntStream.range(0, standard.groups()).toArray();
    List<float[][]> states = blocks.states(units(groups));
    for (int group : groups) {
      double[] scores = scores(network, features(group, states.get(group)));
      System.arraycopy(scores, 0, all, standard.start(group), scores.length);
    }
    return all;
  }

  private static double[] scores(HeadNetwork network, float[][] features) {
    double[] units = new double[network.hiddenWidth()];
    return Arrays.stream(features).mapToDouble(row -> network.forward(row, units)).toArray();
  }
}
