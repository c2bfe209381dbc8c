package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.workshop.collect.LabelCollector;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.LongConsumer;

/** Has a decoder draw completions as a run's samples are drawn, and the programmer judge them. */
final class PoolDrawer {
  /** Completions of one request; the decoder draws so many side by side. */
  private static final int AT_A_TIME = 256;

  private static final int REQUESTS_UNDER_WAY = 32;
  private static final int ROWS_UNDER_WAY = 768;

  /** A policy that mostly says nothing would have this draw for ever. */
  private static final int MOST_EMPTY_PER_KEPT = 4;

  private final Decoder decoder;

  PoolDrawer(Decoder decoder) {
    this.decoder = decoder;
  }

  /** Some completions that are being drawn. */
  private record Request(int position, List<GenerationHandle> handles) {}

  /** What came so far. */
  private static final class Filling {
    private final List<TokenIds> completions = new ArrayList<>();
    private final List<Integer> kept = new ArrayList<>();
    private TokenIds prompt = TokenIds.of();
    private int asked;
  }

  /**
   * Draws {@code count} completions at each position. Empty ones are not kept, and others are drawn
   * in their place: there is nothing of them to score.
   *
   * @param progress told how many completions more were drawn
   */
  List<DrawnPool> draw(List<Position> positions, int count, long seed, LongConsumer progress) {
    List<Filling> filling = new ArrayList<>();
    positions.forEach(position -> filling.add(new Filling()));
    Deque<Request> underWay = new ArrayDeque<>();
    for (int p = 0; p < positions.size(); p++) {
      for (int first = 0; first < count; first += AT_A_TIME) {
        ask(p, positions.get(p), Math.min(AT_A_TIME, count - first), seed, filling, underWay);
        while (full(underWay)) {
          take(underWay.remove(), positions, count, filling, progress);
        }
      }
    }
    while (!underWay.isEmpty()) {
      take(underWay.remove(), positions, count, filling, progress);
    }
    for (int p = 0; p < positions.size(); p++) {
      Filling pool = filling.get(p);
      while (pool.completions.size() < count) {
        if (pool.asked > (1 + MOST_EMPTY_PER_KEPT) * count) {
          throw new IllegalStateException(
              "%s: %,d of %,d completions are not empty (expected: %,d)"
                  .formatted(positions.get(p).id(), pool.completions.size(), pool.asked, count));
        }
        int missing = Math.min(AT_A_TIME, 2 * (count - pool.completions.size()));
        ask(p, positions.get(p), missing, seed, filling, underWay);
        take(underWay.remove(), positions, count, filling, progress);
      }
    }
    List<DrawnPool> pools = new ArrayList<>();
    for (int p = 0; p < positions.size(); p++) {
      Filling pool = filling.get(p);
      Position position = positions.get(p);
      pools.add(
          new DrawnPool(
              position.file().artefact() + "/" + position.file().path(),
              pool.prompt,
              pool.completions,
              pool.kept));
    }
    return pools;
  }

  private static boolean full(Deque<Request> underWay) {
    int rows = underWay.stream().mapToInt(request -> request.handles().size()).sum();
    return underWay.size() >= REQUESTS_UNDER_WAY || rows >= ROWS_UNDER_WAY;
  }

  private void ask(
      int index,
      Position position,
      int count,
      long seed,
      List<Filling> filling,
      Deque<Request> underWay) {
    Filling pool = filling.get(index);
    long first = Decoder.seedOf(seed * 1_000_003 + index, pool.asked);
    pool.asked += count;
    underWay.add(new Request(index, decoder.generate(request(position, first), count)));
  }

  /** Returns what is asked at a position. */
  static GenerationRequest request(Position position, long seed) {
    return new GenerationRequest(
        position.promptTail(LabelCollector.TAIL_CHARACTERS),
        true,
        EnsemblesPlan.PROMPT_TOKENS,
        SamplingOptions.builder()
            .maxNewTokens(EnsemblesPlan.NEW_TOKENS)
            .stopStrings(List.of("\n"))
            .seed(seed)
            .build());
  }

  private static void take(
      Request request,
      List<Position> positions,
      int count,
      List<Filling> filling,
      LongConsumer progress) {
    Filling pool = filling.get(request.position());
    long before = pool.completions.size();
    for (GenerationHandle handle : request.handles()) {
      Generation drawn = handle.result().join();
      pool.prompt = drawn.promptTokens();
      if (drawn.tokens().size() > 0 && pool.completions.size() < count) {
        pool.completions.add(drawn.tokens());
        pool.kept.add(
            SimulatedProgrammer.judge(positions.get(request.position()), drawn.text())
                .charactersKept());
      }
    }
    progress.accept(pool.completions.size() - before);
  }
}
