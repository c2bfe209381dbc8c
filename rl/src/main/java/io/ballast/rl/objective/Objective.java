package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerTokenName;
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

  /** Returns {@code this + weight·other}. */
  default Objective plus(double weight, Objective other) {
    return WeightedSum.of(this).plus(weight, other);
  }
}
