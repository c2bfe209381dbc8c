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
import io.ballast.inference.text.CompletionText;
import io.ballast.kit.call.Texts;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * A generation that arrives in pieces from elsewhere. One thread adds them; any may cancel or end
 * it. What comes is checked: tokens of the vocabulary, that spell the text sent with them, with
 * log-probabilities that are some, no more of them than asked for.
 *
 * <p>Text and end follow from the tokens, as in a decoder of our own: the first that ends a text,
 * the first stop string that is complete. The back end is believed only where its tokens say
 * nothing.
 */
public final class RemoteGeneration implements GenerationHandle {
  private final String subject;
  private final SamplingOptions options;
  private final Tokenizer tokenizer;
  private final TokenIds prompt;
  private final Consumer<GeneratedToken> onToken;
  private final CompletableFuture<Generation> result = new CompletableFuture<>();
  private final AtomicReference<Runnable> onCancel = new AtomicReference<>(() -> {});
  private volatile boolean cancelled;

  private final Object lock = new Object();
  // all below: under the lock
  private final List<GeneratedToken> tokens = new ArrayList<>();
  private final CompletionText text;
  private final Spelling spelling = new Spelling();
  private boolean over;

  /**
   * Begins with nothing.
   *
   * @param subject what draws, and where: with it begins the message of whatever model fails
   * @param onToken called by the thread that adds, before the result is there; must not block
   */
  public RemoteGeneration(
      String subject,
      SamplingOptions options,
      Tokenizer tokenizer,
      TokenIds prompt,
      Consumer<GeneratedToken> onToken) {
    this.subject = subject;
    this.options = options;
    this.tokenizer = tokenizer;
    this.prompt = prompt;
    this.onToken = onToken;
    this.text = new CompletionText(options.stopStrings(), 0);
  }

  /** A token and its log-probability under the model, nats. */
  public record Told(int tokenId, double logProb) {}

  /**
   * What a back end says of a generation's end.
   *
   * @param reason in the words of vLLM: stop or length
   * @param token which token ended it; empty if none did or the back end does not say
   * @param stopString which stop string ended it; empty if none did or the back end does not say
   */
  public record Finish(String reason, OptionalInt token, Optional<String> stopString) {
    /** An end of which nothing more is known. */
    public static Finish of(String reason) {
      return new Finish(reason, OptionalInt.empty(), Optional.empty());
    }
  }

  @Override
  public CompletableFuture<Generation> result() {
    return result;
  }

  @Override
  public void cancel() {
    cancelled = true;
    onCancel.get().run();
  }

  /**
   * Runs {@code action} when this is cancelled, at once if it has been; it replaces the last one.
   *
   * @param action may run more than once, on any thread
   */
  public void onCancel(Runnable action) {
    onCancel.set(action);
    if (cancelled) {
      action.run();
    }
  }

  /** Whether the caller has left. */
  public boolean cancelled() {
    return cancelled;
  }

  /**
   * Adds tokens and the text that the back end sends with them. Does nothing once this has ended.
   *
   * @param finish what the back end says if the generation ends with them; empty: it goes on
   * @throws ModelException BROKEN if it cannot be so
   */
  public void add(List<Told> told, String piece, Optional<Finish> finish) {
    Optional<Generation> whole;
    synchronized (lock) {
      if (over) {
        return;
      }
      requireSpelling(told, piece);
      whole = take(told, finish).or(() -> finish.map(this::reason)).map(this::generation);
      over = whole.isPresent();
    }
    whole.ifPresent(result::complete); // outside: whoever waits for it goes on in this thread
  }

  /** Ends without the rest: with what there is if the caller has left, exceptionally otherwise. */
  public void fail(RuntimeException failure) {
    Optional<Generation> soFar;
    synchronized (lock) {
      if (over) {
        return;
      }
      over = true;
      soFar = cancelled ? Optional.of(generation(StopReason.CANCELLED)) : Optional.empty();
    }
    soFar.ifPresentOrElse(result::complete, () -> result.completeExceptionally(named(failure)));
  }

  /** Whoever reads what a model told does not know its name. */
  private RuntimeException named(RuntimeException failure) {
    String words = String.valueOf(failure.getMessage());
    return failure instanceof ModelException known && !words.startsWith(subject)
        ? new ModelException(known.reason(), subject + ": " + words, known)
        : failure;
  }

  /** Ends where nothing more comes; BROKEN unless it has ended before, or was cancelled. */
  public void ended() {
    int count;
    synchronized (lock) {
      count = tokens.size();
    }
    fail(
        new ModelException(
            Reason.BROKEN,
            "the back end stopped after %s without saying why"
                .formatted(Texts.counted(count, "token"))));
  }

