package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An objective of the completions in some roles alone, as if the others were not there.
 *
 * <p>The likelihood of the chosen in SLiC-HF and ORPO is {@link WeightedLikelihood} of {@link
 * SampleRole#CHOSEN}, the pre-training term of PPO-ptx that of {@link SampleRole#DEMONSTRATION}.
 * The others need not carry what the objective reads, and their gradient is 0.
 *
 * @param roles at least one
 * @param objective of these
 */
public record OfRoles(Set<SampleRole> roles, Objective objective) implements Objective {
  /** Copies the set; refuses an empty one. */
  public OfRoles {
    if (roles.isEmpty()) {
      throw new IllegalArgumentException("roles: no elements (expected: at least one)");
    }
    roles = Collections.unmodifiableSet(EnumSet.copyOf(roles));
  }

  /** {@code objective} of the completions in {@code role}. */
  public static OfRoles only(SampleRole role, Objective objective) {
    return new OfRoles(Set.of(role), objective);
  }

  @Override
  public Set<PerTokenName> requires() {
    return objective.requires();
  }

  @Override
  public MeanOver meanOver() {
    return objective.meanOver();
  }

  @Override
  public double countIn(Group group) {
    return kept(group).map(objective::countIn).orElse(0.0);
  }

  @Override
  public List<WeightedSum.Term> terms() {
    return objective.terms().stream()
        .map(term -> new WeightedSum.Term(term.weight(), new OfRoles(roles, term.objective())))
        .toList();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException also if no completion is in one of the roles
   */
  @Override
  public ObjectiveResult evaluate(Batch batch) {
    List<Group> groups = batch.groups().stream().map(this::kept).flatMap(Optional::stream).toList();
    if (groups.isEmpty()) {
      throw new IllegalArgumentException(
          "batch: no sample is one of " + roles + " (expected: at least one)");
    }
    ObjectiveResult result = objective.evaluate(new Batch(groups));
    List<SampleGradient> gradients = new ArrayList<>();
    int next = 0;
    for (Sample sample : batch.samples()) {
      gradients.add(
          roles.contains(sample.role())
              ? result.gradients().get(next++)
              : new SampleGradient(sample.size(), Map.of()));
    }
    return new ObjectiveResult(result.value(), gradients, result.metrics());
  }

  private Optional<Group> kept(Group group) {
    List<Sample> samples =
        group.samples().stream().filter(sample -> roles.contains(sample.role())).toList();
    return samples.isEmpty() ? Optional.empty() : Optional.of(new Group(group.groupId(), samples));
  }
}
