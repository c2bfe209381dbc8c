package io.ballast.reward.adapter;

import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.kit.call.ItemFault;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.MemberOutcome;
import io.ballast.reward.core.MemberScorer;
import io.ballast.reward.core.PromptGroup;
import java.util.ArrayList;
import java.util.List;

/** K heads on one trunk, in one pass, here or on a server elsewhere. */
public final class CompletionMemberScorer implements MemberScorer {
  private final CompletionScorer scorer;

  /** Takes over {@code scorer}, which is closed with this. */
  public CompletionMemberScorer(CompletionScorer scorer) {
    this.scorer = scorer;
  }

  @Override
  public List<List<CompletionScores>> score(List<PromptGroup> groups) {
    List<ScoringGroup> asked =
        groups.stream()
            .map(group -> new ScoringGroup(group.prompt(), group.completions()))
            .toList();
    return scorer.score(asked).stream()
        .map(group -> group.stream().map(CompletionMemberScorer::scores).toList())
        .toList();
  }

  private static CompletionScores scores(ScoreOutcome outcome) {
    return switch (outcome) {
      case ScoreOutcome.Scored scored -> {
        List<MemberOutcome> members = new ArrayList<>(scored.scores().size());
        scored.scores().forEach(score -> members.add(new MemberOutcome.Raw(score)));
        yield new CompletionScores.Judged(members);
      }
      case Refusal refusal ->
          new CompletionScores.Refused(new ItemFault(reason(refusal.reason()), refusal.detail()));
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
