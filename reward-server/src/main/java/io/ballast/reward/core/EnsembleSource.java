package io.ballast.reward.core;

import io.ballast.inference.api.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where ensembles come from. */
public interface EnsembleSource {
  /** The ensembles that can be opened, by name and version. */
  List<Ensemble> list();

  /**
   * Looks again for ensembles of this name, where they may have come or gone since.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if they are elsewhere, and that
   *     cannot be asked
   */
  default void refresh(String model) {}

  /**
   * Looks again for ensembles of this name if they run elsewhere; called again and again while
   * something is amiss there.
   *
   * @throws io.ballast.kit.error.MeshException as {@link #refresh}
   */
  default void refreshElsewhere(String model) {
    if (isElsewhere(model)) {
      refresh(model);
    }
  }

  /** Whether ensembles of this name run elsewhere: what is amiss there may mend itself. */
  default boolean isElsewhere(String model) {
    return false;
  }

  /**
   * What keeps ensembles from being asked now, by what they are called, {@code name version}, or by
   * name alone where no version is known; quick.
   */
  default Map<String, String> flaws() {
    return Map.of();
  }

  /**
   * Loads an ensemble.
   *
   * @throws io.ballast.kit.error.MeshException CORRUPT_WEIGHTS if a checksum differs, UNKNOWN_MODEL
   *     if a file is missing or is not what it should be
   */
  Opened open(Ensemble ensemble);

  /**
   * A loaded ensemble; closing the scorer frees it.
   *
   * @param apart how each lane is batched by itself, where the members run elsewhere and lanes are
   *     sorted there; empty: lanes share the server's batches
   */
  record Opened(Tokenizer tokenizer, MemberScorer scorer, Optional<Apart> apart) {}

  /**
   * How the work of one lane is batched by itself.
   *
   * @param batchTokens a batch is not made larger than this
   * @param inFlight batches under way at once
   */
  record Apart(int batchTokens, int inFlight) {}
}
