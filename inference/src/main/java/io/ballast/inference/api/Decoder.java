package io.ballast.inference.api;

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
   * @throws ModelException OVERLOADED if the queue is full, CLOSED after {@link #close}
   */
  GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken);

  /**
   * Returns the log-probabilities of given continuations (teacher forcing), temperature 1.
   *
   * @param sequences shape [N], each with at least one prompt token and one completion token
   * @return shape [N][T of each completion], nats
   * @throws IllegalArgumentException if a sequence is too long or has an id outside the vocabulary,
   *     named by its index
   */
  List<PerToken> logProbs(List<PromptAndCompletion> sequences);

  /** Stops the engine; generations under way end exceptionally. */
  @Override
  void close();
}
