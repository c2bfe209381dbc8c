package io.ballast.inference.api;

import io.ballast.kit.call.Lane;
import java.util.EnumMap;
import java.util.Map;

/**
 * What a decoder has done and has under way. Counts begin with the decoder.
 *
 * @param activeRows completions under way
 * @param waitingRows completions that wait, by lane; every lane is there
 * @param keyValueBytes memory of keys and values of completions under way, places in reserve
 *     included
 * @param keyValueReservedBytes what completions under way may come to take
 * @param keyValueLimitBytes the bound on the latter
 * @param prefixBytes memory of what is kept of prompts' beginnings
 * @param promptTokens prompt tokens that were asked for
 * @param prefixHitTokens those of them that were found, and not computed
 * @param prefilledTokens prompt tokens computed, those of resumed completions included
 * @param drawnTokens tokens drawn
 * @param steps forward passes
 * @param preemptions how often a completion gave up its place
 */
public record DecoderStatistics(
    int activeRows,
    Map<Lane, Integer> waitingRows,
    long keyValueBytes,
    long keyValueReservedBytes,
    long keyValueLimitBytes,
    long prefixBytes,
    long promptTokens,
    long prefixHitTokens,
    long prefilledTokens,
    long drawnTokens,
    long steps,
    long preemptions) {
  public DecoderStatistics {
    waitingRows = Map.copyOf(waitingRows);
  }

  /** Of a decoder that has done nothing. */
  public static DecoderStatistics none() {
    Map<Lane, Integer> waiting = new EnumMap<>(Lane.class);
    for (Lane lane : Lane.values()) {
      waiting.put(lane, 0);
    }
    return new DecoderStatistics(0, waiting, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** The share of prompt tokens that were found; 0 if none were asked for. */
  public double prefixHitRate() {
    return promptTokens == 0 ? 0 : (double) prefixHitTokens / promptTokens;
  }

  /** Completions that wait, of all lanes. */
  public int waiting() {
    return waitingRows.values().stream().mapToInt(Integer::intValue).sum();
  }
}
