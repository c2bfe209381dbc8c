package io.ballast.inference.torch;

import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Draws tokens for many completions side by side. A step is one forward pass over one token of each
 * row under way and chunks of the prompts of rows that begin, so that a long prompt delays nobody
 * by more than a chunk. For one thread, with gradients off.
 *
 * <p>Shape letters: N tokens of a step, D hidden size, V vocabulary.
 */
final class DecodeEngine implements AutoCloseable {
  /** The least that a prompt advances in a step, however many rows are under way. */
  private static final int LEAST_CHUNK = PrefixCache.BLOCK;

  /** A row gets room for so many tokens at once, if it asks for as many. */
  private static final int FIRST_TOKENS = 32;

  /** Where completions are to be the same in any company, products are of so many rows. */
  private static final int PRODUCT_ROWS = 16;

  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final DecoderConfig config;
  private final ServingOptions options;
  private final TokenDrawing drawing;
  private final LengthClasses classes;
  private final KeyValueArenas arenas;
  private final PrefixCache prefixes;

  /** Rows of a product, or 1: as many as there are. */
  private final int productRows;

  /** Tokens of a prompt that attend together, or 0: as many as there are. */
  private final int promptBlock;

  private final Products products;

  /** For steps of few rows; absent where every bit counts, or if the weights are not for it. */
  private final @Nullable DecodePass pass;

  /** Prompts under way, in the order in which they go on. */
  private final List<PrefillJob> jobs = new ArrayList<>();

  private final List<DecodeRow> ended = new ArrayList<>();
  private long steps;
  private long drawnTokens;
  private long prefilledTokens;

  DecodeEngine(
      TrainedWeights weights, RotaryTable rotary, int vocabularySize, ServingOptions options) {
    this.weights = weights;
    this.rotary = rotary;
    this.options = options;
    this.config = weights.layout().config();
    this.drawing = new TokenDrawing(vocabularySize, config.contextTokens());
    this.classes = new LengthClasses(config, weights.fullType());
    this.arenas = new KeyValueArenas(config, weights.fullType(), classes, options.keyValueBytes());
    this.prefixes = new PrefixCache(classes, options.prefixCacheBytes());
    boolean invariant = options.batchInvariant();
    this.productRows = invariant ? PRODUCT_ROWS : 1;
    this.promptBlock = invariant ? PrefixCache.BLOCK : 0;
    this.products = invariant ? Products.inBlocksOf(PRODUCT_ROWS) : Products.atOnce();
    this.pass = invariant ? null : DecodePass.over(weights.network(), config, rotary);
  }

  /** Rows whose prompt is computed or under way. */
  int activeRows() {
    int rows = arenas.rows();
    for (PrefillJob job : jobs) {
      rows += job.rows().size();
    }
    return rows;
  }

  /** Keys and values of all rows, with places in reserve. */
  long keyValueBytes() {
    return arenas.bytes() + jobBytes();
  }

