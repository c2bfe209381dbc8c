package io.ballast.reward.core;

import io.ballast.inference.scoring.ScoreSharing;
import io.ballast.kit.call.ItemFault;
import java.util.List;

/** What the members said of one completion, or why none was asked. */
public sealed interface CompletionScores {
  /** How they are shared: what every member said, finite, is kept. */
  static ScoreSharing<CompletionScores> sharing() {
    return new ScoreSharing<>(
        CompletionScores::isWhole, CompletionScores::bytes, CompletionScores.Refused::new);
  }

  private static boolean isWhole(CompletionScores scores) {
    return scores instanceof Judged judged
        && judged.members().stream()
            .allMatch(
                member -> member instanceof MemberOutcome.Raw raw && Double.isFinite(raw.score()));
  }

  private static int bytes(CompletionScores scores) {
    return 64
        + (scores instanceof Judged judged
            ? judged.members().stream().mapToInt(CompletionScores::bytes).sum()
            : 0);
  }

  private static int bytes(MemberOutcome member) {
    return member instanceof MemberOutcome.Raw raw && !raw.objectives().isEmpty()
        ? 72 + 24 * raw.objectives().size()
        : 32;
  }

  /**
   * The members' words.
   *
   * @param members shape [K], in the ensemble's order
   */
  record Judged(List<MemberOutcome> members) implements CompletionScores {
    public Judged {
      members = List.copyOf(members);
    }
  }

  /** The completion could not be scored by any member. */
  record Refused(ItemFault fault) implements CompletionScores {}
}
