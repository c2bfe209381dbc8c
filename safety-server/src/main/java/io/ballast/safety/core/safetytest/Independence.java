package io.ballast.safety.core.safetytest;

import io.ballast.inference.store.DigestIndex;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The rule that no candidate is judged by what it was made to please: an optimised proxy is hacked,
 * and its low cost proves nothing. Nor by a judge that learned from the same labels: it has the
 * same errors.
 */
final class Independence {
  private Independence() {}

  /**
   * What a judge shares with one of the models that were optimised against.
   *
   * @param position of that model
   * @param same whether it is the judge itself
   * @param judgeLabels how many labels taught the judge; 0 if that is not said
   * @param commonLabels how many of them taught that model too; empty: it is not said, or it is the
   *     judge itself
   */
  private record Shared(
      int position, PinnedVersion model, boolean same, int judgeLabels, OptionalInt commonLabels) {
    boolean unsaid() {
      return !same && commonLabels.isEmpty();
    }
  }

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
    for (Shared each : shared(judge, optimised, labels)) {
      if (each.unsaid()) {
        notSaid.add(each.model());
      }
      int common = each.commonLabels().orElse(0);
      if (common > 0) {
        throw new MeshException(
            Fault.PRECONDITION_FAILED,
            "spec.cost_model: %s %s learned from %,d labels, of which %,d taught spec.optimised_cost_models[%d] too, %s %s (expected: 0: it has the same errors; same_cost_model allows it)"
                .formatted(
                    judge.model(),
                    judge.version(),
                    each.judgeLabels(),
                    common,
                    each.position(),
                    each.model().model(),
                    each.model().version()),
            StartRefusals.refusal(
                "COMMON_LABELS",
                Map.of(
                    "model", judge.model(),
                    "version", judge.version(),
                    "common_labels", Integer.toString(common))));
      }
    }
    return notSaid;
  }

  /** Says what {@link #require} would refuse, where the spec allows it. */
  static JudgeDependence dependence(
      PinnedVersion judge, List<PinnedVersion> optimised, LearnedLabels labels) {
    List<Shared> shared = shared(judge, optimised, labels);
    return new JudgeDependence(
        shared.stream().anyMatch(Shared::same),
        shared.stream().mapToInt(each -> each.commonLabels().orElse(0)).max().orElse(0),
        (int) shared.stream().filter(Shared::unsaid).count());
  }

  private static List<Shared> shared(
      PinnedVersion judge, List<PinnedVersion> optimised, LearnedLabels labels) {
    Optional<DigestIndex> judged = labels.of(judge);
    List<Shared> shared = new ArrayList<>();
    for (int i = 0; i < optimised.size(); i++) {
      PinnedVersion model = optimised.get(i);
      boolean same = sameModel(judge, model);
      Optional<DigestIndex> learned = same ? Optional.empty() : labels.of(model);
      OptionalInt common =
          judged.isEmpty() || learned.isEmpty()
              ? OptionalInt.empty()
              : OptionalInt.of(judged.get().common(learned.get()));
      shared.add(new Shared(i, model, same, judged.map(DigestIndex::size).orElse(0), common));
    }
    return shared;
  }

  private static void requireAnother(PinnedVersion judge, List<PinnedVersion> optimised) {
    for (int i = 0; i < optimised.size(); i++) {
      if (sameModel(judge, optimised.get(i))) {
        throw new MeshException(
            Fault.PRECONDITION_FAILED,
            "spec.cost_model: %s %s is spec.optimised_cost_models[%d], which the candidate's run optimised against; choose another version, or allow it by same_cost_model"
                .formatted(judge.model(), judge.version(), i),
            StartRefusals.refusal(
                "SAME_COST_MODEL", Map.of("model", judge.model(), "version", judge.version())));
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
