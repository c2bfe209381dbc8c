package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;
import java.util.List;

/** What the members said of one completion, or why none was asked. */
public sealed interface CompletionScores {
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
