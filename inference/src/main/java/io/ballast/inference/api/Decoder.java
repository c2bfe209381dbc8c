package io.ballast.inference.api;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A decoder-only language model that is ready to serve. Safe for use by many threads. */
public interface Decoder extends AutoCloseable {
  /** The tokenizer that belongs to the weights. */
  Tokenizer tokenizer();

  /** The most tokens of prompt and completion together. */
  int contextTokens();

  /**
   * Starts one completion; requests of many callers share the engine's steps.
   *
   * @param onToken called on the engine's thread for each token in order; must not block
   * @throws IllegalArgumentException if the prompt is empty or leaves no room for a token
   * @throws ModelException OVERLOADED if the queue is full, or if it would not begin within the
   *     request's time; CLOSED after {@link #close}
   */
  GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken);

  /**
   * Starts {@code count} completions of one prompt, each with its own random source: completion i
   * draws as {@link #seedOf} says, so the first draws what {@link #generate(GenerationRequest,
   * Consumer)} would.
   *
   * @param count ≥ 1
   * @return shape [count]
   * @throws IllegalArgumentException if the prompt is empty or leaves no room for a token
   * @throws ModelException OVERLOADED if the queue cannot take them all, CLOSED after {@link
   *     #close}
   */
  default List<GenerationHandle> generate(GenerationRequest request, int count) {
    List<GenerationHandle> handles = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long seed = seedOf(request.sampling().seed(), i);
      handles.add(generate(request.withSeed(seed), token -> {}));
    }
    return handles;
  }

  /** Returns the seed of completion {@code index} of a request; the request's own for the first. */
  static long seedOf(long seed, int index) {
    return seed + index * 0x9E3779B97F4A7C15L;
  }

  /**
   * Returns the log-probabilities of given continuations (teacher forcing), temperature 1.
   *
   * @param sequences shape [N], each with at least one prompt token and one completion token
   * @return shape [N][T of each completion], nats
   * @throws IllegalArgumentException if a sequence is too long or has an id outside the vocabulary,
   *     named by its index
   */
  List<PerToken> logProbs(List<PromptAndCompletion> sequences);

  /**
   * Returns what {@link #logProbs} does, with entropies and the likeliest tokens in each place.
   *
   * @param alternatives how many of the latter, ≥ 0 and at most the tokenizer's vocabulary
   * @return shape [N]
   * @throws IllegalArgumentException as {@link #logProbs}, and if {@code alternatives} is outside
   *     its range
   * @throws ModelException UNSUPPORTED if this decoder knows nothing but log-probabilities
   */
  default List<TokenScores> tokenScores(List<PromptAndCompletion> sequences, int alternatives) {
    throw new ModelException(
        ModelException.Reason.UNSUPPORTED, "entropies and alternatives of tokens");
  }

  /**
   * Returns what the server that draws says, now, of its weights; a generation under way may have
   * begun with others. Nothing of weights in this process: whoever loaded them knows. May wait for
   * the server.
   *
   * @throws ModelException UNAVAILABLE if it is not reached, CLOSED after {@link #close}
   */
  default ReportedWeights reportedWeights() {
    return ReportedWeights.nothing();
  }

  /** Returns what it has done and has under way. */
  default DecoderStatistics statistics() {
    return DecoderStatistics.none();
  }

  /** Stops the engine; generations under way end exceptionally. */
  @Override
  void close();
}