  private void requireSpelling(List<Told> told, String piece) {
    for (int i = 0; i < told.size(); i++) {
      int id = told.get(i).tokenId();
      if (id < 0 || id >= tokenizer.vocabularySize()) {
        throw new ModelException(
            Reason.BROKEN,
            "token %d: %,d is not in the tokenizer's vocabulary of %,d"
                .formatted(tokens.size() + i, id, tokenizer.vocabularySize()));
      }
      spelling.token(tokenizer.bytesOf(id));
    }
    if (!spelling.spells(piece)) {
      throw new ModelException(
          Reason.BROKEN,
          "the text '%s' after %,d tokens is not what the tokens told spell: the back end does not tell all of them, or the tokenizer is not that of its model"
              .formatted(piece, tokens.size()));
    }
  }

  /** Takes tokens up to the one with which the generation ends, and returns why it does. */
  private Optional<StopReason> take(List<Told> told, Optional<Finish> finish) {
    for (int i = 0; i < told.size(); i++) {
      boolean last = i == told.size() - 1;
      Optional<StopReason> end = endsWith(told.get(i), last ? finish : Optional.empty());
      if (end.isPresent()) {
        return end;
      }
      if (tokens.size() == options.maxNewTokens()) {
        throw new ModelException(
            Reason.BROKEN,
            "the back end sent more than the %,d tokens asked for"
                .formatted(options.maxNewTokens()));
      }
      String fresh = text.append(tokenizer.bytesOf(told.get(i).tokenId()));
      boolean stopped = text.stopped();
      if (stopped || (last && finish.isPresent())) {
        fresh += text.finish();
      }
      GeneratedToken token = checked(told.get(i), fresh);
      tokens.add(token);
      onToken.accept(token);
      if (stopped) {
        return Optional.of(StopReason.STOP_STRING);
      }
    }
    return Optional.empty();
  }

  /** Why a token, that belongs to no completion, ends the text; empty for all others. */
  private Optional<StopReason> endsWith(Told told, Optional<Finish> finish) {
    if (tokenizer.endOfTextIds().contains(told.tokenId())) {
      return Optional.of(StopReason.END_OF_TEXT);
    }
    if (options.stopTokenIds().contains(told.tokenId())) {
      return Optional.of(StopReason.STOP_TOKEN);
    }
    return finish.isPresent() && finish.get().token().equals(OptionalInt.of(told.tokenId()))
        ? Optional.of(StopReason.END_OF_TEXT)
        : Optional.empty();
  }

  /** Why it ended where no token says so. */
  private StopReason reason(Finish finish) {
    return switch (finish.reason()) {
      case "stop" -> {
        if (finish.stopString().isPresent()) {
          yield StopReason.STOP_STRING;
        }
        boolean stopToken =
            finish.token().isPresent()
                && !tokenizer.endOfTextIds().contains(finish.token().getAsInt())
                && options.stopTokenIds().contains(finish.token().getAsInt());
        yield stopToken ? StopReason.STOP_TOKEN : StopReason.END_OF_TEXT;
      }
      case "length" ->
          tokens.size() >= options.maxNewTokens() ? StopReason.MAX_TOKENS : StopReason.CONTEXT_FULL;
      default ->
          throw new ModelException(
              Reason.BROKEN,
              "the back end ended with '" + finish.reason() + "' (expected: stop or length)");
    };
  }

  private Generation generation(StopReason reason) {
    text.finish();
    float[] logProbs = new float[tokens.size()];
    float[] drawn = new float[tokens.size()];
    int[] ids = new int[tokens.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens.get(i).tokenId();
      logProbs[i] = tokens.get(i).logProb();
      drawn[i] = tokens.get(i).samplingLogProb();
    }
    return new Generation(
        prompt, TokenIds.of(ids), text.text(), PerToken.of(logProbs), PerToken.of(drawn), reason);
  }

  private GeneratedToken checked(Told told, String fresh) {
    // a little above 0 is rounding; beyond a float's range is infinite here
    if (!(told.logProb() <= 1e-3) || Float.isInfinite((float) told.logProb())) {
      throw new ModelException(
          Reason.BROKEN,
          "token %d: log-probability %s (expected: finite, ≤ 0)"
              .formatted(tokens.size(), told.logProb()));
    }
    float logProb = (float) Math.min(0, told.logProb());
    return new GeneratedToken(
        told.tokenId(), logProb, RemoteSampling.drawn(options, logProb), fresh);
  }
}
