package io.ballast.reward.core;

import java.util.List;
import java.util.OptionalDouble;

/**
 * One of several objectives that the members of an ensemble judge by, each with a head of its own.
 *
 * @param name of the objective
 * @param weight of its normalised score in a member's sum, finite, not 0
 * @param members shape [K]: their scales and figures by this objective alone
 * @param heldOutAccuracy of the lowest normalised member by it in ranking two completions of one
 *     prompt, 0 to 1; empty where it was not measured
 */
public record Objective(
    String name, double weight, List<Member> members, OptionalDouble heldOutAccuracy) {
  public Objective {
    members = List.copyOf(members);
  }
}
