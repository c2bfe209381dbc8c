package io.ballast.reward.core;

import io.ballast.kit.call.PhaseTimes;
import java.util.List;

/**
 * One item's reward and what it is made of.
 *
 * @param itemId the item
 * @param reward a value, or why there is none
 * @param members shape [K] in the ensemble's order; empty if no member was asked
 * @param times where the item's time went
 */
public record ScoredItem(
    String itemId, Reward reward, List<MemberJudgement> members, PhaseTimes times) {
  public ScoredItem {
    members = List.copyOf(members);
  }
}
