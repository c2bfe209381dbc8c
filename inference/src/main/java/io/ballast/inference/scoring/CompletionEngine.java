package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import java.util.List;

/**
 * K heads on one trunk, in one pass, here or on a server elsewhere, as a queue runs them.
 *
 * @param <R> what comes of a completion
 */
public final class CompletionEngine<R> implements BatchEngine<TokenIds, TokenIds, R> {
  private final CompletionScorer scorer;
  private final ScoringUse<?, R> use;

  /** Takes over {@code scorer}, which is closed with this. */
  public CompletionEngine(CompletionScorer scorer, ScoringUse<?, R> use) {
    this.scorer = scorer;
    this.use = use;
  }

  @Override
  public List<List<R>> run(List<BatchGroup<TokenIds, TokenIds>> groups, CallPatience callers) {
    List<ScoringGroup> asked =
        groups.stream().map(group -> new ScoringGroup(group.key(), group.items())).toList();
    return scorer.score(asked, callers).stream()
        .map(group -> group.stream().map(this::result).toList())
        .toList();
  }

  private R result(ScoreOutcome outcome) {
    return switch (outcome) {
      case ScoreOutcome.Scored scored -> use.scored().apply(scored);
      case Refusal refusal ->
          use.refused().apply(new ItemFault(reason(refusal.reason()), refusal.detail()));
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