  private long jobBytes() {
    long bytes = 0;
    for (PrefillJob job : jobs) {
      bytes += job.bytes(classes);
    }
    return bytes;
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
    if (!jobs.isEmpty()) {
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
    for (DecodeRow row : rows) {
      // what was drawn is either computed anew with the prompt or, where every bit counts, fed
      // again token by token, as it was at first
      TokenIds tokens = options.batchInvariant() ? row.prompt().tokens() : row.context();
      PrefillJob same = null;
      for (PrefillJob job : jobs) {
        if (job.epoch() == prefixes.epoch() && job.tokens().equals(tokens)) {
          same = job;
        }
      }
      if (same != null) {
        same.rows().add(row);
      } else {
        jobs.add(new PrefillJob(tokens, row, prefixes.epoch(), promptBlock));
      }
    }
    jobs.sort(Comparator.comparing(PrefillJob::lane));
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
    for (PrefillJob job : jobs) {
      job.rows().remove(row);
    }
    dropJobsWithoutRows();
  }

  private void dropJobsWithoutRows() {
    jobs.removeIf(
        job -> {
          if (job.rows().isEmpty()) {
            job.close();
          }
          return job.rows().isEmpty();
        });
  }

  /** Returns the rows that have ended since it was last asked. */
  List<DecodeRow> takeEnded() {
    List<DecodeRow> taken = List.copyOf(ended);
    ended.clear();
    return taken;
  }

  /** A chunk of a prompt. */
  private record Chunk(PrefillJob job, int size) {
    boolean completes() {
      return size == job.left();
    }
  }

  /** Draws one token for every row that can go on, and advances prompts. */
  void step() {
    try (PointerScope scope = new PointerScope()) {
      arenas.promoteGrown(jobBytes());
      int rows = 0;
      for (KeyValueArena arena : arenas.all()) {
        arena.arrange();
        rows += arena.running();
      }
      List<Chunk> chunks = chunks(rows);
      if (rows == 0 && chunks.isEmpty()) {
        return;
      }
      forward(rows, chunks);
      steps++;
      collectEnded();
    }
  }

  /** Divides what a step may compute beside {@code rows} among the prompts. */
  private List<Chunk> chunks(int rows) {
    int left =
        Math.max(LEAST_CHUNK, rows == 0 ? options.maxPrefillTokens() : options.stepTokens() - rows);
    List<Chunk> chunks = new ArrayList<>();
    for (PrefillJob job : jobs) {
      if (left <= 0 || waitsForAnother(job, chunks)) {
        continue;
      }
      arenas.leave(jobBytes() + job.wholeBytes(classes));
      if (!job.started()) {
        job.start(prefixes, config, weights.fullType());
      }
      int size = Math.min(job.left(), left);
      if (size < job.left()) {
        // chunks end where blocks do, so that a prompt is cut the same way in any company
        size -= (job.done() + size) % PrefixCache.BLOCK;
        if (size <= 0) {
          left = 0;
          continue;
        }
      }
      job.prepare(size, config, weights.fullType());
      chunks.add(new Chunk(job, size));
      left -= size;
    }
    return chunks;
  }

  /** Whether a prompt ahead in this step computes half or more of what {@code job} needs. */
  private boolean waitsForAnother(PrefillJob job, List<Chunk> chunks) {
    if (job.started() || !prefixes.enabled()) {
      return false;
    }
    for (Chunk chunk : chunks) {
      int shared = chunk.job().sharedWith(job) / PrefixCache.BLOCK * PrefixCache.BLOCK;
      if (shared > chunk.job().done() && 2 * shared >= job.tokens().size()) {
        return true;
      }
    }
    return false;
  }

  private void forward(int rows, List<Chunk> chunks) {
    int tokens = padded(rows, productRows);
    for (Chunk chunk : chunks) {
      tokens += padded(chunk.size(), promptBlock);
    }
    int filled = tokens;
    tokens = options.batchInvariant() ? tokens : rounded(tokens);
    long[] ids = new long[tokens];
    long[] positions = new long[tokens];
    StepMemory memory = new StepMemory(weights.fullType(), promptBlock);
    int at = 0;
    for (KeyValueArena arena : arenas.all()) {
      for (int r = 0; r < arena.running(); r++) {
        SeatedRow seat = arena.rows().get(r);
        ids[at] = seat.token();
        positions[at++] = seat.position();
      }
      if (arena.running() > 0) {
        memory.add(arena);
      }
    }
    at = padded(rows, productRows);
    memory.addPadding(at - rows);
    for (Chunk chunk : chunks) {
      int done = chunk.job().done();
      for (int t = 0; t < chunk.size(); t++) {
        ids[at + t] = chunk.job().tokens().get(done + t);
        positions[at + t] = done + t;
      }
      at += padded(chunk.size(), promptBlock);
      memory.add(chunk.job(), chunk.size());
    }
    memory.addPadding(tokens - filled);
    draw(residual(ids, positions, memory, chunks.isEmpty()), rows, chunks);
  }

  /** Computes the residual stream after the last block, shape [N, D]. */
  private Tensor residual(long[] ids, long[] positions, StepMemory memory, boolean rowsAlone) {
    int tokens = ids.length;
    if (pass != null && rowsAlone && tokens <= DecodePass.MOST_ROWS) {
      return pass.hidden(ids, positions, memory);
    }
    return weights
        .network()
        .hidden(
            Tensors.of(ids, tokens, 1),
            rotary.at(Tensors.of(positions, tokens, 1)),
            memory,
            products)
        .view(tokens, config.hiddenSize());
  }

  /** The least multiple of {@code block} that is not below {@code count}. */
  private static int padded(int count, int block) {
    return block <= 1 ? count : (count + block - 1) / block * block;
  }

  /**
   * A number of rows, at most an eighth more than {@code count}, of which there are few: for each
   * number that it meets the library makes and keeps a program of its own, some 0.3 MB a matrix.
   */
  static int rounded(int count) {
    if (count <= 16) {
      return count;
    }
    return padded(count, Integer.highestOneBit(count - 1) / 8);
  }

  /** What is drawn from: rows of the step's tokens, and who draws from each. */
  private static final class Drawers {
    final List<DecodeRow> rows = new ArrayList<>();
    final List<Runnable> spoiled = new ArrayList<>();
    final List<Long> sources = new ArrayList<>();
    final List<Long> tokens = new ArrayList<>();

    /** Whether there are so many rows, each of which draws from the token in its own place. */
    boolean oneEach(int count) {
      for (int b = 0; b < sources.size(); b++) {
        if (sources.get(b) != b) {
          return false;
        }
      }
      return sources.size() == count;
    }

    void addToken(long token) {
      tokens.add(token);
    }

    void add(DecodeRow row, Runnable whenSpoiled) {
      rows.add(row);
      spoiled.add(whenSpoiled);
      sources.add((long) tokens.size() - 1);
    }
  }

  private void draw(Tensor residual, int rows, List<Chunk> chunks) {
    Drawers drawers = new Drawers();
    List<SeatedRow> fed = new ArrayList<>();
    int at = 0;
    for (KeyValueArena arena : arenas.all()) {
      for (int r = 0; r < arena.running(); r++, at++) {
        SeatedRow seat = arena.rows().get(r);
        fed.add(seat);
        if (seat.draws()) {
          int place = r;
          drawers.addToken(at);
          drawers.add(seat.row(), () -> arena.clear(place));
        }
      }
    }
    at = padded(rows, productRows);
    for (Chunk chunk : chunks) {
      if (chunk.completes()) {
        drawers.addToken(at + chunk.size() - 1);
        for (DecodeRow row : chunk.job().rows()) {
          if (row.lastPosition() + 1 == chunk.job().tokens().size()) {
            drawers.add(row, () -> {});
          }
        }
      }
      at += padded(chunk.size(), promptBlock);
    }
    if (!drawers.rows.isEmpty()) {
      boolean inOrder = chunks.isEmpty() && drawers.tokens.size() == rows;
      draw(logits(residual, drawers, inOrder), drawers);
      drawnTokens += drawers.rows.size();
    }
    fed.forEach(SeatedRow::advance);
    chunks.forEach(this::advance);
  }

  private void draw(Tensor logits, Drawers drawers) {
    if (!options.batchInvariant()) {
      drawing.draw(logits, drawers.rows, b -> drawers.spoiled.get(b).run());
      return;
    }
    // how the others are drawn from must not change how one is
    for (int b = 0; b < drawers.rows.size(); b++) {
      Runnable spoiled = drawers.spoiled.get(b);
      drawing.draw(
          logits.narrow(0, b, 1).contiguous(),
          List.of(drawers.rows.get(b)),
          unused -> spoiled.run());
    }
  }

  /**
   * Returns the logits that each row draws from.
   *
   * @param inOrder whether all tokens of the step, its padding apart, are drawn from
   */
  private Tensor logits(Tensor residual, Drawers drawers, boolean inOrder) {
    int drawn = drawers.tokens.size();
    int tokens = options.batchInvariant() ? padded(drawn, productRows) : rounded(drawn);
    while (drawers.tokens.size() < tokens) {
      drawers.tokens.add(0L);
    }
    Tensor drawnFrom =
        inOrder && tokens == residual.size(0)
            ? residual
            : residual.index_select(0, Tensors.of(drawers.tokens));
    DecoderNetwork network = weights.network();
    Tensor logits =
        products.linear(network.normalized(drawnFrom), network.head()).to(ScalarType.Float);
    return drawers.oneEach(tokens) ? logits : logits.index_select(0, Tensors.of(drawers.sources));
  }

  /** Takes over what a step computed of a prompt; seats its rows if it is complete. */
  private void advance(Chunk chunk) {
    PrefillJob job = chunk.job();
    job.advance(chunk.size());
    prefilledTokens += chunk.size();
    if (job.left() > 0) {
      return;
    }
    if (job.epoch() == prefixes.epoch()) {
      prefixes.put(job.tokens(), job.layers());
    }
    List<DecodeRow> staying = new ArrayList<>();
    for (DecodeRow row : job.rows()) {
      if (row.ended()) {
        ended.add(row);
      } else {
        staying.add(row);
      }
    }
    jobs.remove(job);
    seat(staying, job);
    job.close();
  }

  private void seat(List<DecodeRow> rows, PrefillJob job) {
    int tokens = job.tokens().size();
    for (int from = 0; from < rows.size(); ) {
      int room = room(rows.get(from), tokens);
      int to = from;
      while (to < rows.size() && room(rows.get(to), tokens) == room) {
        to++;
      }
      int count = to - from;
      KeyValueArena arena = arenas.withRoom(room, count, jobBytes());
      int place = arena.rows().size();
      for (DecodeRow row : rows.subList(from, to)) {
        arena.rows().add(new SeatedRow(row, tokens));
      }
      List<Tensor> layers = job.layers();
      for (int layer = 0; layer < config.layers(); layer++) {
        copy(layers.get(2 * layer), arena.keys(layer), place, count);
        copy(layers.get(2 * layer + 1), arena.values(layer), place, count);
      }
      from = to;
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
    for (PrefillJob job : jobs) {
      for (DecodeRow row : List.copyOf(job.rows())) {
        if (row.cancelled()) {
          row.finish(StopReason.CANCELLED);
          job.rows().remove(row);
          ended.add(row);
        }
      }
    }
    dropJobsWithoutRows();
  }

  /** Fails every row under way. */
  void failAll(RuntimeException cause) {
    List<DecodeRow> all = new ArrayList<>();
    arenas.all().forEach(arena -> arena.rows().forEach(seat -> all.add(seat.row())));
    jobs.forEach(job -> all.addAll(job.rows()));
    for (DecodeRow row : all) {
      if (!row.ended()) {
        row.fail(cause);
      }
      ended.add(row);
    }
    jobs.forEach(PrefillJob::close);
    jobs.clear();
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
    jobs.forEach(PrefillJob::close);
    jobs.clear();
    arenas.close();
    prefixes.close();
    if (pass != null) {
      pass.close();
    }
  }
}
