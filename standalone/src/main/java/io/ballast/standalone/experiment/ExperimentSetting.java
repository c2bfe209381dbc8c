package io.ballast.standalone.experiment;

import io.ballast.rl.algorithm.Algorithm;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where and how an experiment runs.
 *
 * @param home the checkout: models, sources and the built mesh
 * @param work a folder for what may be deleted at any time, such as what was drawn
 * @param data the folder of real judgements; empty: what needs them is left out and said to be
 * @param encoder a folder of a sentence encoder; empty: the same
 * @param seeds repetitions, ≥ 2, since intervals are over them
 * @param iterations of a run that learns; empty: as many as it takes by itself
 * @param algorithms to compare; none: those that it takes by itself
 * @param progress told how far it is
 */
public record ExperimentSetting(
    Path home,
    Path work,
    Optional<Path> data,
    Optional<Path> encoder,
    int seeds,
    OptionalInt iterations,
    List<Algorithm> algorithms,
    ExperimentProgress progress) {
  /** Checks the range above. */
  public ExperimentSetting {
    algorithms = List.copyOf(algorithms);
    if (seeds < 2) {
      throw new IllegalArgumentException("seeds: " + seeds + " (expected: ≥ 2)");
    }
  }
}
