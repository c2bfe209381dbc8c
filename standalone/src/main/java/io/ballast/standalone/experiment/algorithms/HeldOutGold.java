package io.ballast.standalone.experiment.algorithms;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.workshop.collect.LabelCollector;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the simulated programmer keeps of what some weights suggest at held-out positions: the same
 * positions for all weights, and the same draws for all that are measured with the same seed, so
 * that what differs between them is the weights. One thread at a time.
 */
final class HeldOutGold implements GoldMeasure {
  /** Of how gold is drawn: another way of it is another number, and its curves are other curves. */
  static final int VERSION = 1;

  private static final long SEED = 20_261_128;
  private static final int POSITIONS_AT_A_TIME = 32;

  private final List<Position> positions;
  private final int draws;

  /**
   * @param draws completions at each position
   */
  HeldOutGold(List<Position> positions, int draws) {
    this.positions = List.copyOf(positions);
    this.draws = draws;
  }

  @Override
  public Gold of(Path folder, int seed) {
    try (TorchDecoder decoder = TorchDecoder.load(folder, ServingOptions.defaults())) {
      List<Double> kept = new ArrayList<>();
      for (int from = 0; from < positions.size(); from += POSITIONS_AT_A_TIME) {
        int to = Math.min(positions.size(), from + POSITIONS_AT_A_TIME);
        kept.addAll(kept(decoder, from, to, seed));
      }
      return new Gold(kept);
    }
  }

  private List<Double> kept(TorchDecoder decoder, int from, int to, int seed) {
    List<List<GenerationHandle>> underWay = new ArrayList<>();
    for (int p = from; p < to; p++) {
      long first = Decoder.seedOf((SEED + seed) * 1_000_003 + p, 0);
      underWay.add(decoder.generate(request(positions.get(p), first), draws));
    }
    List<Double> kept = new ArrayList<>();
    for (int p = from; p < to; p++) {
      double characters = 0;
      for (GenerationHandle handle : underWay.get(p - from)) {
        characters +=
            SimulatedProgrammer.judge(positions.get(p), handle.result().join().text())
                .charactersKept();
      }
      kept.add(characters / draws);
    }
    return kept;
  }

  /** How it is drawn, for all positions and seeds. */
  static String how() {
    return "gold %d by %s after the last %d characters"
        .formatted(VERSION, sampling(SEED), LabelCollector.TAIL_CHARACTERS);
  }

  private static GenerationRequest request(Position position, long seed) {
    return new GenerationRequest(
        position.promptTail(LabelCollector.TAIL_CHARACTERS),
        true,
        AlgorithmsPlan.PROMPT_TOKENS,
        sampling(seed));
  }

  /** As a run's samples are drawn. */
  private static SamplingOptions sampling(long seed) {
    return SamplingOptions.builder()
        .maxNewTokens(AlgorithmsPlan.NEW_TOKENS)
        .stopStrings(AlgorithmsPlan.STOPS)
        .seed(seed)
        .build();
  }
}
