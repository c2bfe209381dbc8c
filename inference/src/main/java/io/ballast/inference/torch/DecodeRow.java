package io.ballast.inference.torch;

import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationTimes;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.text.CompletionText;
import io.ballast.kit.call.Lane;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** One completion under way. Belongs to the engine's thread, but for its caller's handle. */
final class DecodeRow implements GenerationHandle {
  /** Of so many tokens after the first it is told how long others have held them up. */
  private static final int TOKENS_TOLD = 16;

  private final PreparedPrompt prompt;
  private final SamplingOptions sampling;
  private final RandomGenerator random;
  private final Consumer<GeneratedToken> onToken;
  private final CompletableFuture<Generation> result = new CompletableFuture<>();
  private final VocabularyIndex vocabulary;
  private final CompletionText text;
  private final int[] tokens;
  private final float[] logProbs;
  private final float[] samplingLogProbs;
  private int count;
  private final int[] endIds;
  private final @Nullable LogitAdjustment adjustment;
  private final @Nullable TokenConstraint constraint;
  private int state;
  private boolean ended;
  private volatile boolean cancelled;
  private volatile boolean paused;
  private final Lane lane;
  private final Runnable onChange;
  private final LongSupplier nanoTime;
  private final long queuedAt;
  private long begunAt; // and the next two: 0 before it is so
  private long firstTokenAt;
  private long endedAt;
  private long lastTokenAt;
  private @Nullable LoneStep lone; // null before it has begun
  private volatile boolean resumed;
  private volatile long heldUpNanos;

  /**
   * A completion not yet begun.
   *
   * @param lane which work goes first
   * @param onChange told when the caller cancels, pauses or resumes; on the caller's thread
   * @param nanoTime a monotonic clock
   */
  DecodeRow(
      PreparedPrompt prompt,
      SamplingOptions sampling,
      long seed,
      VocabularyIndex vocabulary,
      @Nullable TokenConstraint constraint,
      Lane lane,
      Consumer<GeneratedToken> onToken,
      Runnable onChange,
      LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.queuedAt = nanoTime.getAsLong();
    this.prompt = prompt;
    this.lane = lane;
    this.onChange = onChange;
    this.sampling = sampling;
    this.random = new SplittableRandom(seed);
    this.vocabulary = vocabulary;
    this.onToken = onToken;
    this.endIds =
        IntStream.concat(
                vocabulary.endOfTextIds(),
                sampling.stopTokenIds().stream().mapToInt(Integer::intValue))
            .distinct()
            .toArray();
    this.adjustment = LogitAdjustment.of(sampling, prompt.tokens(), endIds);
    this.constraint = constraint;
    this.state = constraint == null ? 0 : constraint.start();
    this.text = new CompletionText(sampling.stopStrings(), prompt.typed().bytes().length);
    this.tokens = new int[sampling.maxNewTokens()];
    this.logProbs = new float[sampling.maxNewTokens()];
    this.samplingLogProbs = new float[sampling.maxNewTokens()];
  }

  @Override
  public CompletableFuture<Generation> result() {
    return result;
  }

  @Override
  public void cancel() {
    cancelled = true;
    onChange.run();
  }

  @Override
  public void pause() {
    paused = true;
  }

  @Override
  public void resume() {
    if (paused) {
      resumed = true;
      paused = false;
      onChange.run();
    }
  }

  /**
   * The engine turns to it, for the first time or again.
   *
   * @param lone how long its steps would take if it were alone
   */
  void begin(LoneStep lone) {
    this.lone = lone;
    if (begunAt == 0) {
      begunAt = nanoTime.getAsLong();
    }
  }

  @Override
  public Optional<GenerationTimes> times() {
    if (!result.isDone() || endedAt == 0 || firstTokenAt == 0 || begunAt == 0) {
      return Optional.empty();
    }
    return Optional.of(
        new GenerationTimes(
            Duration.ofNanos(begunAt - queuedAt),
            Duration.ofNanos(firstTokenAt - begunAt),
            Duration.ofNanos(endedAt - firstTokenAt)));
  }

  @Override
  public Duration heldUp() {
    return Duration.ofNanos(heldUpNanos);
  }

  /** Whether the caller takes no token at present. */
  boolean paused() {
    return paused;
  }

  boolean cancelled() {
    return cancelled;
  }

  /** Whether the result is there, or on its way. */
  boolean ended() {
    return ended;
  }

  PreparedPrompt prompt() {
    return prompt;
  }

  Lane lane() {
    return lane;
  }

  /** The most tokens that prompt and completion may come to, whatever the context. */
  int mostTokens() {
    return prompt.tokens().size() + sampling.maxNewTokens();
  }

