package io.ballast.reward.core;

import io.ballast.inference.scoring.CatalogNames;
import io.ballast.inference.scoring.ScoringCatalog;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.batching.QueueLimits;
import java.util.function.LongSupplier;

/** The ensembles of this server. */
public final class EnsembleCatalog extends ScoringCatalog<Ensemble, CompletionScores> {
  private final RewardSettings settings;

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
    this.settings = settings;
  }

  /** The least number of members of {@code ensemble} that must answer for a value. */
  public int quorum(Ensemble ensemble) {
    int count = ensemble.members().size();
    return settings.quorum() == 0 ? count : Math.min(settings.quorum(), count);
  }
}
