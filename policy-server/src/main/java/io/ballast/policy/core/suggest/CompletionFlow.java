package io.ballast.policy.core.suggest;

import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.VersionSelector;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.Generations;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.SamplingChoice;
import io.ballast.policy.core.version.Lease;
import io.ballast.policy.core.version.VersionCatalog;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.random.RandomGenerator;

/**
 * Continues a prompt by one version, and nothing else: neither gate nor judges are asked, nothing
 * is recorded. It is for who measures or compares policies; what people see comes by {@link
 * SuggestFlow}.
 */
public final class CompletionFlow {
  /** What callers call the prompt. */
  private static final String TEXT_INPUT = "text_input";

  private final VersionCatalog catalog;
  private final CallLimits limits;
  private final RandomGenerator seeds;

  /**
   * @param seeds draws the seeds of requests that name none; must be safe for use by many threads
   */
  public CompletionFlow(VersionCatalog catalog, CallLimits limits, RandomGenerator seeds) {
    this.catalog = catalog;
    this.limits = limits;
    this.seeds = seeds;
  }

  /**
   * A token that was drawn.
   *
   * @param logProb in nats under the model as it is, temperature 1
   * @param text what it is by itself, which may be no whole character
   */
  public record Drawn(int tokenId, float logProb, String text) {}

  /** Reads along. */
  @FunctionalInterface
  public interface Reader {
    /**
     * Takes more text, in order, with the tokens up to the one with which it became certain; may
     * wait until there is room.
     */
    void onText(String text, List<Drawn> tokens);
  }

  /**
   * A completion at its end.
   *
   * @param rest the tokens with which no more text came
   */
  public record Completed(Generation generation, List<Drawn> rest) {
    public Completed {
      rest = List.copyOf(rest);
    }
  }

  /**
   * Returns the completion, whose text has gone to {@code reader} as it came.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, UNKNOWN_MODEL, OVERLOADED
   * @throws CancellationException if nobody waits any more
   */
  public Completed complete(
      Caller caller,
      VersionSelector policy,
      String prompt,
      SamplingChoice choice,
      Reader reader,
      CallCancellation cancellation) {
    requirePrompt(prompt);
    SamplingOptions sampling = choice.resolve(limits, List.of(), seeds.nextLong());
    try (Lease lease = catalog.acquire(policy)) {
      SamplingChoice.requireTokensExist(sampling, lease.decoder().tokenizer());
      return generate(
          lease,
          Generations.of(new GenerationRequest(prompt, false, 0, sampling), caller, cancellation),
          reader,
          cancellation);
    } catch (ModelException e) {
      throw ModelFaults.toCallFailure(e);
    }
  }

  private static Completed generate(
      Lease lease, GenerationRequest request, Reader reader, CallCancellation cancellation) {
    TextStream stream = new TextStream();
    Queue<GeneratedToken> tokens = new ConcurrentLinkedQueue<>();
    GenerationHandle handle =
        Generations.start(
            lease.decoder(),
            request,
            token -> {
              tokens.add(token); // before its text, which is looked for here
              stream.add(token.text());
            },
            TEXT_INPUT);
    Tokenizer tokenizer = lease.decoder().tokenizer();
    try {
      cancellation.onCancel(handle::cancel);
      stream.forward(handle, text -> reader.onText(text, untilText(tokens, tokenizer)));
      Generation generation = Generations.await(handle);
      if (generation.stopReason() == StopReason.CANCELLED || cancellation.cancelled()) {
        throw new CancellationException("the caller left, or its deadline passed");
      }
      return new Completed(generation, untilText(tokens, tokenizer));
    } finally {
      handle.cancel();
    }
  }

  /** Takes the tokens up to the first that has text, or all of them if none has. */
  private static List<Drawn> untilText(Queue<GeneratedToken> tokens, Tokenizer tokenizer) {
    List<Drawn> drawn = new ArrayList<>();
    boolean text = false;
    for (GeneratedToken token = tokens.poll(); token != null; token = text ? null : tokens.poll()) {
      drawn.add(
          new Drawn(
              token.tokenId(), token.logProb(), tokenizer.decode(TokenIds.of(token.tokenId()))));
      text = !token.text().isEmpty();
    }
    return drawn;
  }

  private void requirePrompt(String prompt) {
    if (prompt.isEmpty()) {
      throw Texts.malformed(TEXT_INPUT, "empty (expected: at least one token)");
    }
    int bytes = Texts.utf8Bytes(prompt);
    if (bytes > limits.maxPromptBytes()) {
      throw Texts.malformed(
          TEXT_INPUT, "%,d bytes, limit %,d".formatted(bytes, limits.maxPromptBytes()));
    }
  }
}
