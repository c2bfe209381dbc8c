package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.flow.ComparisonResult.Arm;
import io.ballast.standalone.demo.measure.Comparison;
import io.ballast.standalone.demo.measure.Interval;
import io.ballast.standalone.demo.measure.Metric;
import io.ballast.standalone.demo.measure.Proxies;
import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.Suggestion.Fate;
import io.ballast.workshop.programmer.Outcome;
import java.util.Locale;

/** What the terminal says in the end, in plain words and numbers. */
public final class SummaryText {
  private SummaryText() {}

  /** Returns what became of the first suggestions. */
  public static String of(FirstSuggestions first) {
    return String.format(
            Locale.ROOT,
            """

                 %,d asked: %,d shown, %,d withheld by the gate, %,d blocked by the cost
                 of those shown: %,d accepted, %,d edited, %,d rejected; %,d events on disk; median %.0f ms""",
            first.answered().size(),
            first.count(Fate.SHOWN),
            first.count(Fate.WITHHELD),
            first.count(Fate.BLOCKED),
            first.count(Outcome.ACCEPTED),
            first.count(Outcome.EDITED),
            first.count(Outcome.REJECTED),
            first.feedbackCount(),
            first.medianMillis())
        .indent(9)
        .stripTrailing();
  }

  /** Returns the tables, the decision and its certificate. */
  public static String of(DemoResult result) {
    StringBuilder text = new StringBuilder();
    ComparisonResult comparison = result.comparison();
    text.append(
        table(
            "What a person sees, the gate in force. What is withheld is not accepted, saves and"
                + " breaks nothing.",
            comparison.inForce()));
    text.append(table("What the model writes, whatever the gate says.", comparison.asWritten()));
    text.append(
        String.format(
            Locale.ROOT,
            "%n%,d positions in %,d files, %d draws each, the same for both; [95 %% interval],"
                + " clustered by file, differences paired.%n%n",
            comparison.positionsCount(),
            comparison.filesCount(),
            result.plan().draws()));
    text.append(proxies(comparison));
    text.append('\n');
    for (RunName run : RunName.values()) {
      text.append(RunStep.show(result.run(run))).append('\n');
    }
    result
        .certificate()
        .ifPresent(
            c ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "certificate %s: %s, upper bound computed anew %.4f%n",
                        c.id(),
                        c.valid() ? "valid" : "NOT VALID",
                        c.upperBound())));
    text.append("serving now: version ").append(result.versionServing()).append('\n');
    text.append(verdict(result));
    return text.toString();
  }

  /** Returns what the numbers allow to say, no more. */
  public static String verdict(DemoResult result) {
    StringBuilder words = new StringBuilder();
    for (Metric metric : Metric.values()) {
      if (metric != Metric.WITHHELD_PERCENT) {
        Interval difference = result.comparison().inForce().row(metric).difference();
        words.append(metric.title()).append(": ");
        if (!difference.excludesZero()) {
          words.append("no difference beyond noise\n");
        } else {
          boolean better = difference.value() > 0 == metric.higherIsBetter();
          words.append(better ? "better" : "WORSE").append(", beyond its paired interval\n");
        }
      }
    }
    return words.toString();
  }

  private static String table(String title, Comparison comparison) {
    StringBuilder table = new StringBuilder("\n" + title + "\n");
    table.append(
        String.format(Locale.ROOT, "%-34s%-22s%-22s%s%n", "", "before", "after", "difference"));
    for (Comparison.Row row : comparison.rows()) {
      int decimals = row.metric().decimals();
      table.append(
          String.format(
              Locale.ROOT,
              "%-34s%-22s%-22s%s%n",
              row.metric().title(),
              show(row.before(), decimals, false),
              show(row.after(), decimals, false),
              show(row.difference(), decimals, true)));
    }
    return table.toString();
  }

  private static String proxies(ComparisonResult comparison) {
    StringBuilder table =
        new StringBuilder("What the learned judges say, beside the truth (as written):\n");
    table.append(
        String.format(
            Locale.ROOT,
            "%-14s%-22s%-22s%-22s%s%n",
            "",
            "reward (proxy)",
            "accepted % (true)",
            "harm % (proxy)",
            "parse-breaking % (true)"));
    for (Arm arm : Arm.values()) {
      Proxies of = comparison.proxies().get(arm);
      if (of != null) {
        table.append(
            String.format(
                Locale.ROOT,
                "%-14s%-22s%-22s%-22s%s%n",
                arm.title(),
                show(of.reward(), 2, true),
                show(of.accepted(), 1, false),
                show(percent(of.cost()), 1, false),
                show(of.breaking(), 1, false)));
      }
    }
    return table.toString();
  }

  /** Returns a share in percent. */
  public static Interval percent(Interval share) {
    return new Interval(100 * share.value(), 100 * share.low(), 100 * share.high());
  }

  /** Returns value and interval as text. */
  public static String show(Interval interval, int decimals, boolean signed) {
    String number = (signed ? "%+." : "%.") + decimals + "f";
    return String.format(
        Locale.ROOT,
        number + " [" + number + ", " + number + "]",
        interval.value(),
        interval.low(),
        interval.high());
  }
}
