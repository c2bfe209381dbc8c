package io.ballast.policy.testing;

import io.ballast.inference.api.BusyException;
import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.TokenScores;
import io.ballast.inference.api.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A decoder whose completions a test writes. It answers at once on the caller's thread, except to a
 * prompt that contains {@link #ENDLESS}: of that it emits one token and then goes on until it is
 * cancelled. After {@link #close} it fails every call, as the real one does.
 */
public final class FakeDecoder implements Decoder {
  /** A prompt with this never ends by itself. */
  public static final String ENDLESS = "while (true)";

  /** A prompt with this meets a full queue. */
  public static final String CROWDED = "CROWDED";

  /** A prompt with this would begin a quarter of a second after its caller has left. */
  public static final String LATE = "LATE";

  /** A completion of a prompt with this is held up by others, for 40 ms. */
  public static final String SHARED = "SHARED";

  /** A sequence with this gives logits that are not finite. */
  public static final String BROKEN = "BROKEN";

  /** A completion with this has an entropy that is not finite. */
  public static final String UNSURE = "UNSURE";

  /** A completion with this takes more memory than is left. */
  public static final String GREEDY = "GREEDY";

  /** A completion with this asks what the engine cannot tell. */
  public static final String SECRET = "SECRET";

  public static final int CONTEXT_TOKENS = 256;
  public static final float LOG_PROB = -0.5f;
  public static final float SAMPLING_LOG_PROB = -0.25f;

  private final CharacterTokenizer tokenizer;
  private final Function<GenerationRequest, String> script;
  private final AtomicInteger underWay = new AtomicInteger();

  /** Every request that came, in order. */
  public final List<GenerationRequest> requests = new CopyOnWriteArrayList<>();

  /** How many sequences each call for log-probabilities brought, in order. */
  public final List<Integer> evaluated = new CopyOnWriteArrayList<>();

  /** Ends once an endless generation has emitted its first token. */
  public final CountDownLatch endlessStarted = new CountDownLatch(1);

  /** Ends once an endless generation was cancelled. */
  public final CountDownLatch endlessCancelled = new CountDownLatch(1);

  /** Ends once it was closed. */
  public final CountDownLatch closes = new CountDownLatch(1);

  private volatile boolean closed;

  /**
   * @param script gives each request its completion
   */
  public FakeDecoder(Function<GenerationRequest, String> script) {
    this(script, CharacterTokenizer.VOCABULARY);
  }

  /** As the other, with a tokenizer that knows so many characters. */
  public FakeDecoder(Function<GenerationRequest, String> script, int vocabularySize) {
    this.script = script;
    this.tokenizer = new CharacterTokenizer(vocabularySize);
  }

  /** Whether it was closed. */
  public boolean isClosed() {
    return closed;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int contextTokens() {
    return CONTEXT_TOKENS;
  }

  @Override
  public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    requireOpen();
    if (request.prompt().contains(CROWDED)) {
      throw new ModelException(ModelException.Reason.OVERLOADED, "the engine's queue is full");
    }
    if (request.prompt().contains(LATE)) {
      throw new BusyException("the engine would begin too late", Duration.ofMillis(250));
    }
    requests.add(request);
    return request.prompt().contains(ENDLESS)
        ? endless(request, onToken)
        : complete(request, onToken);
  }

  private GenerationHandle complete(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    underWay.incrementAndGet();
    String text;
    try {
      text = script.apply(request);
      text.chars()
          .forEach(
              c ->
                  onToken.accept(
                      new GeneratedToken(c, LOG_PROB, SAMPLING_LOG_PROB, Character.toString(c))));
    } finally {
      underWay.decrementAndGet();
    }
    CompletableFuture<Generation> result = new CompletableFuture<>();
    if (closed || request.prompt().contains(BROKEN)) {
      ModelException.Reason reason =
          closed ? ModelException.Reason.CLOSED : ModelException.Reason.BROKEN;
      result.completeExceptionally(new ModelException(reason, "logits are not finite"));
    } else {
      result.complete(generation(request, text, StopReason.STOP_STRING));
    }
    Duration heldUp = request.prompt().contains(SHARED) ? Duration.ofMillis(40) : Duration.ZERO;
    return new Handle(result, () -> {}, heldUp);
  }

  private GenerationHandle endless(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    CompletableFuture<Generation> result = new CompletableFuture<>();
    onToken.accept(new GeneratedToken('x', LOG_PROB, SAMPLING_LOG_PROB, "x"));
    endlessStarted.countDown();
    return new Handle(
        result,
        () -> {
          endlessCancelled.countDown();
          result.complete(generation(request, "x", StopReason.CANCELLED));
        },
        Duration.ZERO);
  }

  private Generation generation(GenerationRequest request, String text, StopReason stopReason) {
    TokenIds prompt = tokenizer.encode(request.prompt());
    TokenIds tokens = tokenizer.encode(text);
    return new Generation(
        request.maxPromptTokens() == 0 ? prompt : prompt.last(request.maxPromptTokens()),
        tokens,
        text,
        constant(tokens.size(), LOG_PROB),
        constant(tokens.size(), SAMPLING_LOG_PROB),
        stopReason);
  }

  @Override
  public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
    requireOpen();
    evaluated.add(sequences.size());
    for (PromptAndCompletion sequence : sequences) {
      String completion = tokenizer.decode(sequence.completion());
      if (completion.contains(BROKEN)) {
        throw new ModelException(ModelException.Reason.BROKEN, "logits are not finite");
      }
      if (completion.contains(CROWDED)) {
        throw new ModelException(ModelException.Reason.OVERLOADED, "the engine's queue is full");
      }
      if (completion.contains(GREEDY)) {
        throw new ModelException(ModelException.Reason.NO_MEMORY, "needs 9 MiB, 1 is free");
      }
      if (completion.contains(SECRET)) {
        throw new ModelException(ModelException.Reason.UNSUPPORTED, "log-probabilities of tokens");
      }
    }
    return sequences.stream().map(s -> constant(s.completion().size(), LOG_PROB)).toList();
  }

  /**
   * Token t has the entropy t + 0.25; in its place the likeliest is the token itself, the next one
   * its id plus 1 at a nat less, and so on.
   */
  @Override
  public List<TokenScores> tokenScores(List<PromptAndCompletion> sequences, int alternatives) {
    List<PerToken> logProbs = logProbs(sequences);
    List<TokenScores> scores = new ArrayList<>();
    for (int i = 0; i < sequences.size(); i++) {
      TokenIds completion = sequences.get(i).completion();
      boolean unsure = tokenizer.decode(completion).contains(UNSURE);
      float[] entropies = new float[completion.size()];
      List<List<TokenScores.Alternative>> places = new ArrayList<>();
      for (int t = 0; t < completion.size(); t++) {
        entropies[t] = unsure && t == 2 ? Float.NaN : t + 0.25f;
        List<TokenScores.Alternative> place = new ArrayList<>();
        for (int k = 0; k < alternatives; k++) {
          place.add(new TokenScores.Alternative(completion.get(t) + k, LOG_PROB - k));
        }
        places.add(place);
      }
      scores.add(new TokenScores(logProbs.get(i), PerToken.of(entropies), places));
    }
    return scores;
  }

  @Override
  public void close() {
    if (underWay.get() > 0) {
      throw new AssertionError("closed while a generation is under way");
    }
    closed = true;
    closes.countDown();
  }

  private void requireOpen() {
    if (closed) {
      throw new ModelException(ModelException.Reason.CLOSED, "the decoder was closed");
    }
  }

  private static PerToken constant(int size, float value) {
    float[] values = new float[size];
    Arrays.fill(values, value);
    return PerToken.of(values);
  }

  private record Handle(CompletableFuture<Generation> result, Runnable onCancel, Duration heldUp)
      implements GenerationHandle {
    @Override
    public void cancel() {
      if (!result.isDone()) {
        onCancel.run();
      }
    }
  }
}
