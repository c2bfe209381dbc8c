package io.ballast.reward.component;

import java.util.List;
import java.util.function.ObjDoubleConsumer;
import java.util.function.ToDoubleFunction;

/** How the values of components become one reward: a tree, without state. */
public sealed interface Expression {
  /**
   * The value.
   *
   * @param components the finite value of each component, by name
   * @return not finite if the arithmetic overflows
   */
  double value(ToDoubleFunction<String> components);

  /**
   * Tells each component that stands in the tree, wherever it stands.
   *
   * @param told with the product of {@code weight} and the weights of the sums on the way to it
   */
  void visit(double weight, ObjDoubleConsumer<String> told);

  /** A component's value. */
  record Of(String component) implements Expression {
    @Override
    public double value(ToDoubleFunction<String> components) {
      return components.applyAsDouble(component);
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {
      told.accept(component, weight);
    }
  }

  /** A number that is always the same. */
  record Constant(double value) implements Expression {
    @Override
    public double value(ToDoubleFunction<String> components) {
      return value;
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {}
  }

  /** Σ wᵢ·xᵢ. */
  record WeightedSum(List<Term> terms) implements Expression {
    public WeightedSum {
      terms = List.copyOf(terms);
    }

    /** One of its terms. */
    record Term(double weight, Expression of) {}

    @Override
    public double value(ToDoubleFunction<String> components) {
      double sum = 0;
      for (Term term : terms) {
        sum += term.weight() * term.of().value(components);
      }
      return sum;
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {
      terms.forEach(term -> term.of().visit(weight * term.weight(), told));
    }
  }

  /** Π xᵢ. */
  record Product(List<Expression> factors) implements Expression {
    public Product {
      factors = List.copyOf(factors);
    }

    @Override
    public double value(ToDoubleFunction<String> components) {
      double product = 1;
      for (Expression factor : factors) {
        product *= factor.value(components);
      }
      return product;
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {
      factors.forEach(factor -> factor.visit(weight, told));
    }
  }

  /** The lowest: no part makes up for another. */
  record Min(List<Expression> of) implements Expression {
    public Min {
      of = List.copyOf(of);
    }

    @Override
    public double value(ToDoubleFunction<String> components) {
      double least = Double.POSITIVE_INFINITY;
      for (Expression each : of) {
        least = Math.min(least, each.value(components));
      }
      return least;
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {
      of.forEach(each -> each.visit(weight, told));
    }
  }

  /** x, at least {@code low} and at most {@code high}. */
  record Clip(Expression of, double low, double high) implements Expression {
    @Override
    public double value(ToDoubleFunction<String> components) {
      return Math.clamp(of.value(components), low, high);
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {
      of.visit(weight, told);
    }
  }

  /** (x − mean) / std, both stated beforehand. */
  record Standardise(Expression of, double mean, double std) implements Expression {
    @Override
    public double value(ToDoubleFunction<String> components) {
      return (of.value(components) - mean) / std;
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {
      of.visit(weight, told);
    }
  }

  /**
   * One thing where a verifier says yes, another where it says no.
   *
   * <p>Source: Han et al. 2025 (RLUF), arXiv:2505.14946: a reward that is optimised beside a judge
   * of safety is worth nothing where that judge says no. That it is a hard gate is our choice.
   *
   * @param atLeast from here on it is a yes
   */
  record Gate(Expression verifier, double atLeast, Expression then, Expression otherwise)
      implements Expression {
    @Override
    public double value(ToDoubleFunction<String> components) {
      return (verifier.value(components) >= atLeast ? then : otherwise).value(components);
    }

    @Override
    public void visit(double weight, ObjDoubleConsumer<String> told) {
      verifier.visit(weight, told);
      then.visit(weight, told);
      otherwise.visit(weight, told);
    }
  }
}
