package io.ballast.reward.core;

import io.ballast.inference.api.Tokenizer;
import java.util.List;

/** Where ensembles come from. */
public interface EnsembleSource {
  /** The ensembles that can be opened, by name and version. */
  List<Ensemble> list();

  /**
   * Loads an ensemble.
   *
   * @throws io.ballast.kit.error.MeshException CORRUPT_WEIGHTS if a checksum differs, UNKNOWN_MODEL
   *     if a file is missing or is not what it should be
   */
  Opened open(Ensemble ensemble);

  /** A loaded ensemble; closing the scorer frees it. */
  record Opened(Tokenizer tokenizer, MemberScorer scorer) {}
}
