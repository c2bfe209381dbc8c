package io.ballast.inference.torch;

import io.ballast.inference.torch.PrefillQueue.Chunk;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Computes a step: one forward pass over one token of each row under way and chunks of prompts, and
 * the tokens that are drawn from it. For one thread, with gradients off, inside a {@link
 * org.bytedeco.javacpp.PointerScope} of the caller's.
 *
 * <p>Shape letters: N tokens of a step, D hidden size, V vocabulary.
 */
final class StepComputation implements AutoCloseable {
  /** Where completions are to be the same in any company, products are of so many rows. */
  private static final int PRODUCT_ROWS = 16;

  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final DecoderConfig config;
  private final boolean invariant;
  private final TokenDrawing drawing;

  /** Rows of a product, or 1: as many as there are. */
  private final int productRows;

  /** Tokens of a prompt that attend together, or 0: as many as there are. */
  private final int promptBlock;

  private final Products products;

  /** For steps of few rows; absent where every bit counts, or if the weights are not for it. */
  private final @Nullable DecodePass pass;

  /**
   * Computes with one model.
   *
   * @param invariant whether completions are to be the same in any company, bit by bit
   * @param promptBlock tokens of a prompt that attend together, or 0: as many as there are
   */
  StepComputation(
      TrainedWeights weights,
      RotaryTable rotary,
      int vocabularySize,
      boolean invariant,
      int promptBlock) {
    this.weights = weights;
    this.rotary = rotary;
    this.config = weights.layout().config();
    this.invariant = invariant;
    this.drawing = new TokenDrawing(vocabularySize, config.contextTokens());
    this.productRows = invariant ? PRODUCT_ROWS : 1;
    this.promptBlock = promptBlock;
    this.products = invariant ? Products.inBlocksOf(PRODUCT_ROWS) : Products.atOnce();
    this.pass = invariant ? null : DecodePass.over(weights.network(), config, rotary);
  }

  /**
   * Feeds the rows that take part and the chunks, and draws the tokens that follow.
   *
   * @param rows how many rows take part, in all arenas
   * @return how many tokens were drawn
   */
  int compute(KeyValueArenas arenas, int rows, List<Chunk> chunks) {
    int tokens = padded(rows, productRows);
    for (Chunk chunk : chunks) {
      tokens += padded(chunk.size(), promptBlock);
    }
    int filled = tokens;
    tokens = invariant ? tokens : rounded(tokens);
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
    return draw(residual(ids, positions, memory, chunks.isEmpty()), arenas, rows, chunks);
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

  /** Draws, and lets the rows that were fed go on to their next position. */
  private int draw(Tensor residual, KeyValueArenas arenas, int rows, List<Chunk> chunks) {
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
    }
    fed.forEach(SeatedRow::advance);
    return drawers.rows.size();
  }

  private void draw(Tensor logits, Drawers drawers) {
    if (!invariant) {
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
    int tokens = invariant ? padded(drawn, productRows) : rounded(drawn);
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

  @Override
  public void close() {
    if (pass != null) {
      pass.close();
    }
  }
}
