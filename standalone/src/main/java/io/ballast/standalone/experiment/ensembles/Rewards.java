package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.api.TokenIds;
import java.util.List;
import java.util.Optional;

/** What a policy is optimised against: one ensemble, aggregated one way. */
@FunctionalInterface
interface Rewards {
  /** A completion of a prompt. */
  record Item(TokenIds prompt, TokenIds completion) {}

  /**
   * What is said of a completion.
   *
   * @param value the reward that is optimised
   * @param members what each member says, normalised
   */
  record Reward(double value, List<Double> members) {
    /** Copies the list. */
    public Reward {
      members = List.copyOf(members);
    }
  }

  /** Returns rewards in the order of the items; nothing where an item has none. */
  List<Optional<Reward>> of(List<Item> items);
}
