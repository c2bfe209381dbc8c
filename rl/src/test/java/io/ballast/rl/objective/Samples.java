package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.ADVANTAGE;
import static io.ballast.rl.sample.PerTokenName.BEHAVIOUR_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.CURRENT_LOG_PROB;
import static io.ballast.rl.sample.SampleRole.CALIBRATION;
import static io.ballast.rl.sample.SampleRole.CHOSEN;
import static io.ballast.rl.sample.SampleRole.DESIRABLE;
import static io.ballast.rl.sample.SampleRole.REJECTED;
import static io.ballast.rl.sample.SampleRole.ROLLOUT;
import static io.ballast.rl.sample.SampleRole.UNDESIRABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.sample.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Samples for tests of objectives, and the check of a gradient by central differences. */
public final class Samples {
  private static final double STEP = 1e-6;

  private Samples() {}

  /** A completion of {@code size} tokens without numbers. */
  public static Sample blank(int size) {
    return Sample.rollout(TokenIds.of(new int[size]));
  }

  /** A completion whose behaviour log-probabilities are −1 and whose log-ratios are given. */
  public static Sample withLogRatios(double advantage, double... logRatios) {
    double[] current = new double[logRatios.length];
    for (int t = 0; t < current.length; t++) {
      current[t] = -1 + logRatios[t];
    }
    return blank(current.length)
        .withAll(BEHAVIOUR_LOG_PROB, -1)
        .with(CURRENT_LOG_PROB, current)
        .withAll(ADVANTAGE, advantage);
  }

  /** One group of {@code samples}. */
  public static Batch oneGroup(Sample... samples) {
    return Batch.of(new Group("prompt", List.of(samples)));
  }

  /** Every name filled with smooth random numbers, some tokens masked: two groups, five samples. */
  public static Batch random(long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    List<Group> groups = new ArrayList<>();
    for (int size : new int[] {2, 3}) {
      List<Sample> samples = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        samples.add(randomSample(random, 2 + random.nextInt(4)));
      }
      groups.add(new Group("prompt" + size, samples));
    }
    return new Batch(groups);
  }

  /**
   * Groups that every objective can read: a pair, a rated completion, maybe one to calibrate with
   * (the first group has one) and a rollout; one advantage a completion. The rollout may be masked
   * throughout.
   */
  public static Batch inEveryRole(long seed, int groups) {
    RandomGenerator random = new SplittableRandom(seed);
    return new Batch(
        IntStream.range(0, groups).mapToObj(p -> groupInEveryRole(random, p)).toList());
  }

  private static Group groupInEveryRole(RandomGenerator random, int prompt) {
    List<SampleRole> roles = new ArrayList<>(List.of(CHOSEN, REJECTED));
    roles.add(random.nextBoolean() ? DESIRABLE : UNDESIRABLE);
    if (prompt == 0 || random.nextBoolean()) {
      roles.add(CALIBRATION);
    }
    if (random.nextBoolean()) {
      roles.add(ROLLOUT);
    }
    List<Sample> samples = new ArrayList<>();
    for (SampleRole role : roles) {
      Sample sample =
          randomSample(random, 2 + random.nextInt(4))
              .with(role)
              .withAll(ADVANTAGE, random.nextGaussian())
              .with(PerSequenceName.REWARD, random.nextGaussian())
              .with(PerSequenceName.LIKELIHOOD_WEIGHT, random.nextDouble(-1, 2))
              .with(PerSequenceName.PREFERENCE_BASELINE, random.nextDouble());
      boolean masked = role == ROLLOUT && random.nextBoolean();
      samples.add(masked ? sample.withAll(PerTokenName.LOSS_MASK, 0) : sample);
    }
    return new Group("prompt" + prompt, samples);
  }

  private static Sample randomSample(RandomGenerator random, int size) {
    Sample sample = blank(size);
    for (PerTokenName name : PerTokenName.values()) {
      double[] numbers = new double[size];
      for (int t = 0; t < size; t++) {
        numbers[t] =
            switch (name) {
              case LOSS_MASK -> t > 0 && random.nextDouble() < .3 ? 0 : 1;
              case ADVANTAGE,
                  REWARD,
                  RETURN,
                  COST_RETURN,
                  VALUE,
                  BEHAVIOUR_VALUE,
                  COST_VALUE,
                  BEHAVIOUR_COST_VALUE ->
                  random.nextGaussian();
              case ENTROPY -> random.nextDouble();
              case CURRENT_LOG_PROB,
                  BEHAVIOUR_LOG_PROB,
                  SERVED_LOG_PROB,
                  REFERENCE_LOG_PROB,
                  ITERATION_LOG_PROB,
                  HELPER_LOG_PROB ->
                  -1 - random.nextDouble();
            };
      }
      sample = sample.with(name, numbers);
    }
    return sample;
  }

  /** Asserts that every partial derivative of {@code objective} is the slope of its value. */
  public static void assertGradientIsTheSlope(Objective objective, Batch batch) {
    ObjectiveResult result = objective.evaluate(batch);
    List<Sample> samples = batch.samples();
    for (PerTokenName name : objective.requires()) {
      if (!name.differentiable()) {
        continue;
      }
      for (int i = 0; i < samples.size(); i++) {
        for (int t = 0; t < samples.get(i).size(); t++) {
          double up = objective.evaluate(moved(batch, i, name, t, STEP)).value();
          double down = objective.evaluate(moved(batch, i, name, t, -STEP)).value();
          assertThat(result.gradients().get(i).of(name).get(t))
              .as("d %s / d %s of sample %d, token %d", objective, name, i, t)
              .isCloseTo((up - down) / (2 * STEP), within(1e-6));
        }
      }
    }
  }

  private static Batch moved(Batch batch, int index, PerTokenName name, int token, double by) {
    Sample target = batch.samples().get(index);
    double[] numbers = target.numbers(name).toArray();
    numbers[token] += by;
    Sample changed = target.with(name, numbers);
    return batch.map(sample -> sample.equals(target) ? changed : sample);
  }
}
