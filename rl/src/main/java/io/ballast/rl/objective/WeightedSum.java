package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Objectives added up: PPO plus a KL penalty less an entropy bonus is one objective again.
 *
 * @param terms at least one; where two report the same metric, the earlier one's is kept
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
  }

  /** Copies the list; refuses an empty one. */
  public WeightedSum {
    terms = List.copyOf(terms);
    Require.atLeast(terms.size(), 1, "terms");
  }

  /** A sum that begins with {@code objective}. */
  public static WeightedSum of(Objective objective) {
    return objective instanceof WeightedSum sum
        ? sum
        : new WeightedSum(List.of(new Term(1, objective)));
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
