package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * A test to store.
 *
 * @param spec whose prompts are the pool if some are drawn
 * @param rule of its prompts
 * @param account how it shares δ with other tests
 * @param draw how many of the pool's prompts are used; empty: all of them
 */
public record NewTest(
    UUID id,
    Caller caller,
    String fingerprint,
    TestSpec spec,
    LookRule rule,
    AccountShare account,
    Optional<Draw> draw,
    String runId,
    Instant startedAt) {
  /**
   * A draw without replacement from the prompts of a pool that no test has used.
   *
   * @param count 2 to the size of the pool
   * @param seed of the draw
   */
  public record Draw(int count, long seed) {}
}
