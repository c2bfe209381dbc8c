package io.ballast.training.scoring;

import io.ballast.inference.onnx.Normalization;
import io.ballast.training.data.SplitRule.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Trains the members of an ensemble on a table of features, whatever they were read from: each from
 * its own first weights and in its own order.
 */
public final class MemberTrainer {
  /** The least standard deviation that is told of raw scores: those of it or less are all alike. */
  public static final double LEAST_STD = 1e-6;

  /**
   * What to train.
   *
   * @param members K ≥ 1
   * @param loss of a member
   * @param bootstrap whether each member has its own draw of the groups, with replacement; else all
   *     have the same, in another order
   * @param seed of draws, order and first weights
   */
  public record Plan(
      int members, GroupLoss loss, boolean bootstrap, long seed, HeadTrainer.Options options) {
    /** Checks the ranges above. */
    public Plan {
      if (members < 1) {
        throw new IllegalArgumentException("members: " + members + " (expected: ≥ 1)");
      }
    }
  }

  /** Trains one member after the other. */
  @FunctionalInterface
  interface One {
    /**
     * Trains a member.
     *
     * @param member its index
     * @param train groups to learn from; one that appears twice counts twice
     * @param validation held-out groups, which decide when to stop
     * @param random of first weights and order
     */
    TrainedHead<?> train(int member, int[] train, int[] validation, RandomGenerator random);
  }

  /** Makes what trains members on a table that is standardised by a mean and a deviation. */
  @FunctionalInterface
  interface Way {
    /** Returns it; mean and std have shape [F]. */
    One over(FeatureTable standard, float[] mean, float[] std);
  }

  private final Plan plan;
  private final Consumer<String> log;
  private final Runnable beforePass;

  /**
   * A trainer.
   *
   * @param log told a line for each member
   */
  public MemberTrainer(Plan plan, Consumer<String> log) {
    this(plan, log, () -> {});
  }

  /**
   * A trainer.
   *
   * @param log told a line for each member
   * @param beforePass runs before each pass over the groups; may wait, and what it throws ends the
   *     training
   */
  public MemberTrainer(Plan plan, Consumer<String> log, Runnable beforePass) {
    this.plan = plan;
    this.log = log;
    this.beforePass = beforePass;
  }

  /**
   * Returns the trained members. Scores are normalised over the completions that were learned from.
   *
   * @param table features as read, not standardised
   * @throws IllegalArgumentException if there is nothing to train on, or nothing to stop by
   */
  public TrainedMembers train(FeatureTable table, GroupSplit split) {
    return train(
        table,
        split,
        (standard, mean, std) ->
            (member, train, validation, random) -> head(standard, train, validation, random));
  }

  /** Returns members that are trained in a way of the caller's; else as above. */
  TrainedMembers train(FeatureTable table, GroupSplit split, Way way) {
    for (Part part : List.of(Part.TRAIN, Part.VALIDATION)) {
      require(split, part);
    }
    int[] train = split.groups(Part.TRAIN);
    int[] validation = split.groups(Part.VALIDATION);
    float[] mean = table.mean(train);
    float[] std = table.std(train, mean);
    FeatureTable standard = table.standardized(mean, std);
    One one = way.over(standard, mean, std);
    List<FeatureHead> members = new ArrayList<>();
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < plan.members(); k++) {
      RandomGenerator random =
          RandomGeneratorFactory.of("L64X128MixRandom").create(plan.seed() * 1_000 + k);
      TrainedHead<?> trained =
          one.train(
              k,
              plan.bootstrap() ? HeadTrainer.bootstrap(train, random) : train,
              validation,
              random);
      members.add(trained.head());
      normalizations.add(normalization(standard, train, trained.head().scores(standard)));
      log.accept(
          String.format(
              Locale.ROOT,
              "head %d: %s, validation loss %.4f",
              k,
              trained.how(),
              trained.validationLoss()));
    }
    return new TrainedMembers(mean, std, members, normalizations);
  }

  private TrainedHead<?> head(
      FeatureTable standard, int[] train, int[] validation, RandomGenerator random) {
    return switch (plan.options().form()) {
      case LAYERED ->
          new HeadTrainer(plan.options(), standard, plan.loss(), beforePass)
              .train(train, validation, random);
      case LINEAR ->
          new LinearHeadTrainer(plan.options(), standard, plan.loss(), beforePass)
              .train(train, validation, random);
    };
  }

  /** Refuses a split of which a part has no groups. */
  static void require(GroupSplit split, Part part) {
    if (split.size(part) == 0) {
      throw new IllegalArgumentException(
          "%s: no groups (expected: judgements under more keys)"
              .formatted(part.name().toLowerCase(Locale.ROOT)));
    }
  }

  private static Normalization normalization(FeatureTable table, int[] groups, double[] scores) {
    return normalization(
        Arrays.stream(groups).flatMap(table::completions).mapToDouble(i -> scores[i]).toArray());
  }

  /**
   * Returns the mean and the standard deviation (divided by n) of scores, at least {@value
   * #LEAST_STD}.
   */
  static Normalization normalization(double[] scores) {
    double mean = Arrays.stream(scores).average().orElseThrow();
    double variance =
        Arrays.stream(scores).map(s -> (s - mean) * (s - mean)).average().orElseThrow();
    return new Normalization(mean, Math.max(Math.sqrt(variance), LEAST_STD));
  }
}
