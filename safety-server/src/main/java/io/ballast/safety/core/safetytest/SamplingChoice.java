package io.ballast.safety.core.safetytest;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.Texts;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How completions shall be drawn, as far as a caller says; null: the server's default. No caller
 * chooses the seed: whoever knew it could look at what it gives beforehand.
 */
public record SamplingChoice(
    @Nullable Double temperature,
    @Nullable Integer topK,
    @Nullable Double topP,
    @Nullable Integer maxNewTokens,
    List<String> stopStrings) {
  public SamplingChoice {
    stopStrings = List.copyOf(stopStrings);
  }

  /**
   * Returns what is drawn with: nothing is left open but the seed, for a certificate says it all.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the field
   */
  SamplingOptions resolve(String field, TestSettings settings) {
    try {
      return SamplingOptions.builder()
          .temperature(temperature == null ? settings.temperature() : temperature)
          .topK(topK == null ? 0 : topK)
          .topP(topP == null ? 1 : topP)
          .maxNewTokens(maxNewTokens == null ? settings.maxNewTokens() : maxNewTokens)
          .stopStrings(stopStrings)
          .build();
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      int colon = message.indexOf(": ");
      throw Texts.malformed(
          field + "." + message.substring(0, Math.max(0, colon)), message.substring(colon + 2));
    }
  }
}
