package io.ballast.inference.torch;

import io.ballast.inference.api.StopReason;
import io.ballast.inference.torch.PrefillQueue.Chunk;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Draws tokens for many completions side by side, step by step: knows which rows are under way, and
 * leads each from its prompt to its place in an arena and to its end. For one thread, with
 * gradients off.
 */
final class DecodeEngine implements AutoCloseable {
  /** A row gets room for so many tokens at once, if it asks for as many. */
  private static final int FIRST_TOKENS = 32;

  private final DecoderConfig config;
  private final KeyValueArenas arenas;
  private final PrefixCache prefixes;
  private final PrefillQueue prompts;
  private final StepComputation computation;
  private final LongSupplier nanoTime;
  private final LoneStep lone = new LoneStep();
  private final Set<DecodeRow> ended = new LinkedHashSet<>();
  private long steps;
  private long drawnTokens;
  private long prefilledTokens;

  /**
   * Has no rows.
   *
   * @param nanoTime a monotonic clock
   */
  DecodeEngine(
      TrainedWeights weights,
      RotaryTable rotary,
      int vocabularySize,
      ServingOptions options,
      LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.config = weights.layout().config();
    LengthClasses classes = new LengthClasses(config, weights.fullType());
    this.arenas = new KeyValueArenas(config, weights.fullType(), classes, options.keyValueBytes());
    this.prefixes = new PrefixCache(classes, options.prefixCacheBytes());
    int promptBlock = options.batchInvariant() ? PrefixCache.BLOCK : 0;
    this.prompts =
        new PrefillQueue(config, weights.fullType(), classes, prefixes, options, promptBlock);
    this.computation =
        new StepComputation(
            weights,
            rotary,
            vocabularySize,
            options.batchInvariant(),
            promptBlock,
            options.decodeLanes());
  }

  /** Rows whose prompt is computed or under way. */
  int activeRows() {
    return arenas.rows() + prompts.rows().size();
  }

  /** Keys and values of all rows, with places in reserve. */
  long keyValueBytes() {
    return arenas.bytes() + prompts.bytes();
  }

  PrefixCache prefixes() {
    return prefixes;
  }

  KeyValueArenas arenas() {
    return arenas;
  }

  long steps() {
    return steps;
  }

  long drawnTokens() {
    return drawnTokens;
  }

  long prefilledTokens() {
    return prefilledTokens;
  }

  /** Whether a step would do anything. */
  boolean hasWork() {
    if (!prompts.isEmpty()) {
      return true;
    }
    for (KeyValueArena arena : arenas.all()) {
      for (SeatedRow seat : arena.rows()) {
        if (!seat.row().paused() || seat.row().cancelled()) {
          return true;
        }
      }
    }
    return false;
  }

  /** Takes rows on; those that begin with the same tokens share their computation. */
  void begin(List<DecodeRow> rows) {
    rows.forEach(row -> row.begin(lone));
    prompts.begin(rows);
  }

  /** Gives up a row's place and memory; it can begin again, and goes on from what it has. */
  void remove(DecodeRow row) {
    for (KeyValueArena arena : arenas.all()) {
      for (int place = 0; place < arena.rows().size(); place++) {
        if (arena.rows().get(place).row() == row) {
          arena.remove(place);
          return;
        }
      }
    }
    prompts.remove(row);
  }

  /** Returns the rows that have ended since it was last asked. */
  List<DecodeRow> takeEnded() {
    List<DecodeRow> taken = List.copyOf(ended);
    ended.clear();
    return taken;
  }

