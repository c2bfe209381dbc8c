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
 * What the simulated programmer keeps of what some weights suggest at held-out positions. The same
 * positions and seeds for all weights, so that what differs is the weights. One thread at a time.
 */
final class HeldOutGold {
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

  /** Returns the mean of characters kept a suggestion by the weights in {@code folder}. */
  double of(Path folder) {
    try (TorchDecoder decoder = TorchDecoder.load(folder, ServingOptions.defaults())) {
      double kept = 0;
      for (int from = 0; from < positions.size(); from += POSITIONS_AT_A_TIME) {
        kept += kept(decoder, from, Math.min(positions.size(), from + POSITIONS_AT_A_TIME));
      }
      return kept / ((double) positions.size() * draws);
    }
  }

  private double kept(TorchDecoder decoder, int from, int to) {
    List<List<GenerationHandle>> underWay = new ArrayList<>();
    for (int p = from; p < to; p++) {
      long seed = Decoder.seedOf(SEED * 1_000_003 + p, 0);
      underWay.add(decoder.generate(request(positions.get(p), seed), draws));
    }
    double kept = 0;
    for (int p = from; p < to; p++) {
      for (GenerationHandle handle : underWay.get(p - from)) {
        kept +=
            SimulatedProgrammer.judge(positions.get(p), handle.result().join().text())
                .charactersKept();
      }
    }
    return kept;
  }

  /** As a run's samples are drawn. */
  private static GenerationRequest request(Position position, long seed) {
    return new GenerationRequest(
        position.promptTail(LabelCollector.TAIL_CHARACTERS),
        true,
        AlgorithmsPlan.PROMPT_TOKENS,
        SamplingOptions.builder()
            .maxNewTokens(AlgorithmsPlan.NEW_TOKENS)
            .stopStrings(List.of("\n"))
            .seed(seed)
            .build());
  }
}
