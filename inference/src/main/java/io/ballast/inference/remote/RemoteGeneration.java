package io.ballast.inference.remote;

import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A generation that arrives in pieces from elsewhere. One thread adds them; any may cancel. What
 * comes is checked: tokens of the vocabulary, log-probabilities that are some, no more tokens than
 * asked for.
 */
public final class RemoteGeneration implements GenerationHandle {
  private final SamplingOptions options;
  private final Tokenizer tokenizer;
  private final TokenIds prompt;
  private final Consumer<GeneratedToken> onToken;
  private final CompletableFuture<Generation> result = new CompletableFuture<>();
  private final List<GeneratedToken> tokens = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private boolean cancelled;
  private @Nullable Runnable onCancel;

  public RemoteGeneration(
      SamplingOptions options,
      Tokenizer tokenizer,
      TokenIds prompt,
      Consumer<GeneratedToken> onToken) {
    this.options = options;
    this.tokenizer = tokenizer;
    this.prompt = prompt;
    this.onToken = onToken;
  }

  /** A token and its log-probability under the model, nats. */
  public record Told(int tokenId, double logProb) {}

  @Override
  public CompletableFuture<Generation> result() {
    return result;
  }

  @Override
  public void cancel() {
    Runnable action;
    synchronized (this) {
      cancelled = true;
      action = onCancel;
    }
    if (action != null) {
      action.run();
    }
  }

  /** Runs {@code action} when this is cancelled, at once if it has been. */
  public void onCancel(Runnable action) {
    boolean now;
    synchronized (this) {
      onCancel = action;
      now = cancelled;
    }
    if (now) {
      action.run();
    }
  }

  /** Whether the caller has left. */
  public synchronized boolean cancelled() {
    return cancelled;
  }

  /**
   * Adds a piece: the text that it makes certain belongs to its last token.
   *
   * @param finish why the generation ends with it, in the words of vLLM: stop or length; empty: it
   *     goes on
   * @throws ModelException BROKEN if it cannot be so
   */
  public void add(List<Told> told, String piece, Optional<String> finish) {
    List<Told> kept = told;
    StopReason reason = null;
    if (finish.isPresent()) {
      Optional<StopReason> token = endsWith(told);
      reason = reason(finish.get(), token, tokens.size() + told.size());
      kept = token.isPresent() ? told.subList(0, told.size() - 1) : told;
    }
    text.append(piece);
    for (int i = 0; i < kept.size(); i++) {
      GeneratedToken token = checked(kept.get(i), i == kept.size() - 1 ? piece : "");
      tokens.add(token);
      if (tokens.size() > options.maxNewTokens()) {
        throw new ModelException(
            Reason.BROKEN,
            "the back end sent more than the %,d tokens asked for"
                .formatted(options.maxNewTokens()));
      }
      onToken.accept(token);
    }
    if (reason != null) {
      end(reason);
    }
  }

  /** Ends without the generation. */
  public void fail(RuntimeException failure) {
    if (cancelled()) {
      end(StopReason.CANCELLED);
    } else {
      result.completeExceptionally(failure);
    }
  }

  /** Ends where nothing more comes; BROKEN unless it has ended before, or was cancelled. */
  public void ended() {
    if (!result.isDone()) {
      fail(
          new ModelException(
              Reason.BROKEN,
              "the back end stopped after %,d tokens without saying why".formatted(tokens.size())));
    }
  }

  private void end(StopReason reason) {
    float[] logProbs = new float[tokens.size()];
    float[] drawn = new float[tokens.size()];
    int[] ids = new int[tokens.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens.get(i).tokenId();
      logProbs[i] = tokens.get(i).logProb();
      drawn[i] = tokens.get(i).samplingLogProb();
    }
    result.complete(
        new Generation(
            prompt,
            TokenIds.of(ids),
            text.toString(),
            PerToken.of(logProbs),
            PerToken.of(drawn),
            reason));
  }

  private GeneratedToken checked(Told told, String piece) {
    if (told.tokenId() < 0 || told.tokenId() >= tokenizer.vocabularySize()) {
      throw new ModelException(
          Reason.BROKEN,
          "token %d: %,d is not in the tokenizer's vocabulary of %,d"
              .formatted(tokens.size(), told.tokenId(), tokenizer.vocabularySize()));
    }
    // a little above 0 is rounding
    if (!(told.logProb() <= 1e-3) || Double.isInfinite(told.logProb())) {
      throw new ModelException(
          Reason.BROKEN,
          "token %d: log-probability %s (expected: finite, ≤ 0)"
              .formatted(tokens.size(), told.logProb()));
    }
    float logProb = (float) Math.min(0, told.logProb());
    return new GeneratedToken(
        told.tokenId(), logProb, RemoteSampling.drawn(options, logProb), piece);
  }

  /** Which token, that belongs to no completion, ends the text. */
  private Optional<StopReason> endsWith(List<Told> told) {
    if (told.isEmpty()) {
      return Optional.empty();
    }
    int last = told.getLast().tokenId();
    if (tokenizer.endOfTextIds().contains(last)) {
      return Optional.of(StopReason.END_OF_TEXT);
    }
    return options.stopTokenIds().contains(last)
        ? Optional.of(StopReason.STOP_TOKEN)
        : Optional.empty();
  }

  private StopReason reason(String finish, Optional<StopReason> token, int count) {
    return switch (finish) {
      case "stop" ->
          token.orElse(
              options.stopStrings().isEmpty() ? StopReason.END_OF_TEXT : StopReason.STOP_STRING);
      case "length" ->
          count >= options.maxNewTokens() ? StopReason.MAX_TOKENS : StopReason.CONTEXT_FULL;
      default ->
          throw new ModelException(
              Reason.BROKEN, "the back end ended with '" + finish + "' (expected: stop or length)");
    };
  }
}