  SamplingOptions sampling() {
    return sampling;
  }

  RandomGenerator random() {
    return random;
  }

  /** What the options do to the logits; absent: nothing. */
  @Nullable LogitAdjustment adjustment() {
    return adjustment;
  }

  /**
   * Returns the only tokens that may be drawn now; absent: any. The caller may change it.
   *
   * @throws ModelException NO_TOKEN_LEFT if it is none
   */
  @Nullable BitSet allowed() {
    BitSet now = constraint == null ? null : constraint.allowed(state);
    if (constraint == null || now == null) {
      return null;
    }
    BitSet allowed = (BitSet) now.clone();
    for (int id : endIds) {
      allowed.set(id, constraint.accepting(state));
    }
    if (allowed.isEmpty()) {
      throw new ModelException(
          Reason.NO_TOKEN_LEFT, "no token agrees with what is typed and with the grammar");
    }
    return allowed;
  }

  /** The position of the token drawn last; of the prompt's last before the first is drawn. */
  int lastPosition() {
    return prompt.tokens().size() + count - 1;
  }

  /** The token at a position, of the prompt or drawn. */
  int tokenAt(int position) {
    int drawn = position - prompt.tokens().size();
    return drawn < 0 ? prompt.tokens().get(position) : tokens[drawn];
  }

  /** The prompt and what was drawn since. */
  TokenIds context() {
    return count == 0
        ? prompt.tokens()
        : prompt.tokens().concat(TokenIds.of(Arrays.copyOf(tokens, count)));
  }

  /**
   * Takes over the token that was drawn, and ends the completion if it was the last. A caller whose
   * {@code onToken} throws gets what it threw.
   */
  void accept(Sampler.Draw draw, float logProb, int contextTokens) {
    tokenComes();
    for (int id : endIds) {
      if (draw.tokenId() == id) {
        finish(vocabulary.endsText(id) ? StopReason.END_OF_TEXT : StopReason.STOP_TOKEN);
        return;
      }
    }
    tokens[count] = draw.tokenId();
    logProbs[count] = logProb;
    samplingLogProbs[count] = draw.logProb();
    count++;
    if (adjustment != null) {
      adjustment.accept(draw.tokenId());
    }
    if (constraint != null) {
      state = constraint.next(state, draw.tokenId());
    }
    String fresh = text.append(vocabulary.bytesOf(draw.tokenId()));
    @Nullable StopReason reason = stopReason(contextTokens);
    if (reason != null) {
      fresh += text.finish();
    }
    try {
      onToken.accept(new GeneratedToken(draw.tokenId(), logProb, draw.logProb(), fresh));
    } catch (RuntimeException e) {
      fail(e);
      return;
    }
    if (reason != null) {
      finish(reason);
    }
  }

  /** The time in which its caller took no token is nobody else's doing. */
  private void tokenComes() {
    long now = nanoTime.getAsLong();
    if (firstTokenAt == 0) {
      firstTokenAt = now;
    } else if (count <= TOKENS_TOLD && !resumed && lone != null) {
      heldUpNanos += lone.beyond(now - lastTokenAt);
    }
    resumed = false;
    lastTokenAt = now;
  }

  private @Nullable StopReason stopReason(int contextTokens) {
    if (text.stopped()) {
      return StopReason.STOP_STRING;
    }
    TokenConstraint grammar = sampling.grammar() == null ? null : constraint;
    boolean enough = count >= sampling.minNewTokens();
    if (grammar != null && enough && grammar.finished(state)) {
      return StopReason.GRAMMAR_COMPLETE;
    }
    boolean most = count == sampling.maxNewTokens();
    if (!most && prompt.tokens().size() + count < contextTokens) {
      return null;
    }
    if (grammar != null && !grammar.accepting(state)) {
      return StopReason.GRAMMAR_INCOMPLETE;
    }
    return most ? StopReason.MAX_TOKENS : StopReason.CONTEXT_FULL;
  }

  /** Completes the result with what there is. */
  void finish(StopReason reason) {
    ended = true;
    endedAt = nanoTime.getAsLong();
    text.finish();
    Generation generation =
        new Generation(
            prompt.tokens(),
            TokenIds.of(Arrays.copyOf(tokens, count)),
            text.text(),
            PerToken.of(Arrays.copyOf(logProbs, count)),
            PerToken.of(Arrays.copyOf(samplingLogProbs, count)),
            reason);
    // the caller's continuations must not run on the engine's thread
    Thread.startVirtualThread(() -> result.complete(generation));
  }

  /** Completes the result exceptionally. */
  void fail(RuntimeException cause) {
    ended = true;
    Thread.startVirtualThread(() -> result.completeExceptionally(cause));
  }
}
