package io.ballast.orchestrator.core.spec;

import io.ballast.kit.redaction.PlainWords;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import org.jspecify.annotations.Nullable;

/** Reads the section {@code budget} of a spec. */
final class BudgetSpecReader {
  private static final double MAX_TOKENS = 1e15; // still exact as a double
  private static final Duration MAX_TIME = Duration.ofDays(3_650);
  private static final String PRICE = "price";
  private static final String POSITIVE = "> 0";

  private BudgetSpecReader() {}

  static BudgetSpec read(SpecNode root) {
    SpecNode node = root.child("budget", "tokens", "time", "money", PRICE);
    SpecNode price = node.child(PRICE, "per_hour");
    if (node.has("money") && !price.has("per_hour")) {
      throw node.flaw("money", "without a price", "price.per_hour beside it, in the same unit");
    }
    return new BudgetSpec(
        tokens(node), time(node), amount(node, "money"), amount(price, "per_hour"));
  }

  private static @Nullable Long tokens(SpecNode node) {
    return node.has("tokens")
        ? Long.valueOf(
            (long)
                node.requiredNumber(
                    "tokens",
                    v -> v == Math.rint(v) && v >= 1 && v <= MAX_TOKENS,
                    "a whole number, 1 to 10^15"))
        : null;
  }

  private static @Nullable Double amount(SpecNode node, String key) {
    return node.has(key) ? Double.valueOf(node.requiredNumber(key, v -> v > 0, POSITIVE)) : null;
  }

  private static @Nullable Duration time(SpecNode node) {
    if (!node.has("time")) {
      return null;
    }
    String expected = "a duration such as PT2H30M, above 0, at most 10 years";
    String text = node.text("time", "");
    try {
      Duration time = Duration.parse(text);
      if (time.isPositive() && time.compareTo(MAX_TIME) <= 0) {
        return time;
      }
    } catch (DateTimeParseException e) {
      throw node.flaw("time", PlainWords.shown(text), expected);
    }
    throw node.flaw("time", PlainWords.shown(text), expected);
  }
}
