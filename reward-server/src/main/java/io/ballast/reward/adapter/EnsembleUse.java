package io.ballast.reward.adapter;

import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.scoring.ScoringUse;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.Member;
import io.ballast.reward.core.MemberOutcome;
import io.ballast.reward.core.Objective;
import io.ballast.rl.aggregation.MemberScale;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** What scoring models are to this server: what they score is a member each. */
public final class EnsembleUse {
  private static final String ACCURACY = "within_prompt_accuracy";
  private static final String CAUTIOUS_ACCURACY = "cautious_within_prompt_accuracy";

  private EnsembleUse() {}

  /** Returns it. */
  public static ScoringUse<Ensemble, CompletionScores> of() {
    return new ScoringUse<>(
        ScoringKind.REWARD_ENSEMBLE,
        (id, spec, folder, notes) -> ensemble(id, spec, notes),
        EnsembleUse::judged,
        CompletionScores.Refused::new);
  }

  private static Ensemble ensemble(PinnedVersion id, ScoringSpec spec, Map<String, String> notes) {
    return new Ensemble(
        id,
        members(id, spec.normalizations(), spec.inverseTemperatures(), spec.heldOutMembers()),
        spec.promptTokens(),
        figure(spec.heldOut(), CAUTIOUS_ACCURACY),
        spec.objectives().stream()
            .map(
                objective ->
                    new Objective(
                        objective.name(),
                        objective.weight(),
                        members(
                            id,
                            objective.normalizations(),
                            objective.inverseTemperatures(),
                            objective.heldOutMembers()),
                        figure(objective.heldOut(), CAUTIOUS_ACCURACY)))
            .toList(),
        FolderRewardTrainer.owner(notes));
  }

  private static List<Member> members(
      PinnedVersion id,
      List<Normalization> normalizations,
      List<Double> inverseTemperatures,
      List<Map<String, Double>> heldOut) {
    List<Member> members = new ArrayList<>();
    for (int k = 0; k < normalizations.size(); k++) {
      members.add(
          new Member(
              new PinnedVersion(id.model() + "/" + k, id.version(), id.weightsSha256()),
              new MemberScale(normalizations.get(k).mean(), normalizations.get(k).std()),
              inverseTemperatures.isEmpty()
                  ? OptionalDouble.empty()
                  : OptionalDouble.of(inverseTemperatures.get(k)),
              figure(heldOut.get(k), ACCURACY)));
    }
    return members;
  }

  private static OptionalDouble figure(Map<String, Double> figures, String name) {
    Double value = figures.get(name);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  private static CompletionScores judged(ScoreOutcome.Scored scored) {
    List<MemberOutcome> members = new ArrayList<>(scored.scores().size());
    for (int k = 0; k < scored.scores().size(); k++) {
      members.add(
          new MemberOutcome.Raw(
              scored.scores().get(k),
              scored.objectives().isEmpty()
                  ? List.of()
                  : scored.objectives().get(k).stream().map(Float::doubleValue).toList()));
    }
    return new CompletionScores.Judged(members);
  }
}
