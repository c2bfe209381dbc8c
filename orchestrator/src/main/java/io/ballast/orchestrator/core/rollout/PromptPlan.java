package io.ballast.orchestrator.core.rollout;

import io.ballast.orchestrator.core.Seeds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Which prompts an iteration samples from: every pass shuffles them anew and takes them in turn, so
 * no iteration has a prompt twice. A function of the seed and the iteration alone: a run that goes
 * on after a crash takes the same ones.
 *
 * @param promptsCount N ≥ P
 * @param perIteration P ≥ 1
 * @param seed the run's
 */
public record PromptPlan(int promptsCount, int perIteration, long seed) {
  private static final int SHUFFLES = 0;
  private static final int SAMPLES = 1;

  /** The indices of the prompts of {@code iteration}, which counts from 1; shape [P]. */
  public List<Integer> indices(int iteration) {
    int iterationsPerPass = promptsCount / perIteration;
    int pass = (iteration - 1) / iterationsPerPass;
    int first = (iteration - 1) % iterationsPerPass * perIteration;
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < promptsCount; i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(Seeds.derive(seed, SHUFFLES, pass)));
    return List.copyOf(order.subList(first, first + perIteration));
  }

  /** The seed that {@code iteration} samples with. */
  public long samplingSeed(int iteration) {
    return Seeds.derive(seed, SAMPLES, iteration);
  }
}
