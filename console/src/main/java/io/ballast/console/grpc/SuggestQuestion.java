package io.ballast.console.grpc;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What somebody typed into "try a suggestion". Ranges are the policy-server's to judge.
 *
 * @param prompt the text before the cursor
 * @param model empty: the server's default
 * @param version empty: what the alias {@code serving} points to
 * @param gate what the display gate may do; empty: the server's default
 * @param withReward whether the reward-server is asked
 * @param withCost whether the safety-server is asked, and its verdict acted on
 */
public record SuggestQuestion(
    String prompt,
    Optional<String> model,
    Optional<String> version,
    OptionalDouble temperature,
    OptionalInt maxNewTokens,
    OptionalInt candidatesCount,
    OptionalLong seed,
    Optional<Gate> gate,
    boolean withReward,
    boolean withCost) {
  /** What the display gate may do: decide, only be asked, not even that. */
  public enum Gate {
    ENFORCE,
    SHADOW,
    OFF
  }
}
