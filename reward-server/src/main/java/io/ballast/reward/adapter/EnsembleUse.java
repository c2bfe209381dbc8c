package io.ballast.reward.adapter;

import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.scoring.ScoringUse;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.Member;
import io.ballast.reward.core.MemberOutcome;
import io.ballast.rl.aggregation.MemberScale;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** What scoring models are to this server: each head is a member of an ensemble. */
public final class EnsembleUse {
  private static final String ACCURACY = "within_prompt_accuracy";

  private EnsembleUse() {}

  /** Returns it. */
  public static ScoringUse<Ensemble, CompletionScores> of() {
    return new ScoringUse<>(
        ScoringKind.REWARD_ENSEMBLE,
        EnsembleUse::ensemble,
        EnsembleUse::judged,
        CompletionScores.Refused::new);
  }

  private static Ensemble ensemble(PinnedVersion id, ScoringSpec spec) {
    List<Member> members = new ArrayList<>();
    for (int k = 0; k < spec.heads(); k++) {
      members.add(
          new Member(
              new PinnedVersion(id.model() + "/" + k, id.version(), id.weightsSha256()),
              new MemberScale(
                  spec.normalizations().get(k).mean(), spec.normalizations().get(k).std()),
              spec.inverseTemperature(k),
              figure(spec.heldOutMembers().get(k), ACCURACY)));
    }
    return new Ensemble(
        id, members, spec.promptTokens(), figure(spec.heldOut(), "cautious_" + ACCURACY));
  }

  private static OptionalDouble figure(Map<String, Double> figures, String name) {
    Double value = figures.get(name);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  private static CompletionScores judged(List<Float> scores) {
    List<MemberOutcome> members = new ArrayList<>(scores.size());
    scores.forEach(score -> members.add(new MemberOutcome.Raw(score)));
    return new CompletionScores.Judged(members);
  }
}
