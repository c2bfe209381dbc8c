package io.ballast.reward.core;

import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.call.PromptCut;
import java.util.List;
import java.util.Optional;

/**
 * One item's reward and what it is made of.
 *
 * @param itemId the item
 * @param reward a value, or why there is none
 * @param members shape [K] in the ensemble's order; empty if no member was asked, and of a
 *     composite
 * @param cut what the members did not see of the prompt; empty if they saw all of it
 * @param fromCache whether the members had said it before, of the same tokens
 * @param components what each part of a composite said, in its order, or what the members of an
 *     ensemble said by each of its objectives; empty of one that has none
 * @param times where the item's time went
 */
public record ScoredItem(
    String itemId,
    Reward reward,
    List<MemberJudgement> members,
    Optional<PromptCut> cut,
    boolean fromCache,
    List<ComponentScore> components,
    PhaseTimes times) {
  public ScoredItem {
    members = List.copyOf(members);
    components = List.copyOf(components);
  }

  /** An item that an ensemble judged. */
  public ScoredItem(
      String itemId,
      Reward reward,
      List<MemberJudgement> members,
      Optional<PromptCut> cut,
      boolean fromCache,
      PhaseTimes times) {
    this(itemId, reward, members, cut, fromCache, List.of(), times);
  }
}
