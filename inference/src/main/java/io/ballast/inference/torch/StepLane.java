package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.torch.PrefillQueue.Chunk;
import io.ballast.inference.torch.TokenDrawing.Drawn;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What one thread computes of a step: a forward pass over one token of each of some rows, and maybe
 * chunks of prompts, and what is drawn from it. For one thread, with gradients off, inside a {@link
 * org.bytedeco.javacpp.PointerScope} of the caller's.
 *
 * <p>Shape letters: N tokens of the pass, D hidden size, V vocabulary.
 */
final class StepLane implements AutoCloseable {
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

  private final Meeting alone = new Meeting(1);

  /**
   * Computes with one model.
   *
   * @param invariant whether completions are to be the same in any company, bit by bit
   * @param promptBlock tokens of a prompt that attend together, or 0: as many as there are
   */
  StepLane(
      TrainedWeights weights,
      RotaryTable rotary,
      int vocabularySize,
      boolean invariant,
      int promptBlock) {
    this.weights = weights;
    this.rotary = rotary;
    this.config = weights.layout().config();
    this.invariant = invariant;
    this.drawing = new TokenDrawing(vocabularySize);
    this.productRows = invariant ? PRODUCT_ROWS : 1;
    this.promptBlock = promptBlock;
    this.products = invariant ? Products.inBlocksOf(PRODUCT_ROWS) : Products.atOnce();
    this.pass = invariant ? null : DecodePass.over(weights.network(), config, rotary);
  }

  /**
   * What was drawn for a row, which does not know of it yet.
   *
   * @param clear forgets the row's keys and values
   */
  record Turn(DecodeRow row, Drawn drawn, Runnable clear) {
    /** Tells the row. */
    void take(int contextTokens) {
      switch (drawn) {
        case Drawn.Token(Sampler.Draw draw, float logProb) ->
            row.accept(draw, logProb, contextTokens);
        case Drawn.Nothing(ModelException why) -> row.fail(why);
        case Drawn.Spoiled() -> {
          clear.run();
          row.fail(new ModelException(Reason.BROKEN, "logits: not all are finite"));
        }
      }
    }
  }

  /**
   * Feeds rows and chunks, and draws the tokens that follow.
   *
   * @return a turn for each row that draws, in their order
   */
  List<Turn> compute(List<ArenaRows> rows, List<Chunk> chunks) {
    int fed = rows.stream().mapToInt(ArenaRows::count).sum();
    int tokens = padded(fed, productRows);
    for (Chunk chunk : chunks) {
      tokens += padded(chunk.size(), promptBlock);
    }
    int filled = tokens;
    tokens = invariant ? tokens : rounded(tokens);
    long[] ids = new long[tokens];
    long[] positions = new long[tokens];
    StepMemory memory = new StepMemory(weights.fullType(), promptBlock);
    int at = 0;
    for (ArenaRows part : rows) {
      for (SeatedRow seat : part.seats()) {
        ids[at] = seat.token();
        positions[at++] = seat.position();
      }
      memory.add(part);
    }
    at = padded(fed, productRows);
    memory.addPadding(at - fed);
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
    Tensor residual = residual(ids, positions, memory, chunks.isEmpty());
    return draw(residual, drawers(rows, chunks, fed), chunks.isEmpty() ? fed : -1);
  }

  /** Computes the residual stream after the last block, shape [N, D]. */
  private Tensor residual(long[] ids, long[] positions, StepMemory memory, boolean rowsAlone) {
    int tokens = ids.length;
    if (pass != null && rowsAlone && tokens <= DecodePass.MOST_ROWS) {
      pass.begin(ids, positions, 1);
      return pass.hidden(0, memory, alone);
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

  /**
   * A step of rows alone that several lanes compute together.
   *
   * @param pass that has begun it
   * @param logits of all rows, in the products' type
   */
  record Together(DecodePass pass, Tensor logits, Meeting meeting) {}

  /** The pass of a step of rows alone; null if there is none. */
  @Nullable DecodePass pass() {
    return pass;
  }

  /**
   * Does a lane's part of a step, and draws the tokens that follow its rows.
   *
   * @param rows of the lane
   * @param padding rows behind them that nobody looks at
   * @return a turn for each row that draws, in their order
   */
  List<Turn> compute(Together step, int lane, List<ArenaRows> rows, int padding) {
    StepMemory memory = new StepMemory(weights.fullType(), promptBlock);
    rows.forEach(memory::add);
    memory.addPadding(padding);
    Tensor logits = step.pass().logits(lane, step.logits(), memory, step.meeting());
    Drawers drawers = drawers(rows, List.of(), rows.stream().mapToInt(ArenaRows::count).sum());
    if (drawers.rows.isEmpty()) {
      return List.of();
    }
    Tensor drawnFrom =
        drawers.tokens.size() == logits.size(0)
            ? logits
            : logits.index_select(0, Tensors.of(drawers.tokens));
    return turns(drawnFrom.to(ScalarType.Float), drawers);
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

  /** What is drawn from: rows of the pass's tokens, and who draws from each. */
  private static final class Drawers {
    final List<DecodeRow> rows = new ArrayList<>();
    final List<Runnable> clears = new ArrayList<>();
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

    void add(DecodeRow row, Runnable clear) {
      rows.add(row);
      clears.add(clear);
      sources.add((long) tokens.size() - 1);
    }
  }

  private Drawers drawers(List<ArenaRows> rows, List<Chunk> chunks, int fed) {
    Drawers drawers = new Drawers();
    int at = 0;
    for (ArenaRows part : rows) {
      for (int r = 0; r < part.count(); r++, at++) {
        SeatedRow seat = part.seats().get(r);
        if (seat.draws()) {
          int place = part.first() + r;
          drawers.addToken(at);
          drawers.add(seat.row(), () -> part.arena().clear(place));
        }
      }
    }
    at = padded(fed, productRows);
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
    return drawers;
  }

  /**
   * @param rowsAlone how many rows were fed, if nothing else was
   */
  private List<Turn> draw(Tensor residual, Drawers drawers, int rowsAlone) {
    return drawers.rows.isEmpty()
        ? List.of()
        : turns(logits(residual, drawers, drawers.tokens.size() == rowsAlone), drawers);
  }

  /**
   * @param logits that each row draws from
   */
  private List<Turn> turns(Tensor logits, Drawers drawers) {
    List<Turn> turns = new ArrayList<>();
    List<Drawn> drawn = draw(logits, drawers.rows);
    for (int b = 0; b < drawn.size(); b++) {
      turns.add(new Turn(drawers.rows.get(b), drawn.get(b), drawers.clears.get(b)));
    }
    return turns;
  }

  private List<Drawn> draw(Tensor logits, List<DecodeRow> rows) {
    if (!invariant) {
      return drawing.draw(logits, rows);
    }
    // how the others are drawn from must not change how one is
    List<Drawn> drawn = new ArrayList<>();
    for (int b = 0; b < rows.size(); b++) {
      drawn.addAll(drawing.draw(logits.narrow(0, b, 1).contiguous(), List.of(rows.get(b))));
    }
    return drawn;
  }

  /**
   * Returns the logits that each row draws from.
   *
   * @param inOrder whether all tokens of the pass, its padding apart, are drawn from
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
