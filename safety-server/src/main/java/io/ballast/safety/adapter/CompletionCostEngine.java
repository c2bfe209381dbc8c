package io.ballast.safety.adapter;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.call.ItemFault;
import io.ballast.safety.core.cost.HeadScores;
import java.util.List;

/** The heads of one cost model, in one pass, here or on a server elsewhere. */
public final class CompletionCostEngine implements BatchEngine<TokenIds, TokenIds, HeadScores> {
  private final CompletionScorer scorer;

  /** Takes over {@code scorer}, which is closed with this. */
  public CompletionCostEngine(CompletionScorer scorer) {
    this.scorer = scorer;
  }

  @Override
  public List<List<HeadScores>> run(List<BatchGroup<TokenIds, TokenIds>> groups) {
    List<ScoringGroup> asked =
        groups.stream().map(group -> new ScoringGroup(group.key(), group.items())).toList();
    return scorer.score(asked).stream()
        .map(group -> group.stream().map(CompletionCostEngine::scores).toList())
        .toList();
  }

  private static HeadScores scores(ScoreOutcome outcome) {
    return switch (outcome) {
      case ScoreOutcome.Scored scored ->
          new HeadScores.Scored(scored.scores().stream().map(Float::doubleValue).toList());
      case Refusal refusal ->
          new HeadScores.Refused(new ItemFault(reason(refusal.reason()), refusal.detail()));
    };
  }

  private static ItemFault.Reason reason(Refusal.Reason reason) {
    return switch (reason) {
      case EMPTY, INVALID_TOKEN -> ItemFault.Reason.INVALID_INPUT;
      case TOO_LONG -> ItemFault.Reason.TOO_LONG;
      case NOT_FINITE -> ItemFault.Reason.MODEL_ERROR;
    };
  }

  @Override
  public void close() {
    scorer.close();
  }
}
