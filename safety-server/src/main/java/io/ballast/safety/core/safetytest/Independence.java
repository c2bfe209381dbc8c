package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.List;
import java.util.Map;

/**
 * The rule that no candidate is judged by what it was made to please: an optimised proxy is hacked,
 * and its low cost proves nothing.
 */
final class Independence {
  private Independence() {}

  /**
   * @throws MeshException PRECONDITION_FAILED if {@code judge} is one of {@code optimised}
   */
  static void require(PinnedVersion judge, List<PinnedVersion> optimised) {
    for (int i = 0; i < optimised.size(); i++) {
      if (sameModel(judge, optimised.get(i))) {
        throw new MeshException(
            Fault.PRECONDITION_FAILED,
            "spec.cost_model: %s %s is spec.optimised_cost_models[%d], which the candidate's run optimised against; choose another version"
                .formatted(judge.model(), judge.version(), i),
            Map.of("model", judge.model(), "version", judge.version()));
      }
    }
  }

  /** Whether two are one model: of the same name and version, or of the same weights. */
  static boolean sameModel(PinnedVersion a, PinnedVersion b) {
    boolean sameName = a.model().equals(b.model()) && a.version().equals(b.version());
    boolean sameWeights =
        !a.weightsSha256().isEmpty() && a.weightsSha256().equals(b.weightsSha256());
    return sameName || sameWeights;
  }
}
