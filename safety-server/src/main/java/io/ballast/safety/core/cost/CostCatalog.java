package io.ballast.safety.core.cost;

import io.ballast.inference.scoring.CatalogNames;
import io.ballast.inference.scoring.ScoringCatalog;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.batching.QueueLimits;
import java.util.function.LongSupplier;

/** The cost models of this server. */
public final class CostCatalog extends ScoringCatalog<CostModel, HeadScores> {
  /**
   * @param source stays its owner's
   */
  public CostCatalog(
      ScoringSource<CostModel, HeadScores> source,
      CostSettings settings,
      QueueLimits queueLimits,
      LongSupplier nanoTime) {
    super(
        source,
        new CatalogNames(
            "cost model",
            "cost_model",
            settings.defaultModel(),
            settings.servingVersion(),
            "ballast.safety.cost-model",
            "ballast.safety.cost-version"),
        HeadScores.Refused::new,
        queueLimits,
        nanoTime);
  }
}
