package io.ballast.inference.remote;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.util.TreeMap;

/**
 * Sampling options as vLLM and those who imitate it name them. A back end tells the model's
 * log-probabilities alone, so that only those ways of drawing are taken whose own log-probabilities
 * follow from them: greedy, or the model's own distribution.
 */
public final class RemoteSampling {
  private RemoteSampling() {}

  /**
   * Refuses options under which the back end draws with probabilities that it does not tell.
   *
   * @throws IllegalArgumentException naming the option
   */
  public static void check(SamplingOptions options) {
    if (options.grammar() != null) {
      throw new IllegalArgumentException("grammar: given (expected: none, of a remote decoder)");
    }
    if (options.temperature() == 0) {
      return; // drawn with certainty, whatever shapes the logits
    }
    require("temperature", options.temperature(), options.temperature() == 1, "0 or 1");
    require("top_k", options.topK(), options.topK() == 0, "0");
    require("top_p", options.topP(), options.topP() == 1, "1");
    require("min_p", options.minP(), options.minP() == 0, "0");
    require(
        "repetition_penalty", options.repetitionPenalty(), options.repetitionPenalty() == 1, "1");
    require("presence_penalty", options.presencePenalty(), options.presencePenalty() == 0, "0");
    require("frequency_penalty", options.frequencyPenalty(), options.frequencyPenalty() == 0, "0");
    require("logit_bias", options.logitBias().size(), options.logitBias().isEmpty(), "none");
    require("min_new_tokens", options.minNewTokens(), options.minNewTokens() == 0, "0");
  }

  /**
   * Returns the last tokens of the prompt that leave room for what may be drawn.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static TokenIds prompt(GenerationRequest request, Tokenizer tokenizer, int contextTokens) {
    TokenIds all = tokenizer.encode(request.prompt());
    int limit = contextTokens - request.sampling().maxNewTokens();
    if (request.maxPromptTokens() > 0) {
      limit = Math.min(limit, request.maxPromptTokens());
    }
    if (all.size() == 0 || limit < 1) {
      throw new IllegalArgumentException(
          "prompt: %,d tokens, with room for %,d (expected: ≥ 1)"
              .formatted(all.size(), Math.max(0, limit)));
    }
    return all.last(limit);
  }

  /** Returns the log-probability under the distribution drawn from, given the model's. */
  static float drawn(SamplingOptions options, float logProb) {
    return options.temperature() == 0 ? 0 : logProb;
  }

  /** Returns the options as JSON; what is at its default is left out. */
  public static ObjectNode json(SamplingOptions options) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("temperature", options.temperature());
    json.put("max_tokens", options.maxNewTokens());
    json.put("seed", options.seed() & Long.MAX_VALUE);
    if (options.topK() > 0) {
      json.put("top_k", options.topK());
    }
    if (options.topP() < 1) {
      json.put("top_p", options.topP());
    }
    if (options.minP() > 0) {
      json.put("min_p", options.minP());
    }
    if (options.repetitionPenalty() != 1) {
      json.put("repetition_penalty", options.repetitionPenalty());
    }
    if (options.presencePenalty() != 0) {
      json.put("presence_penalty", options.presencePenalty());
    }
    if (options.frequencyPenalty() != 0) {
      json.put("frequency_penalty", options.frequencyPenalty());
    }
    if (options.minNewTokens() > 0) {
      json.put("min_tokens", options.minNewTokens());
    }
    if (!options.stopStrings().isEmpty()) {
      options.stopStrings().forEach(json.putArray("stop")::add);
    }
    if (!options.stopTokenIds().isEmpty()) {
      options.stopTokenIds().forEach(json.putArray("stop_token_ids")::add);
    }
    if (!options.logitBias().isEmpty()) {
      ObjectNode bias = json.putObject("logit_bias");
      new TreeMap<>(options.logitBias()).forEach((id, value) -> bias.put(id.toString(), value));
    }
    return json;
  }

  private static void require(String name, Object value, boolean holds, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: %s (expected: %s; the back end does not tell the probabilities that it draws with)"
              .formatted(name, value, expected));
    }
  }
}
