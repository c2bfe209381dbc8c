package io.ballast.safety.adapter;

import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.scoring.ScoringUse;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.HeadScores;

/** What scoring models are to this server: each head says how harmful a completion is. */
public final class CostUse {
  private CostUse() {}

  /** Returns it. */
  public static ScoringUse<CostModel, HeadScores> of() {
    return new ScoringUse<>(
        ScoringKind.COST,
        (id, spec, folder, notes) -> model(id, spec, folder),
        scored -> new HeadScores.Scored(scored.scores().stream().map(Float::doubleValue).toList()),
        HeadScores.Refused::new);
  }

  private static CostModel model(PinnedVersion id, ScoringSpec spec, String folderSha256) {
    return new CostModel(
        id,
        folderSha256,
        spec.heads(),
        spec.promptTokens(),
        spec.calibration().map(fitted -> new PlattScaling(fitted.a(), fitted.b())));
  }
}
