package io.ballast.inference.remote;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.SamplingOptions;

/**
 * Sampling options as vLLM and those who imitate it name them. A back end tells log-probabilities
 * without saying of which distribution, so that only those ways of drawing are taken under which it
 * can be no other than the model's own: greedy, or the model's own distribution. What would shape
 * it is sent with the value that does not, since servers and model folders bring defaults of their
 * own.
 */
public final class RemoteSampling {
  /** The seed that is none: llama.cpp keeps 32 bits, and where all are set draws one by chance. */
  private static final long BY_CHANCE = 0xFFFF_FFFFL;

  private RemoteSampling() {}

  /**
   * Refuses options under which what the back end tells would not be what the model says.
   *
   * @throws IllegalArgumentException naming the option
   */
  public static void check(SamplingOptions options) {
    if (options.grammar() != null) {
      throw new IllegalArgumentException("grammar: given (expected: none, of a remote decoder)");
    }
    require(
        "repetition_penalty", options.repetitionPenalty(), options.repetitionPenalty() == 1, "1");
    require("presence_penalty", options.presencePenalty(), options.presencePenalty() == 0, "0");
    require("frequency_penalty", options.frequencyPenalty(), options.frequencyPenalty() == 0, "0");
    require("logit_bias", options.logitBias().size(), options.logitBias().isEmpty(), "none");
    require("min_new_tokens", options.minNewTokens(), options.minNewTokens() == 0, "0");
    if (options.temperature() == 0) {
      return; // the likeliest token is in whatever is left of the distribution
    }
    require("temperature", options.temperature(), options.temperature() == 1, "0 or 1");
    require("top_k", options.topK(), options.topK() == 0, "0");
    require("top_p", options.topP(), options.topP() == 1, "1");
    require("min_p", options.minP(), options.minP() == 0, "0");
  }

  /** Returns the log-probability under the distribution drawn from, given the model's. */
  static float drawn(SamplingOptions options, float logProb) {
    return options.temperature() == 0 ? 0 : logProb;
  }

  /** Returns options that {@link #check} lets through, as JSON. */
  public static ObjectNode json(SamplingOptions options) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("temperature", options.temperature());
    json.put("top_k", -1); // all: some know 0 for it, others do not
    json.put("top_p", 1.0);
    json.put("min_p", 0.0);
    json.put("repetition_penalty", 1.0);
    json.put("presence_penalty", 0.0);
    json.put("frequency_penalty", 0.0);
    json.put("max_tokens", options.maxNewTokens());
    json.put("seed", seed(options.seed()));
    if (!options.stopStrings().isEmpty()) {
      options.stopStrings().forEach(json.putArray("stop")::add);
    }
    if (!options.stopTokenIds().isEmpty()) {
      options.stopTokenIds().forEach(json.putArray("stop_token_ids")::add);
    }
    return json;
  }

  /** Returns a seed that every back end takes for one, such as −1 is not. */
  private static long seed(long seed) {
    long natural = seed & Long.MAX_VALUE;
    return (natural & BY_CHANCE) == BY_CHANCE ? natural ^ 1 : natural;
  }

  private static void require(String name, Object value, boolean holds, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: %s (expected: %s; the back end does not tell the probabilities that it draws with)"
              .formatted(name, value, expected));
    }
  }
}
