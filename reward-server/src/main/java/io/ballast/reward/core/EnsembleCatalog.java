package io.ballast.reward.core;

import io.ballast.inference.scoring.CatalogNames;
import io.ballast.inference.scoring.ScoringCatalog;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.batching.QueueLimits;
import java.util.function.LongSupplier;

/** The ensembles of this server. */
public final class EnsembleCatalog extends ScoringCatalog<Ensemble, CompletionScores> {
  /**
   * @param source stays its owner's
   */
  public EnsembleCatalog(
      ScoringSource<Ensemble, CompletionScores> source,
      RewardSettings settings,
      QueueLimits queueLimits,
      LongSupplier nanoTime) {
    super(
        source,
        new CatalogNames(
            "reward ensemble",
            "reward_model",
            settings.defaultModel(),
            settings.servingVersion(),
            "ballast.reward.default-model",
            "ballast.reward.serving-version"),
        CompletionScores.Refused::new,
        queueLimits,
        nanoTime);
  }
}
