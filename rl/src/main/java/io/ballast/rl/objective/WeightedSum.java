package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Objectives added up: PPO plus a KL penalty less an entropy bonus is one objective again.
 *
 * <p>A learner that works group by group walks the {@link #terms()}, each with its own share.
 *
 * @param terms at least one; a sum among them is taken apart, so that none is a sum; where two
 *     report the same metric, the earlier one's is kept
 */
public record WeightedSum(List<Term> terms) implements Objective {
  /**
   * One summand.
   *
   * @param weight finite
   * @param objective what is weighed
   */
  public record Term(double weight, Objective objective) {
    /** Checks the range above. */
    public Term {
      Require.finite(weight, "weight");
    }

    private Stream<Term> flat() {
      return objective.terms().stream()
          .map(term -> new Term(weight * term.weight(), term.objective()));
    }
  }

  /** Copies the list, sums taken apart; refuses an empty one. */
  public WeightedSum {
    terms = terms.stream().flatMap(Term::flat).toList();
    Require.atLeast(terms.size(), 1, "terms");
  }

  /** A sum that begins with {@code objective}. */
  public static WeightedSum of(Objective objective) {
    return new WeightedSum(List.of(new Term(1, objective)));
  }

  @Override
  public WeightedSum plus(double weight, Objective other) {
    List<Term> more = new ArrayList<>(terms);
    more.add(new Term(weight, other));
    return new WeightedSum(more);
  }

  @Override
  public Set<PerTokenName> requires() {
    Set<PerTokenName> names = EnumSet.noneOf(PerTokenName.class);
    terms.forEach(term -> names.addAll(term.objective().requires()));
    return names;
  }

  /**
   * {@inheritDoc}
   *
   * <p>That of the terms, if they agree.
   */
  @Override
  public MeanOver meanOver() {
    return agreed(Objective::meanOver);
  }

  @Override
  public double countIn(Group group) {
    return agreed(objective -> objective.countIn(group));
  }

  private <T> T agreed(Function<Objective, T> ask) {
    List<T> answers = terms.stream().map(term -> ask.apply(term.objective())).distinct().toList();
    if (answers.size() > 1) {
      throw new UnsupportedOperationException(
          "the terms of the sum are means over different things, "
              + answers
              + ": walk terms() and weigh each with its own share");
    }
    return answers.getFirst();
  }

  @Override
  public ObjectiveResult evaluate(Batch batch) {
    ObjectiveResult.Builder sum = ObjectiveResult.builder(batch);
    List<Sample> samples = batch.samples();
    for (Term term : terms.reversed()) {
      ObjectiveResult result = term.objective().evaluate(batch);
      sum.addValue(term.weight() * result.value());
      result.metrics().forEach(sum::metric);
      for (int i = 0; i < samples.size(); i++) {
        int sample = i;
        result
            .gradients()
            .get(i)
            .byName()
            .forEach(
                (name, gradient) -> {
                  for (int t = 0; t < gradient.size(); t++) {
                    sum.addGradient(sample, name, t, term.weight() * gradient.get(t));
                  }
                });
      }
    }
    return sum.build();
  }
}