  /** Draws one token for every row that can go on, and advances prompts. */
  void step() {
    try (PointerScope scope = new PointerScope()) {
      arenas.promoteGrown(prompts.bytes());
      int rows = 0;
      for (KeyValueArena arena : arenas.all()) {
        arena.arrange();
        rows += arena.running();
      }
      List<Chunk> chunks = prompts.chunks(rows, arenas);
      if (rows == 0 && chunks.isEmpty()) {
        return;
      }
      lone.begins(rows > 1 || !chunks.isEmpty());
      long begin = nanoTime.getAsLong();
      drawnTokens += computation.compute(arenas, chunks);
      if (rows > 0) {
        lone.took(nanoTime.getAsLong() - begin);
      }
      chunks.forEach(this::advance);
      steps++;
      collectEnded();
    }
  }

  /** Takes over what a step computed of a prompt; seats its rows if it is complete. */
  private void advance(Chunk chunk) {
    prefilledTokens += chunk.size();
    if (!prompts.advance(chunk)) {
      return;
    }
    PrefillJob job = chunk.job();
    for (DecodeRow row : List.copyOf(job.rows())) {
      if (row.ended()) {
        job.rows().remove(row);
        ended.add(row);
      }
    }
    seat(job);
    prompts.complete(job);
  }

  /**
   * Gives the rows of a prompt places in arenas. Each leaves the job only when it has one, so that
   * whatever fails on the way, it is found in one or the other.
   */
  private void seat(PrefillJob job) {
    int tokens = job.tokens().size();
    List<Tensor> layers = job.layers();
    while (!job.rows().isEmpty()) {
      int room = room(job.rows().getFirst(), tokens);
      int count = 1;
      while (count < job.rows().size() && room(job.rows().get(count), tokens) == room) {
        count++;
      }
      KeyValueArena arena = arenas.withRoom(room, count, prompts.bytes());
      int place = arena.rows().size();
      for (int layer = 0; layer < config.layers(); layer++) {
        copy(layers.get(2 * layer), arena.keys(layer), place, count);
        copy(layers.get(2 * layer + 1), arena.values(layer), place, count);
      }
      for (int seated = 0; seated < count; seated++) {
        arena.rows().add(new SeatedRow(job.rows().getFirst(), tokens));
        job.rows().removeFirst();
      }
    }
  }

  private static void copy(Tensor from, Tensor to, int place, int count) {
    to.narrow(0, place, count).narrow(2, 0, from.size(1)).copy_(from.unsqueeze(0));
  }

  /** The tokens that a row gets room for at first. */
  private int room(DecodeRow row, int tokens) {
    int wished = tokens + Math.min(FIRST_TOKENS, row.mostTokens() - tokens);
    return Math.min(config.contextTokens(), wished);
  }

  private void collectEnded() {
    for (KeyValueArena arena : arenas.all()) {
      for (SeatedRow seat : arena.rows()) {
        if (seat.row().ended()) {
          ended.add(seat.row());
        }
      }
    }
    arenas.compact();
  }

  /** Ends the rows whose caller has left. */
  void dropCancelled() {
    for (KeyValueArena arena : arenas.all()) {
      for (SeatedRow seat : arena.rows()) {
        if (seat.row().cancelled()) {
          seat.row().finish(StopReason.CANCELLED);
        }
      }
    }
    collectEnded();
    for (DecodeRow row : prompts.takeCancelled()) {
      row.finish(StopReason.CANCELLED);
      ended.add(row);
    }
  }

  /** Fails every row under way. */
  void failAll(RuntimeException cause) {
    List<DecodeRow> all = new ArrayList<>();
    arenas.all().forEach(arena -> arena.rows().forEach(seat -> all.add(seat.row())));
    all.addAll(prompts.rows());
    for (DecodeRow row : all) {
      if (!row.ended()) {
        row.fail(cause);
      }
      ended.add(row);
    }
    prompts.close();
    arenas.close();
  }

  /** Gives memory back that only completions under way need; whether there was any. */
  boolean releaseMemory() {
    if (activeRows() > 0 || arenas.bytes() == 0) {
      return false;
    }
    arenas.close();
    return true;
  }

  @Override
  public void close() {
    prompts.close();
    arenas.close();
    prefixes.close();
    computation.close();
  }
}
