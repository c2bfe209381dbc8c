package io.ballast.inference.torch;

import io.ballast.inference.torch.PrefillQueue.Chunk;
import io.ballast.inference.torch.StepLane.Turn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;

/**
 * Computes a step: one token of each row under way and chunks of prompts, and the tokens that are
 * drawn from them. Where there are rows alone and enough of them, they are shared out over several
 * threads; which row goes to which is given by their number and order. What was drawn is told to
 * the rows by the caller's thread, one after the other. For one thread, with gradients off, inside
 * a {@link PointerScope} of the caller's.
 */
final class StepComputation implements AutoCloseable {
  /** Of a lane: with fewer, most of what a lane does is begin. */
  static final int LEAST_ROWS = 8;

  private final int contextTokens;
  private final int most;
  private final Supplier<StepLane> lane;
  private final List<StepLane> lanes = new ArrayList<>();
  private final Lanes threads;

  /**
   * Computes with one model.
   *
   * @param invariant whether completions are to be the same in any company, bit by bit; then there
   *     is one lane
   * @param promptBlock tokens of a prompt that attend together, or 0: as many as there are
   * @param most lanes, ≥ 1
   */
  StepComputation(
      TrainedWeights weights,
      RotaryTable rotary,
      int vocabularySize,
      boolean invariant,
      int promptBlock,
      int most) {
    this.contextTokens = weights.layout().config().contextTokens();
    this.most = invariant ? 1 : most;
    this.lane = () -> new StepLane(weights, rotary, vocabularySize, invariant, promptBlock);
    this.threads = new Lanes("torch-decoder-lane", this.most);
  }

  /**
   * Feeds the rows that take part and the chunks, and draws the tokens that follow.
   *
   * @return how many tokens were drawn
   */
  int compute(KeyValueArenas arenas, List<Chunk> chunks) {
    List<ArenaRows> rows = new ArrayList<>();
    for (KeyValueArena arena : arenas.all()) {
      if (arena.running() > 0) {
        rows.add(new ArenaRows(arena, 0, arena.running()));
      }
    }
    int count = rows.stream().mapToInt(ArenaRows::count).sum();
    int used = chunks.isEmpty() ? Math.clamp(count / LEAST_ROWS, 1, most) : 1;
    while (lanes.size() < used) {
      lanes.add(lane.get());
    }
    List<List<Turn>> turns = new ArrayList<>(Collections.nCopies(used, List.of()));
    threads.run(
        used,
        number -> turns.set(number, compute(number, share(rows, number, used), chunks)),
        () -> {});
    turns.forEach(of -> of.forEach(turn -> turn.take(contextTokens)));
    rows.forEach(part -> part.seats().forEach(SeatedRow::advance));
    return turns.stream().mapToInt(List::size).sum();
  }

  private List<Turn> compute(int number, List<ArenaRows> rows, List<Chunk> chunks) {
    if (number == 0) {
      return lanes.getFirst().compute(rows, chunks);
    }
    try (NoGradGuard off = new NoGradGuard();
        PointerScope scope = new PointerScope()) {
      return lanes.get(number).compute(rows, chunks);
    }
  }

  /** Returns the rows of one lane of {@code lanes}: in order, and as many as the others, or one. */
  static List<ArenaRows> share(List<ArenaRows> rows, int lane, int lanes) {
    int all = rows.stream().mapToInt(ArenaRows::count).sum();
    int from = lane * all / lanes;
    int to = (lane + 1) * all / lanes;
    List<ArenaRows> share = new ArrayList<>();
    int at = 0;
    for (ArenaRows part : rows) {
      int first = Math.max(from, at);
      int last = Math.min(to, at + part.count());
      if (first < last) {
        share.add(new ArenaRows(part.arena(), part.first() + first - at, last - first));
      }
      at += part.count();
    }
    return share;
  }

  @Override
  public void close() {
    threads.close();
    lanes.forEach(StepLane::close);
  }
}
