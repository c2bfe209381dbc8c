package io.ballast.inference.torch;

import io.ballast.inference.torch.PrefillQueue.Chunk;
import io.ballast.inference.torch.StepLane.Together;
import io.ballast.inference.torch.StepLane.Turn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;

/**
 * Computes a step: one token of each row under way and chunks of prompts, and the tokens that are
 * drawn from them. Where there is enough of it, it is shared out over several threads; what goes to
 * which is given by numbers and order alone. What was drawn is told to the rows by the caller's
 * thread, one after the other. For one thread, with gradients off, inside a {@link PointerScope} of
 * the caller's.
 */
final class StepComputation implements AutoCloseable {
  /** Rows of a lane: with fewer, most of what a lane does is begin. */
  static final int LEAST_ROWS = 8;

  /** Tokens of prompts of a lane. */
  static final int LEAST_TOKENS = 32;

  /** Weights that take so long to read that even one row's products are shared out. */
  private static final long LARGE_BYTES = 32 << 20;

  private final int contextTokens;
  private final int most;
  private final boolean large;
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
    this.large = weights.bytes() >= LARGE_BYTES;
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
    List<List<Turn>> turns = turns(rows, chunks);
    turns.forEach(of -> of.forEach(turn -> turn.take(contextTokens)));
    rows.forEach(part -> part.seats().forEach(SeatedRow::advance));
    return turns.stream().mapToInt(List::size).sum();
  }

  private List<List<Turn>> turns(List<ArenaRows> rows, List<Chunk> chunks) {
    int count = rows.stream().mapToInt(ArenaRows::count).sum();
    int tokens = StepLane.rounded(count);
    int beside = large ? most : Math.clamp(count / LEAST_ROWS, 1, most);
    makeLanes(1);
    DecodePass pass = lanes.getFirst().pass();
    return pass != null && chunks.isEmpty() && beside > 1 && tokens <= beside * DecodePass.MOST_ROWS
        ? together(pass, rows, tokens, beside)
        : apart(shares(rows, chunks, most));
  }

  private void makeLanes(int count) {
    while (lanes.size() < count) {
      lanes.add(lane.get());
    }
  }

  private List<List<Turn>> apart(List<Share> shares) {
    makeLanes(shares.size());
    List<List<Turn>> turns = new ArrayList<>(Collections.nCopies(shares.size(), List.of()));
    threads.run(
        shares.size(), number -> turns.set(number, compute(number, shares.get(number))), () -> {});
    return turns;
  }

  /**
   * Has several lanes compute rows alone.
   *
   * @param tokens rows, with those at the end that nobody looks at
   */
  private List<List<Turn>> together(DecodePass pass, List<ArenaRows> rows, int tokens, int count) {
    long[] ids = new long[tokens];
    long[] positions = new long[tokens];
    int fed = 0;
    for (ArenaRows part : rows) {
      for (SeatedRow seat : part.seats()) {
        ids[fed] = seat.token();
        positions[fed++] = seat.position();
      }
    }
    makeLanes(count);
    pass.begin(ids, positions, count);
    Together step = new Together(pass, pass.emptyLogits(tokens), new Meeting(count));
    List<List<Turn>> turns = new ArrayList<>(Collections.nCopies(count, List.of()));
    int all = fed;
    threads.run(
        count,
        number -> {
          int first = PassBuffers.firstRow(tokens, number, count);
          int end = PassBuffers.firstRow(tokens, number + 1, count);
          List<ArenaRows> own = part(rows, first, end);
          int padding = end - first - Math.max(0, Math.min(end, all) - first);
          turns.set(
              number, inScope(number, () -> lanes.get(number).compute(step, number, own, padding)));
        },
        step.meeting()::abandon);
    return turns;
  }

  private List<Turn> compute(int number, Share share) {
    return inScope(number, () -> lanes.get(number).compute(share.rows(), share.chunks()));
  }

  /** The first lane is on the caller's thread, in its scope. */
  private static List<Turn> inScope(int lane, Supplier<List<Turn>> work) {
    if (lane == 0) {
      return work.get();
    }
    try (NoGradGuard off = new NoGradGuard();
        PointerScope scope = new PointerScope()) {
      return work.get();
    }
  }

  /** What a lane computes of a step. */
  record Share(List<ArenaRows> rows, List<Chunk> chunks) {}

  /**
   * Shares a step out: each chunk, the longest first, to the lane that has the fewest tokens, then
   * the rows, in order, so that the lanes have as many tokens each as can be. There are as many
   * lanes as have enough to do.
   *
   * @param most lanes, ≥ 1
   */
  static List<Share> shares(List<ArenaRows> rows, List<Chunk> chunks, int most) {
    int left = rows.stream().mapToInt(ArenaRows::count).sum();
    int ofPrompts = chunks.stream().mapToInt(Chunk::size).sum();
    int lanes = Math.clamp(left / LEAST_ROWS + ofPrompts / LEAST_TOKENS, 1, most);
    List<List<Chunk>> chunksOf = new ArrayList<>();
    for (int lane = 0; lane < lanes; lane++) {
      chunksOf.add(new ArrayList<>());
    }
    int[] tokens = new int[lanes];
    for (Chunk chunk :
        chunks.stream().sorted(Comparator.comparingInt(Chunk::size).reversed()).toList()) {
      int lane = least(tokens);
      chunksOf.get(lane).add(chunk);
      tokens[lane] += chunk.size();
    }
    int[] rowsOf = new int[lanes];
    for (; left > 0; left--) {
      int lane = least(tokens);
      rowsOf[lane]++;
      tokens[lane]++;
    }
    List<Share> shares = new ArrayList<>();
    int from = 0;
    for (int lane = 0; lane < lanes; lane++) {
      if (tokens[lane] > 0) {
        shares.add(new Share(part(rows, from, from + rowsOf[lane]), chunksOf.get(lane)));
      }
      from += rowsOf[lane];
    }
    return shares;
  }

  /** The first of the lanes that have the fewest tokens. */
  private static int least(int[] tokens) {
    int least = 0;
    for (int lane = 1; lane < tokens.length; lane++) {
      if (tokens[lane] < tokens[least]) {
        least = lane;
      }
    }
    return least;
  }

  /** The rows from the one numbered {@code from} to before the one numbered {@code to}. */
  private static List<ArenaRows> part(List<ArenaRows> rows, int from, int to) {
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
