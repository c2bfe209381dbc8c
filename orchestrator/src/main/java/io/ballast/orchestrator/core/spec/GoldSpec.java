package io.ballast.orchestrator.core.spec;

/**
 * A reward that is measured and never trained on: what the reward in training stands for.
 *
 * @param reward who gives it; an ensemble or composite that the reward-server's Score answers for
 * @param everyIterations it is asked in the first iteration and every so many after, ≥ 1
 * @param completions of an iteration it is asked about, at most; ≥ 2
 */
public record GoldSpec(RewardSpec reward, int everyIterations, int completions) {
  /** Whether {@code iteration}, which counts from 1, is measured. */
  public boolean due(int iteration) {
    return (iteration - 1) % everyIterations == 0;
  }
}
