package io.ballast.safety.core.safetytest;

import io.ballast.inference.store.DigestIndex;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The rule that no candidate is judged by what it was made to please: an optimised proxy is hacked,
 * and its low cost proves nothing. Nor by a judge that learned from the same labels: it has the
 * same errors.
 */
final class Independence {
  private Independence() {}

  /**
   * Returns of which of {@code optimised} it is not said whether they learned from the judge's
   * labels.
   *
   * @throws MeshException PRECONDITION_FAILED if {@code judge} is one of {@code optimised}, or has
   *     labels in common with one
   */
  static List<PinnedVersion> require(
      PinnedVersion judge, List<PinnedVersion> optimised, LearnedLabels labels) {
    requireAnother(judge, optimised);
    List<PinnedVersion> notSaid = new ArrayList<>();
    Optional<DigestIndex> judged = labels.of(judge);
    for (int i = 0; i < optimised.size(); i++) {
      PinnedVersion model = optimised.get(i);
      Optional<DigestIndex> learned = labels.of(model);
      if (judged.isEmpty() || learned.isEmpty()) {
        notSaid.add(model);
        continue;
      }
      int common = judged.get().common(learned.get());
      if (common > 0) {
        throw new MeshException(
            Fault.PRECONDITION_FAILED,
            "spec.cost_model: %s %s learned from %,d labels, of which %,d taught spec.optimised_cost_models[%d] too, %s %s (expected: 0: it has the same errors)"
                .formatted(
                    judge.model(),
                    judge.version(),
                    judged.get().size(),
                    common,
                    i,
                    model.model(),
                    model.version()),
            Map.of(
                "model", judge.model(),
                "version", judge.version(),
                "common_labels", Integer.toString(common)));
      }
    }
    return notSaid;
  }

  private static void requireAnother(PinnedVersion judge, List<PinnedVersion> optimised) {
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
