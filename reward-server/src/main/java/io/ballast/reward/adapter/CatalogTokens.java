package io.ballast.reward.adapter;

import io.ballast.inference.scoring.ScoringCatalog.Served;
import io.ballast.inference.scoring.ScoringInput;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.LoadedVersions.Lease;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.component.TokenCounts;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleCatalog;
import java.util.Map;

/** Counts tokens with the tokenizers of the ensembles that are loaded. */
public final class CatalogTokens implements TokenCounts {
  private final EnsembleCatalog catalog;

  /** Uses the ensembles of {@code catalog}, which stays its owner's. */
  public CatalogTokens(EnsembleCatalog catalog) {
    this.catalog = catalog;
  }

  @Override
  public int of(PinnedVersion ensemble, String text, CallPatience patience) {
    VersionSelector selector = VersionSelector.version(ensemble.model(), ensemble.version());
    try (Lease<Served<Ensemble, CompletionScores>> lease = catalog.find(selector, patience)) {
      return switch (lease.value().input()) {
        case ScoringInput.Parts parts -> parts.tokenizer().encode(text).size();
        case ScoringInput.Whole whole ->
            throw new MeshException(
                Fault.PRECONDITION_FAILED,
                "%s reads prompt and completion as one text, and counts no completion's tokens"
                    .formatted(ensemble.model()),
                Map.of("model", ensemble.model()));
      };
    }
  }
}
