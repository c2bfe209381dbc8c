package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import java.util.List;
import java.util.Set;

/**
 * A loss, to be minimised, with its gradient with respect to the numbers of each token.
 *
 * <p>The learner runs the model forward, fills in {@link PerTokenName#CURRENT_LOG_PROB} (and
 * entropies or values where asked), calls {@link #evaluate} and back-propagates Σ gᵗ·logpᵗ. So an
 * algorithm never sees a model, and a remote trainer can do the same over the wire. Policy
 * gradients, preference losses, weighted likelihood and penalties all have this one shape and add
 * up ({@link WeightedSum}).
 *
 * <p>Implementations are immutable and free of side effects: any thread may call them.
 */
public interface Objective {
  /** The per-token numbers that {@link #evaluate} reads and that a batch must therefore carry. */
  Set<PerTokenName> requires();

  /**
   * Returns the loss of {@code batch} and its gradient.
   *
   * @throws IllegalArgumentException naming a number that is absent or a group whose completions do
   *     not play the roles that the objective needs
   */
  ObjectiveResult evaluate(Batch batch);

  /**
   * Returns what the loss is the mean over, so that a learner can compute it group by group: loss
   * and gradient of a batch are those of each group alone, weighed with the group's share of {@link
   * #countIn} and added up. A group without a share is left out: alone it is refused.
   *
   * @throws UnsupportedOperationException if terms of a sum are means over different things: walk
   *     {@link #terms()} then
   */
  MeanOver meanOver();

  /**
   * Returns how many of what {@link #meanOver} says {@code group} has, ≥ 0. Only masks and roles
   * are read, so it is known before the model has run.
   *
   * @throws UnsupportedOperationException if terms of a sum count differently: walk {@link
   *     #terms()} then
   */
  default double countIn(Group group) {
    return meanOver().countIn(group);
  }

  /** Returns the summands, none of them a sum: this objective alone, unless it is one. */
  default List<WeightedSum.Term> terms() {
    return List.of(new WeightedSum.Term(1, this));
  }

  /** Returns {@code this + weight·other}. */
  default Objective plus(double weight, Objective other) {
    return WeightedSum.of(this).plus(weight, other);
  }
}
