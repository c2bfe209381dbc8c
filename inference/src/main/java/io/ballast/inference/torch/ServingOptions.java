package io.ballast.inference.torch;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * How much a decoder takes on at once.
 *
 * @param arithmetic what it computes in
 * @param maxRows completions that are drawn side by side, ≥ 1
 * @param maxQueuedRows completions that may wait for a row, ≥ 0; more are refused
 * @param maxPrefillTokens prompt tokens that one step computes while nothing is being drawn, ≥ 1
 * @param stepTokens tokens of one step, drawn and of prompts together, while something is being
 *     drawn, ≥ 1: what is drawn waits for the rest. A prompt goes on by 32 at least
 * @param keyValueBytes of keys and values of all completions under way, ≥ 1. A completion begins
 *     when the most that it may come to fits (2.3 MB at 256 tokens of the tiny shape)
 * @param prefixCacheBytes of keys and values that are kept of prompts' beginnings, ≥ 0
 * @param trainerPatience after so long in the queue a trainer's completion gets one of the places
 *     that are kept for those who have waited long
 * @param batchPatience the same for batch work
 * @param batchInvariant whether a completion is the same bit by bit whatever else is under way, at
 *     a price (README)
 * @param decodeLanes the most threads that a step is shared out over, ≥ 1. Where it is more than
 *     one, sums are rounded otherwise; however many processors there are, the same lanes give the
 *     same bits
 */
public record ServingOptions(
    Arithmetic arithmetic,
    int maxRows,
    int maxQueuedRows,
    int maxPrefillTokens,
    int stepTokens,
    long keyValueBytes,
    long prefixCacheBytes,
    Duration trainerPatience,
    Duration batchPatience,
    boolean batchInvariant,
    int decodeLanes) {
  private static final long MEGABYTE = 1_000_000;

  public ServingOptions {
    require(maxRows >= 1, "max_rows: " + maxRows + " (expected: ≥ 1)");
    require(maxQueuedRows >= 0, "max_queued_rows: " + maxQueuedRows + " (expected: ≥ 0)");
    require(maxPrefillTokens >= 1, "max_prefill_tokens: " + maxPrefillTokens + " (expected: ≥ 1)");
    require(stepTokens >= 1, "step_tokens: " + stepTokens + " (expected: ≥ 1)");
    require(keyValueBytes >= 1, "key_value_bytes: " + keyValueBytes + " (expected: ≥ 1)");
    require(prefixCacheBytes >= 0, "prefix_cache_bytes: " + prefixCacheBytes + " (expected: ≥ 0)");
    require(
        !trainerPatience.isNegative() && !batchPatience.isNegative(),
        "patience: " + trainerPatience + ", " + batchPatience + " (expected: ≥ 0)");
    require(decodeLanes >= 1, "decode_lanes: " + decodeLanes + " (expected: ≥ 1)");
  }

  /** Everything but the first four as {@link #defaults} has it. */
  public ServingOptions(
      Arithmetic arithmetic, int maxRows, int maxQueuedRows, int maxPrefillTokens) {
    this(
        arithmetic,
        maxRows,
        maxQueuedRows,
        maxPrefillTokens,
        256,
        1_024 * MEGABYTE,
        128 * MEGABYTE,
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        false,
        2);
  }

  /**
   * The quickest arithmetic here, 256 rows, 1,024 waiting, 2,048 prompt tokens at a time or 256
   * beside what is drawn, 1,024 MB of keys and values, 128 MB of prefixes, 5 and 30 seconds of
   * patience, two lanes.
   */
  public static ServingOptions defaults() {
    return new ServingOptions(Arithmetic.quickest(), 256, 1_024, 2_048);
  }

  /** Returns these options computed in other numbers. */
  public ServingOptions withArithmetic(Arithmetic other) {
    return with(draft -> draft.arithmetic = other);
  }

  /** Returns these options with another bound on keys and values. */
  public ServingOptions withKeyValueBytes(long bytes) {
    return with(draft -> draft.keyValueBytes = bytes);
  }

  /** Returns these options with another bound on what is kept of prompts. */
  public ServingOptions withPrefixCacheBytes(long bytes) {
    return with(draft -> draft.prefixCacheBytes = bytes);
  }

  /** Returns these options with completions that are the same bit by bit in any company, or not. */
  public ServingOptions withBatchInvariant(boolean invariant) {
    return with(draft -> draft.batchInvariant = invariant);
  }

  /** Returns these options with other lanes. */
  public ServingOptions withDecodeLanes(int lanes) {
    return with(draft -> draft.decodeLanes = lanes);
  }

  /** Returns these options with another size of steps. */
  public ServingOptions withStepTokens(int tokens) {
    return with(draft -> draft.stepTokens = tokens);
  }

  /** What can be made other than it is. */
  private static final class Draft {
    private Arithmetic arithmetic;
    private int stepTokens;
    private long keyValueBytes;
    private long prefixCacheBytes;
    private boolean batchInvariant;
    private int decodeLanes;

    Draft(ServingOptions of) {
      arithmetic = of.arithmetic;
      stepTokens = of.stepTokens;
      keyValueBytes = of.keyValueBytes;
      prefixCacheBytes = of.prefixCacheBytes;
      batchInvariant = of.batchInvariant;
      decodeLanes = of.decodeLanes;
    }
  }

  private ServingOptions with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return new ServingOptions(
        draft.arithmetic,
        maxRows,
        maxQueuedRows,
        maxPrefillTokens,
        draft.stepTokens,
        draft.keyValueBytes,
        draft.prefixCacheBytes,
        trainerPatience,
        batchPatience,
        draft.batchInvariant,
        draft.decodeLanes);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
