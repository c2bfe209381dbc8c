package io.ballast.inference.torch;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.bytedeco.pytorch.NoGradGuard;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A decoder on libtorch. One thread owns the weights and steps all completions side by side;
 * callers queue.
 *
 * <p>A request draws from a random source of its own, one number a token, seeded by the request.
 * What shares the batch reaches it only through rounding: products over another number of rows may
 * differ in their last bits, which changes a draw only if it falls within that difference. Alone,
 * the same request gives the same tokens.
 */
public final class TorchDecoder implements Decoder {
  /** An engine that had nothing to do for so long gives the memory of keys and values back. */
  private static final long IDLE_MILLIS = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger(TorchDecoder.class);

  private final Tokenizer tokenizer;
  private final DecoderConfig config;
  private final ServingOptions options;
  private final VocabularyIndex vocabulary;
  private final Constraints constraints;
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final Thread thread;

  private final Object lock = new Object();
  private final Deque<List<DecodeRow>> waiting = new ArrayDeque<>();
  private final Deque<Runnable> commands = new ArrayDeque<>();
  private int waitingRows;
  private volatile int activeRows;
  private boolean closed;

  private TorchDecoder(DecoderConfig config, Tokenizer tokenizer, ServingOptions options) {
    if (tokenizer.vocabularySize() > config.vocabularySize()) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "tokenizer: "
              + tokenizer.vocabularySize()
              + " ids (expected: at most vocab_size "
              + config.vocabularySize()
              + ")");
    }
    TorchRuntime.prepare();
    this.config = config;
    this.tokenizer = tokenizer;
    this.options = options;
    this.vocabulary = new VocabularyIndex(tokenizer);
    this.constraints = new Constraints(vocabulary);
    this.weights = new TrainedWeights(new ParameterLayout(config), options.arithmetic(), false);
    this.rotary = new RotaryTable(config, options.arithmetic().full());
    this.thread = Thread.ofPlatform().daemon().name("torch-decoder").unstarted(this::serve);
  }

  /**
   * Returns a decoder with the weights and the tokenizer of a Hugging Face folder.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  public static TorchDecoder load(Path folder, ServingOptions options) {
    DecoderConfig config = DecoderFolder.verifiedConfig(folder);
    Tokenizer tokenizer = HuggingFaceTokenizerAdapter.ofFolder(folder);
    TorchDecoder decoder = new TorchDecoder(config, tokenizer, options);
    try {
      DecoderFolder.load(folder, decoder.weights);
    } catch (RuntimeException e) {
      decoder.weights.close();
      decoder.rotary.close();
      throw e;
    }
    decoder.thread.start();
    return decoder;
  }

  /** Returns a decoder with weights that were never saved, such as those in training. */
  public static TorchDecoder of(
      WeightsSnapshot weights, Tokenizer tokenizer, ServingOptions options) {
    TorchDecoder decoder = new TorchDecoder(weights.config(), tokenizer, options);
    weights.copyTo(decoder.weights);
    decoder.thread.start();
    return decoder;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int contextTokens() {
    return config.contextTokens();
  }

  /** The model's shape. */
  public DecoderConfig config() {
    return config;
  }

  /** Completions under way. */
  public int activeRows() {
    return activeRows;
  }

  /** Completions that wait for a row. */
  public int waitingRows() {
    synchronized (lock) {
      return waitingRows;
    }
  }

  @Override
  public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    return enqueue(request, 1, onToken).getFirst();
  }

  /** {@inheritDoc} The prompt is computed once. */
  @Override
  public List<GenerationHandle> generate(GenerationRequest request, int count) {
    if (count < 1) {
      throw new IllegalArgumentException("n: " + count + " (expected: ≥ 1)");
    }
    return List.copyOf(enqueue(request, count, token -> {}));
  }

  private List<DecodeRow> enqueue(
      GenerationRequest request, int count, Consumer<GeneratedToken> onToken) {
    request.sampling().requireTokensBelow(tokenizer.vocabularySize());
    PreparedPrompt prompt =
        PreparedPrompt.of(request, tokenizer, vocabulary, config.contextTokens());
    SamplingOptions sampling = request.sampling();
    TokenConstraint constraint = constraints.of(prompt.typed().bytes(), sampling.grammar());
    List<DecodeRow> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long seed = Decoder.seedOf(sampling.seed(), i);
      rows.add(new DecodeRow(prompt, sampling, seed, vocabulary, constraint, onToken));
    }
    synchronized (lock) {
      requireOpen();
      if (waitingRows + count > options.maxQueuedRows() + freeRows()) {
        throw new ModelException(
            Reason.OVERLOADED,
            "queue: " + waitingRows + " completions wait, limit " + options.maxQueuedRows());
      }
      waiting.add(rows);
      waitingRows += count;
      lock.notifyAll();
    }
    return rows;
  }

  private int freeRows() {
    return Math.max(0, options.maxRows() - activeRows);
  }

  @Override
  public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
    List<CompletionGroup> groups = new ArrayList<>();
    for (int i = 0; i < sequences.size(); i++) {
      PromptAndCompletion sequence = sequences.get(i);
      if (sequence.prompt().size() == 0 || sequence.completion().size() == 0) {
        throw new IllegalArgumentException(
            "sequences[" + i + "]: an empty prompt or completion (expected: ≥ 1 token each)");
      }
      CompletionGroup group =
          new CompletionGroup(sequence.prompt(), List.of(sequence.completion()));
      PackedGroups.requireFits(group, i, config);
      groups.add(group);
    }
    List<GroupScores> scores = scores(groups);
    return scores.stream().map(score -> score.logProbs().getFirst()).toList();
  }

  /**
   * Returns log-probabilities and entropies, temperature 1, of groups that share their prompts.
   *
   * @throws IllegalArgumentException if a completion does not fit the model, named by its index
   * @throws ModelException BROKEN if a number is not finite, CLOSED after {@link #close}
   */
  public List<GroupScores> scores(List<CompletionGroup> groups) {
    List<CompletionGroup> copy = List.copyOf(groups);
    return onEngine(() -> new GroupComputation(weights, rotary).scores(copy));
  }

  /**
   * Draws from other weights of the same shape from the next step on. Completions under way go on:
   * the tokens they have keep the keys and values of the weights that drew them.
   *
   * @throws IllegalArgumentException if the shape differs
   * @throws ModelException CLOSED after {@link #close}
   */
  public void replaceWeights(WeightsSnapshot replacement) {
    boolean done =
        onEngine(
            () -> {
              replacement.copyTo(weights);
              return true;
            });
    assert done;
  }

  /** Runs work between two steps, and waits for it. */
  private <T> T onEngine(Supplier<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Runnable command =
        () -> {
          try {
            result.complete(work.get());
          } catch (RuntimeException e) {
            result.completeExceptionally(e);
          }
        };
    synchronized (lock) {
      requireOpen();
      commands.add(command);
      lock.notifyAll();
    }
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private void requireOpen() {
    if (closed) {
      throw closedException();
    }
  }

  private static ModelException closedException() {
    return new ModelException(Reason.CLOSED, "the decoder was closed");
  }

  private void serve() {
    try (NoGradGuard off = new NoGradGuard();
        DecodeEngine engine = new DecodeEngine(weights, rotary, tokenizer.vocabularySize())) {
      while (awaitWork(engine)) {
        runCommands();
        try {
          dropCancelledWaiting();
          List<List<DecodeRow>> joining = takeJoining(engine.activeRows());
          if (!joining.isEmpty()) {
            engine.join(joining);
          }
          engine.dropCancelled();
          if (engine.activeRows() > 0) {
            engine.step();
          }
        } catch (RuntimeException e) {
          LOG.error("a decoding step failed; all completions under way end", e);
          engine.failAll(new ModelException(Reason.BROKEN, "the engine failed: " + e, e));
        }
        activeRows = engine.activeRows();
      }
      engine.failAll(closedException());
    } finally {
      endAll();
      weights.close();
      rotary.close();
    }
  }

  /** Waits for something to do; false once the decoder is closed. */
  private boolean awaitWork(DecodeEngine engine) {
    synchronized (lock) {
      while (!closed && commands.isEmpty() && waiting.isEmpty() && engine.activeRows() == 0) {
        try {
          lock.wait(IDLE_MILLIS);
          if (waiting.isEmpty()) {
            engine.releaseMemory();
          }
        } catch (InterruptedException e) {
          closed = true;
        }
      }
      return !closed;
    }
  }

  private void runCommands() {
    while (true) {
      @Nullable Runnable command;
      synchronized (lock) {
        command = commands.poll();
      }
      if (command == null) {
        return;
      }
      command.run();
    }
  }

  /** Takes rows from the queue while there are places and the prompts fit one prefill. */
  private List<List<DecodeRow>> takeJoining(int activeNow) {
    List<List<DecodeRow>> joining = new ArrayList<>();
    int free = options.maxRows() - activeNow;
    int longest = 0;
    synchronized (lock) {
      while (free > 0 && !waiting.isEmpty()) {
        List<DecodeRow> rows = waiting.peek();
        int tokens = rows.getFirst().prompt().tokens().size();
        long padded = (long) Math.max(longest, tokens) * (joining.size() + 1);
        if (!joining.isEmpty() && padded > options.maxPrefillTokens()) {
          break;
        }
        waiting.poll();
        List<DecodeRow> now = rows.subList(0, Math.min(free, rows.size()));
        if (now.size() < rows.size()) {
          waiting.addFirst(rows.subList(now.size(), rows.size()));
        }
        joining.add(now);
        waitingRows -= now.size();
        free -= now.size();
        longest = Math.max(longest, tokens);
      }
    }
    return joining;
  }

  /** Ends the waiting rows whose caller has left, so that they take no place in the queue. */
  private void dropCancelledWaiting() {
    synchronized (lock) {
      if (waiting.stream().noneMatch(rows -> rows.stream().anyMatch(DecodeRow::cancelled))) {
        return;
      }
      List<List<DecodeRow>> kept = new ArrayList<>();
      for (List<DecodeRow> rows : waiting) {
        List<DecodeRow> alive = new ArrayList<>();
        for (DecodeRow row : rows) {
          if (row.cancelled()) {
            row.finish(StopReason.CANCELLED);
            waitingRows--;
          } else {
            alive.add(row);
          }
        }
        if (!alive.isEmpty()) {
          kept.add(alive);
        }
      }
      waiting.clear();
      waiting.addAll(kept);
    }
  }

  /** Ends what waits when the engine stops. */
  private void endAll() {
    synchronized (lock) {
      closed = true;
      waiting.forEach(rows -> rows.forEach(row -> row.fail(closedException())));
      waiting.clear();
      waitingRows = 0;
    }
    runCommands();
  }

  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
