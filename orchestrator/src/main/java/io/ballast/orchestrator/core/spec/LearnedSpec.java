package io.ballast.orchestrator.core.spec;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The spec of a run that has learned, without the keys that only learning reads. */
final class LearnedSpec {
  private static final List<String> OF_LEARNING =
      Stream.concat(
              Stream.of(RecipeSpecReader.KEYS),
              Stream.of(
                  "costs",
                  "budget",
                  "stop",
                  "evaluation",
                  "early_stop",
                  "candidate",
                  "learning_rate",
                  "schedule",
                  "optimizer",
                  "adapters",
                  "average",
                  "critic",
                  "ptx"))
          .toList();
  private static final List<String> OF_A_TEST = List.of("enabled", "name", "cost", "test");
  private static final String CONSTRAINT = "constraint";
  private static final String CONSTRAINTS = "constraints";

  private LearnedSpec() {}

  /** Returns {@code tree} without them; what is no spec at all stays as it is. */
  static @Nullable Object of(@Nullable Object tree) {
    if (!(tree instanceof Map<?, ?> map)) {
      return tree;
    }
    Map<Object, @Nullable Object> rest = new LinkedHashMap<>(map);
    OF_LEARNING.forEach(rest::remove);
    if (rest.get(CONSTRAINTS) instanceof List<?> several) {
      rest.put(CONSTRAINTS, several.stream().map(LearnedSpec::priceless).toList());
    } else {
      Object one = rest.get(CONSTRAINT);
      rest.put(CONSTRAINT, priceless(one == null ? Map.of() : one));
    }
    return rest;
  }

  /** A constraint by the method that reads the fewest keys: no price moves any more. */
  private static @Nullable Object priceless(@Nullable Object constraint) {
    if (!(constraint instanceof Map<?, ?> map)) {
      return constraint;
    }
    Map<Object, @Nullable Object> rest = new LinkedHashMap<>(map);
    rest.keySet().retainAll(OF_A_TEST);
    rest.put("method", ConstraintMethod.FIXED_PENALTY.name());
    return rest;
  }
}
