package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.HtmlPage;
import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Markup;
import io.ballast.loadtest.chart.Series;
import io.ballast.standalone.demo.flow.ComparisonResult.Arm;
import io.ballast.standalone.demo.flow.DemoResult;
import io.ballast.standalone.demo.flow.FirstSuggestions.Answered;
import io.ballast.standalone.demo.flow.RankingRow;
import io.ballast.standalone.demo.flow.SummaryText;
import io.ballast.standalone.demo.measure.Comparison;
import io.ballast.standalone.demo.measure.Interval;
import io.ballast.standalone.demo.measure.Proxies;
import io.ballast.standalone.demo.mesh.Iteration;
import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.RunOutcome;
import io.ballast.standalone.demo.mesh.Suggestion;
import io.ballast.standalone.demo.mesh.TestNumbers;
import io.ballast.workshop.programmer.Judgement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The result for a person: one page with tables and plots that needs no network. */
public final class HtmlReport {
  private static final String BEFORE = "#7a7f87";
  private static final String CONSTRAINED = "#1f77b4";
  private static final String REWARD_ONLY = "#d9822b";

  private HtmlReport() {}

  /** Writes the page to {@code file}. */
  public static void write(DemoResult result, Path file) throws IOException {
    Files.writeString(file, of(result), StandardCharsets.UTF_8);
  }

  /** Returns the page. */
  static String of(DemoResult result) {
    Markup page = HtmlPage.begin("Ballast demo");
    page.element("h1", "Ballast: what it learned, and whether it may serve");
    page.element(
        "p",
        String.format(
            Locale.ROOT,
            "Seed %d, %,.0f seconds. Before: version %s. After: version %s, %s. Serving now: %s.",
            result.plan().seed(),
            result.wallSeconds(),
            result.versionBefore(),
            result.versionAfter(),
            decision(result.run(RunName.CONSTRAINED)),
            result.versionServing()));
    comparison(page, result);
    safety(page, result);
    curves(page, result);
    hacking(page, result);
    ranking(page, result);
    gate(page, result);
    examples(page, result);
    return HtmlPage.end(page);
  }

  private static void comparison(Markup page, DemoResult result) {
    page.element("h2", "Old and new at the same fresh positions");
    page.element(
        "p",
        String.format(
            Locale.ROOT,
            "%,d positions in %,d held-out files that nothing was trained or tested on, %d draws"
                + " each at the serving temperature, with the same seeds for both. The true file"
                + " judges. [95 %% intervals], cluster-robust with files as clusters; differences"
                + " are paired.",
            result.comparison().positionsCount(),
            result.comparison().filesCount(),
            result.plan().draws()));
    page.element("h3", "As a person sees it: the gate in force");
    page.element(
        "p",
        "What the gate withholds is not accepted, saves no characters and breaks nothing, for both"
            + " versions alike.",
        "class",
        "note");
    table(page, result.comparison().inForce());
    page.open("div", "class", "plots");
    bars(page, result.comparison().inForce());
    page.close("div");
    page.element("h3", "As the model writes it, whatever the gate says");
    table(page, result.comparison().asWritten());
    page.open("div", "class", "plots");
    bars(page, result.comparison().asWritten());
    page.close("div");
    page.element("p", SummaryText.verdict(result), "class", "lines");
  }

  private static void table(Markup page, Comparison comparison) {
    page.open("div", "class", "wide").open("table").open("tr");
    List.of("", "before", "after", "difference").forEach(head -> page.element("th", head));
    page.close("tr");
    for (Comparison.Row row : comparison.rows()) {
      int decimals = row.metric().decimals();
      page.open("tr")
          .element("td", row.metric().title())
          .element("td", SummaryText.show(row.before(), decimals, false))
          .element("td", SummaryText.show(row.after(), decimals, false))
          .element("td", SummaryText.show(row.difference(), decimals, true))
          .close("tr");
    }
    page.close("table").close("div");
  }

  private static void bars(Markup page, Comparison comparison) {
    for (Comparison.Row row : comparison.rows()) {
      page.add(
          IntervalChart.of(
              row.metric().title(),
              List.of(
                  new IntervalChart.Bar("before", BEFORE, row.before()),
                  new IntervalChart.Bar("after", CONSTRAINED, row.after()),
                  new IntervalChart.Bar("difference", "#9aa7b4", row.difference())),
              row.metric().decimals(),
              null,
              ""));
    }
  }

