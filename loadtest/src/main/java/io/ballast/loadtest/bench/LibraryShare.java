package io.ballast.loadtest.bench;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.algorithm.RecipeSteps;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/** What the {@code rl} library does in a step of GRPO, alone: advantages, loss, gradients. */
final class LibraryShare {
  private static final int WARM_UP = 500;

  private final LongSupplier nanoTime;

  LibraryShare(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Returns what each of {@code count} steps took, in seconds. */
  List<Double> seconds(int count) {
    Recipe recipe =
        Algorithm.GRPO.recipe(GrpoWork.NEW_TOKENS).withLoss(loss -> loss.withKl(0, KlEstimator.K3));
    RecipeSteps steps = new RecipeSteps(recipe, GrpoWork.NEW_TOKENS);
    Objective objective = recipe.objective();
    Batch judged = judged(new SplittableRandom(3));
    List<Double> seconds = new ArrayList<>();
    double sum = 0;
    for (int i = -WARM_UP; i < count; i++) {
      long start = nanoTime.getAsLong();
      sum += step(steps, objective, judged);
      if (i >= 0) {
        seconds.add((nanoTime.getAsLong() - start) / 1e9);
      }
    }
    if (!Double.isFinite(sum)) {
      throw new IllegalStateException("a loss is " + sum);
    }
    return seconds;
  }

  /** As the learner does it: the batch at once, then the loss of each group alone. */
  private static double step(RecipeSteps steps, Objective objective, Batch judged) {
    Batch prepared = steps.prepare(judged, RecipeState.initial()).batch().orElseThrow();
    double loss = 0;
    for (Group group : prepared.groups()) {
      List<Sample> filled =
          group.samples().stream()
              .map(
                  sample ->
                      sample.with(
                          PerTokenName.CURRENT_LOG_PROB,
                          sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB).toArray()))
              .toList();
      loss += objective.evaluate(Batch.of(new Group(group.groupId(), filled))).value();
    }
    return loss;
  }

  private static Batch judged(RandomGenerator random) {
    List<Group> groups = new ArrayList<>();
    for (int p = 0; p < GrpoWork.PROMPTS; p++) {
      List<Sample> samples = new ArrayList<>();
      for (int g = 0; g < GrpoWork.GROUP; g++) {
        double[] logProbs = random.doubles(GrpoWork.NEW_TOKENS, -4, 0).toArray();
        samples.add(
            Sample.rollout(TokenIds.of(random.ints(GrpoWork.NEW_TOKENS, 0, 4_096).toArray()))
                .with(PerTokenName.SERVED_LOG_PROB, logProbs)
                .with(PerTokenName.BEHAVIOUR_LOG_PROB, logProbs)
                .with(PerSequenceName.TRUNCATED, 1)
                .with(PerSequenceName.COST, 0)
                .with(PerSequenceName.REWARD, random.nextDouble()));
      }
      groups.add(new Group(Integer.toString(p), samples));
    }
    return new Batch(groups);
  }
}
