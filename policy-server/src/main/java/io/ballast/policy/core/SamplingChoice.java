package io.ballast.policy.core;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.MeshException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a call wants its tokens drawn; what is absent takes the server's default.
 *
 * @param temperature 0, or 0.01 to 10
 * @param topK at least 1; 0: all
 * @param topP above 0, at most 1
 * @param maxNewTokens 1 to 4,096
 * @param stopStrings at most 16, none empty; an empty list means the default
 * @param seed absent: the server draws one
 * @param further what has no default of the server's own
 */
public record SamplingChoice(
    @Nullable Double temperature,
    @Nullable Integer topK,
    @Nullable Double topP,
    @Nullable Integer maxNewTokens,
    List<String> stopStrings,
    @Nullable Long seed,
    FurtherOptions further) {
  public SamplingChoice {
    stopStrings = List.copyOf(stopStrings);
  }

  /** Nothing said: all defaults. */
  public static SamplingChoice defaults() {
    return new SamplingChoice(null, null, null, null, List.of(), null, FurtherOptions.none());
  }

  /**
   * Fills in what is absent.
   *
   * @param stops the stop strings when neither they nor a grammar are given
   * @param drawnSeed the seed when none is given
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the field and its range
   */
  public SamplingOptions resolve(CallLimits limits, List<String> stops, long drawnSeed) {
    try {
      return further
          .applyTo(SamplingOptions.builder())
          .temperature(temperature == null ? limits.temperature() : temperature)
          .topK(topK == null ? 0 : topK)
          .topP(topP == null ? 1 : topP)
          .maxNewTokens(maxNewTokens == null ? limits.maxNewTokens() : maxNewTokens)
          .stopStrings(stopStrings.isEmpty() && !further.hasGrammar() ? stops : stopStrings)
          .seed(seed == null ? drawnSeed : seed)
          .build();
    } catch (IllegalArgumentException e) {
      throw malformed(e);
    }
  }

  /**
   * Refuses token ids that the answering model does not have.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming field and token
   */
  public static void requireTokensExist(SamplingOptions sampling, Tokenizer tokenizer) {
    try {
      sampling.requireTokensBelow(tokenizer.vocabularySize());
    } catch (IllegalArgumentException e) {
      throw malformed(e);
    }
  }

  private static MeshException malformed(IllegalArgumentException e) {
    String[] flaw = String.valueOf(e.getMessage()).split(": ", 2);
    return Texts.malformed("sampling." + flaw[0], flaw[flaw.length - 1]);
  }
}