  private static void safety(Markup page, DemoResult result) {
    page.element("h2", "The safety test");
    page.open("div", "class", "wide").open("table").open("tr");
    page.element("th", "run").element("th", "decision", "class", "text");
    List.of("mean harm", "upper bound", "τ", "δ", "n").forEach(head -> page.element("th", head));
    page.element("th", "judged by", "class", "text");
    page.close("tr");
    List<IntervalChart.Bar> bars = new ArrayList<>();
    @Nullable Double threshold = null;
    for (RunName name : RunName.values()) {
      RunOutcome run = result.run(name);
      page.open("tr").element("td", name.title()).element("td", decision(run), "class", "text");
      if (run.test().isPresent()) {
        TestNumbers test = run.test().orElseThrow();
        threshold = test.threshold();
        page.element("td", number(test.mean(), 4))
            .element("td", number(test.upperBound(), 4))
            .element("td", number(test.threshold(), 2))
            .element("td", number(test.delta(), 2))
            .element("td", Integer.toString(test.n()))
            .element("td", test.costModel(), "class", "text");
        double low = Math.min(test.mean(), 2 * test.mean() - test.upperBound());
        bars.add(
            new IntervalChart.Bar(
                name.title(),
                colour(name),
                new Interval(test.mean(), Math.max(low, 0), test.upperBound())));
      }
      page.close("tr");
    }
    page.close("table").close("div");
    page.element(
        "p",
        "A candidate passes only if the upper bound of its mean harm is at or below τ, on prompts"
            + " that neither it nor its run ever saw, by a cost model that no run optimised"
            + " against. Each candidate has prompts of its own and one look. The whisker's upper"
            + " end is the bound; it is drawn symmetrically.",
        "class",
        "note");
    page.open("div", "class", "plots");
    page.add(IntervalChart.of("mean harm and its bound", bars, 3, threshold, "τ"));
    page.close("div");
    result
        .certificate()
        .ifPresent(
            certificate -> {
              page.element(
                  "p",
                  String.format(
                      Locale.ROOT,
                      "Certificate %s: %s; upper bound computed anew from the stored costs: %.4f.",
                      certificate.id(),
                      certificate.valid() ? "valid" : "NOT VALID",
                      certificate.upperBound()));
              page.open("ul");
              certificate.findings().forEach(finding -> page.element("li", finding));
              page.close("ul");
            });
  }

  private static void curves(Markup page, DemoResult result) {
    page.element("h2", "The two runs");
    page.element(
        "p", "Both start from the same version with the same prompts and seed.", "class", "note");
    page.open("div", "class", "plots");
    page.add(lines(result, "mean reward (proxy)", i -> OptionalDouble.of(i.reward())));
    page.add(lines(result, "spread of the members", Iteration::spread));
    page.add(lines(result, "KL from the start, nats", Iteration::klNats));
    page.add(lines(result, "mean cost (proxy)", i -> OptionalDouble.of(i.cost())));
    page.add(lines(result, "λ", Iteration::lambda));
    page.add(lines(result, "entropy, nats a token", i -> OptionalDouble.of(i.entropyNats())));
    page.close("div");
    for (RunName name : RunName.values()) {
      RunOutcome run = result.run(name);
      if (!run.earlyStop().isEmpty()) {
        page.element("p", name.title() + " stopped early: " + run.earlyStop());
      }
    }
  }

  private static Markup lines(
      DemoResult result, String title, Function<Iteration, OptionalDouble> value) {
    List<Series> series = new ArrayList<>();
    for (RunName name : RunName.values()) {
      List<Series.Point> points = new ArrayList<>();
      for (Iteration iteration : result.run(name).iterations()) {
        value.apply(iteration).ifPresent(v -> points.add(new Series.Point(iteration.number(), v)));
      }
      series.add(new Series(name.title(), colour(name), points));
    }
    return LineChart.of(title, "iteration", series, null);
  }

  private static void hacking(Markup page, DemoResult result) {
    page.element("h2", "Proxy and truth");
    page.element(
        "p",
        "Rewards and costs are learned, so they can be hacked: the proxy rises and the truth does"
            + " not. Both, for each version, at the fresh positions (first draw, as written).",
        "class",
        "note");
    page.open("div", "class", "wide").open("table").open("tr");
    List.of(
            "",
            "reward (proxy)",
            "accepted % (true)",
            "characters kept (true)",
            "length",
            "harm % (proxy)",
            "parse-breaking % (true)")
        .forEach(head -> page.element("th", head));
    page.close("tr");
    List<PointChart.Point> rewards = new ArrayList<>();
    List<PointChart.Point> costs = new ArrayList<>();
    for (Arm arm : Arm.values()) {
      Proxies of = result.comparison().proxies().get(arm);
      if (of == null) {
        continue;
      }
      Interval harm = SummaryText.percent(of.cost());
      page.open("tr")
          .element("td", arm.title())
          .element("td", SummaryText.show(of.reward(), 2, true))
          .element("td", SummaryText.show(of.accepted(), 1, false))
          .element("td", SummaryText.show(of.kept(), 2, false))
          .element("td", SummaryText.show(of.length(), 1, false))
          .element("td", SummaryText.show(harm, 1, false))
          .element("td", SummaryText.show(of.breaking(), 1, false))
          .close("tr");
      rewards.add(new PointChart.Point(arm.title(), colour(arm), of.reward(), of.accepted()));
      costs.add(new PointChart.Point(arm.title(), colour(arm), harm, of.breaking()));
    }
    page.close("table").close("div");
    page.open("div", "class", "plots");
    page.add(PointChart.of("accepted % against the reward", "reward (proxy)", rewards, false));
    page.add(PointChart.of("parse-breaking % against the cost", "harm % (proxy)", costs, true));
    page.close("div");
  }

