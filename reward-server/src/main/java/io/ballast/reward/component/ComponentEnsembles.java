package io.ballast.reward.component;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import java.util.Map;

/** The ensembles as components ask them: a composite among them is refused by its name. */
record ComponentEnsembles(RewardScorer ensembles, CompositeCatalog composites)
    implements RewardScorer {
  @Override
  public ScoreAnswer score(ScoreCommand command, CallPatience patience) {
    composites
        .find(command.ensemble())
        .ifPresent(
            composite -> {
              throw new MeshException(
                  Fault.UNKNOWN_MODEL,
                  "%s/%s is a composite, and composites do not nest (expected: an ensemble)"
                      .formatted(composite.id().model(), composite.id().version()),
                  Map.of("model", composite.id().model()));
            });
    return ensembles.score(command, patience);
  }

  @Override
  public int maxItems() {
    return ensembles.maxItems();
  }
}
