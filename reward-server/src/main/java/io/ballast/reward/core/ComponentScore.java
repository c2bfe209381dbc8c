package io.ballast.reward.core;

import io.ballast.kit.call.PromptCut;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What one part of a composite's reward is, and what it rests on; or what an ensemble's members
 * said by one of its objectives.
 *
 * @param name of the component, or the objective
 * @param weight the product of the weights of the sums on the way to it
 * @param outcome a finite value, or why there is none
 * @param time how long it took; of one that judges many items at once, for all of them
 * @param voices of a learned component and of an objective: what the members said
 */
public record ComponentScore(
    String name, double weight, ComponentOutcome outcome, Duration time, Optional<Voices> voices) {
  /**
   * What an ensemble's members said.
   *
   * @param members who they are, shape [K]
   * @param judgements what they said, in the same order; empty if none was asked
   * @param spread the standard deviation of what was aggregated; empty with a failure
   * @param cut what they did not see of the prompt; empty if they saw all of it
   */
  public record Voices(
      List<Member> members,
      List<MemberJudgement> judgements,
      OptionalDouble spread,
      Optional<PromptCut> cut) {
    public Voices {
      members = List.copyOf(members);
      judgements = List.copyOf(judgements);
    }
  }
}