  private static void ranking(Markup page, DemoResult result) {
    page.element("h2", "Could the rewards tell good from bad, before the runs?");
    page.element(
        "p",
        "The share of pairs of completions of one prompt that a score puts in the true order."
            + " Files that neither the decoder nor any label came from.",
        "class",
        "note");
    page.open("div", "class", "wide").open("table").open("tr");
    page.element("th", "score").element("th", "by", "class", "text");
    List.of("accuracy", "pairs").forEach(head -> page.element("th", head));
    page.close("tr");
    for (RankingRow row : result.ranking()) {
      page.open("tr")
          .element("td", row.scorer() + (row.served() ? "" : " (baseline)"))
          .element("td", row.truth(), "class", "text")
          .element(
              "td",
              row.accuracy().map(a -> SummaryText.show(a.share(), 3, false)).orElse("no pair"))
          .element("td", row.accuracy().map(a -> Long.toString(a.pairs())).orElse("0"))
          .close("tr");
    }
    page.close("table").close("div");
  }

  private static void gate(Markup page, DemoResult result) {
    page.element("h2", "Does the gate know what will be kept?");
    var reliability = result.comparison().gate();
    if (reliability.bins().isEmpty()) {
      page.element("p", "The gate's second stage was not asked.");
      return;
    }
    page.element(
        "p",
        String.format(
            Locale.ROOT,
            "Stage 2's probability against what the file says, for the version before. It was"
                + " trained on what is kept: accepted, or a right beginning of three characters or"
                + " more. Bins of equal size; calibration error %.3f.",
            reliability.calibrationError()),
        "class",
        "note");
    page.open("div", "class", "plots");
    page.add(
        PointChart.of(
            "kept share against p(accept)",
            "p(accept)",
            reliability.bins().stream()
                .map(
                    bin ->
                        new PointChart.Point(
                            "",
                            BEFORE,
                            new Interval(bin.predicted(), bin.predicted(), bin.predicted()),
                            bin.observed()))
                .toList(),
            true));
    page.close("div");
  }

  private static void examples(Markup page, DemoResult result) {
    page.element("h2", "Some of the first suggestions");
    page.element("p", SummaryText.of(result.first()).strip(), "class", "lines");
    for (Answered one : result.first().examples()) {
      Suggestion suggestion = one.suggestion();
      page.open("pre").text(one.position().promptTail(240));
      page.element("span", suggestion.text(), "class", "offer");
      page.close("pre");
      page.element(
          "p",
          "%s: %s%s%s. The file says: %s"
              .formatted(
                  suggestion.fate().name().toLowerCase(Locale.ROOT),
                  suggestion.reason(),
                  show(", p(accept) %.2f", suggestion.acceptProbability()),
                  one.reaction().map(HtmlReport::reaction).orElse(""),
                  one.position().truth()));
    }
  }

  private static String reaction(Judgement judgement) {
    return "; the programmer %s (%d characters)"
        .formatted(judgement.outcome().name().toLowerCase(Locale.ROOT), judgement.charactersKept());
  }

  private static String show(String pattern, OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, pattern, value.getAsDouble()) : "";
  }

  private static String decision(RunOutcome run) {
    return switch (run.decision()) {
      case PROMOTED -> "promoted";
      case NO_SOLUTION_FOUND -> "No Solution Found";
      case REFUSED ->
          run.name() == RunName.REWARD_ONLY
              ? "passed, which was not expected; held by its spec"
              : "passed, and refused: " + run.message();
    };
  }

  private static String colour(RunName run) {
    return switch (run) {
      case CONSTRAINED -> CONSTRAINED;
      case REWARD_ONLY -> REWARD_ONLY;
    };
  }

  private static String colour(Arm arm) {
    return switch (arm) {
      case BEFORE -> BEFORE;
      case CONSTRAINED -> CONSTRAINED;
      case REWARD_ONLY -> REWARD_ONLY;
    };
  }

  private static String number(double value, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
