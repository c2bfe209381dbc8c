package io.ballast.safety.core.cost;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.batching.BatchEngine;
import java.util.List;

/** Where cost models come from. Thread-safe. */
public interface CostModelSource {
  /** The cost models that can be opened, as far as they are known, by name and version. */
  List<CostModel> list();

  /** Looks again for models that have come since. */
  void refresh();

  /**
   * Loads a model.
   *
   * @throws io.ballast.kit.error.MeshException CORRUPT_WEIGHTS if a checksum differs, UNKNOWN_MODEL
   *     if a file is missing or is not what it should be
   */
  Opened open(CostModel model);

  /** A loaded model; closing the engine frees it. */
  record Opened(Tokenizer tokenizer, BatchEngine<TokenIds, TokenIds, HeadScores> engine) {}
}
