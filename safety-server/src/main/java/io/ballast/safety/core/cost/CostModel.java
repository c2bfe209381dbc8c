package io.ballast.safety.core.cost;

import io.ballast.inference.scoring.ScoringModel;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.preference.PlattScaling;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A cost model that can be asked: K heads on one trunk.
 *
 * @param id name, version, checksum of the heads
 * @param folderSha256 over all files of its folder, its calibration among them, as they were when
 *     it was read; empty if it runs elsewhere
 * @param heads K, ≥ 1
 * @param promptTokens the most prompt tokens that it was trained to see; 0: all; empty: it does not
 *     say
 * @param calibration turns the highest head's score into a probability of harm; empty: the model
 *     has no boundary, and its scores order completions alone
 */
public record CostModel(
    PinnedVersion id,
    String folderSha256,
    int heads,
    OptionalInt promptTokens,
    Optional<PlattScaling> calibration)
    implements ScoringModel {
  /**
   * Returns the calibration.
   *
   * @param field of the request that names this model
   * @throws MeshException PRECONDITION_FAILED if it has none
   */
  public PlattScaling requireCalibration(String field) {
    return calibration.orElseThrow(
        () ->
            new MeshException(
                Fault.PRECONDITION_FAILED,
                ("%s: %s %s has no boundary between safe and unsafe: it learned from pairs without"
                        + " safety labels, so that neither a probability of harm nor a cost of 0"
                        + " means anything (expected: a cost trained with labels)")
                    .formatted(field, id.model(), id.version()),
                Map.of("model", id.model(), "version", id.version())));
  }
}
