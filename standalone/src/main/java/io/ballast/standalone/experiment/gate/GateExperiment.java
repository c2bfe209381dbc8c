package io.ballast.standalone.experiment.gate;

import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Series;
import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.bound.ProportionBounds;
import io.ballast.rl.gate.GateCounts;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.Experiment;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentReport.Chart;
import io.ballast.standalone.experiment.ExperimentReport.Section;
import io.ballast.standalone.experiment.ExperimentSetting;
import io.ballast.standalone.experiment.Rule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Whether both stages of a display gate tell what programmers will accept who trained nothing, and
 * whether lines keep to their target there: with the best of many by what was seen of it, and with
 * those of which it is proven. And what the committed gates do to suggestions that the simulated
 * programmer gets, and why none of it may be ranked by its accept score.
 */
public final class GateExperiment implements Experiment {
  private static final String PAPER = "Mozannar et al. 2024 (arXiv:2306.04930)";
  private static final String OURS = "recomputed on their public data";
  private static final double[] TARGETS = {0.80, 0.85, 0.90, 0.95};
  private static final int SPLITS_PER_SEED = 6;
  private static final String OLDER = "1";
  private static final String NEWER = "2";

  @Override
  public String name() {
    return "gate";
  }

  @Override
  public String summary() {
    return "the display gate on what 21 programmers did with suggestions: both stages on"
        + " programmers who trained nothing, and lines with and without a test (Mozannar et al."
        + " 2024), and the committed gates on the simulated programmer; some minutes";
  }

  @Override
  public ExperimentReport run(ExperimentSetting setting) throws IOException {
    ExperimentReport people = programmers(setting);
    List<JavaGates> both = JavaGates.measure(setting, OLDER, NEWER);
    JavaGates java = both.getLast();
    List<Claim> claims = new ArrayList<>(people.claims());
    claims.addAll(claims(java));
    List<Section> sections = new ArrayList<>(people.sections());
    sections.add(section(both));
    List<Chart> charts = new ArrayList<>(people.charts());
    charts.add(chart(java));
    return new ExperimentReport(claims, sections, charts);
  }

  /** What is measured on programmers alone, which needs no checkout. */
  static ExperimentReport programmers(ExperimentSetting setting) throws IOException {
    Path file =
        setting
            .data()
            .map(folder -> folder.resolve(CoderecRows.FILE))
            .filter(Files::isRegularFile)
            .orElseThrow(
                () ->
                    new IOException(
                        CoderecRows.FILE
                            + " is not there; name the folder of data sets with --data"));
    CoderecRows rows = CoderecRows.read(file);
    ExperimentProgress.Step training =
        setting.progress().step("training both stages without", "programmers", rows.users().size());
    UnseenUsers unseen = new UnseenUsers(rows, () -> training.done(1));
    LineTransfer transfer = new LineTransfer(unseen, SPLITS_PER_SEED * setting.seeds());
    List<LineTransfer.Outcome> outcomes = new ArrayList<>();
    ExperimentProgress.Step drawing =
        setting.progress().step("drawing lines", "targets", TARGETS.length);
    for (double target : TARGETS) {
      outcomes.add(transfer.at(target));
      drawing.done(1);
    }
    return new ExperimentReport(
        claims(unseen, outcomes), sections(rows, unseen, outcomes), List.of(chart(outcomes)));
  }

  private static List<Claim> claims(JavaGates java) {
    List<Claim> claims = new ArrayList<>();
    claims.add(
        Claim.of(
            "on the simulated programmer, in artefacts that trained nothing, the committed gate"
                + " hides at least 25 %",
            PAPER, java.hidden(), Rule.above(0.25)));
    if (java.rejectedOfHidden() instanceof OffPolicyEstimate.Estimated found) {
      claims.add(
          Claim.of(
              "and of what it hides there, at least 95 % would have been rejected",
              PAPER, found.value(), Rule.above(0.95)));
    }
    claims.add(
        Claim.of(
            "ranked by the accept score of stage 2, fewer than half of the right lines would be"
                + " shown whole: a beginning scores higher",
            PAPER + ", the pitfall of short prefixes",
            java.wholeIsBest(),
            Rule.below(0.5)));
    return claims;
  }

  private static Section section(List<JavaGates> both) {
    JavaGates java = both.getLast();
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "`java-gate-context` and `java-gate-suggestion` on one suggestion of java-tiny at"
                    + " each of %,d positions in %,d files of artefacts that trained neither"
                    + " decoder nor gate; %.1f %% are accepted whole. Intervals (95 %%) are by"
                    + " file.%n%n| version | hidden | rejected, of what is hidden"
                    + " |%n|---|---|---|%n",
                java.positions(),
                java.files(),
                100 * java.acceptedOfAll()));
    for (JavaGates each : both) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s |%n",
              each.gate(),
              percent(each.hidden()),
              switch (each.rejectedOfHidden()) {
                case OffPolicyEstimate.Estimated found -> percent(found.value());
                case OffPolicyEstimate.TooLittle little -> "too little is hidden to say";
              }));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%nOf suggestions that were accepted whole: where the beginning ends that has the"
                + " highest accept score of stage 2 (version %s). The whole has it in %s. The gate"
                + " is asked of the whole alone, and shows it whole or not at all.%n%n| tenth of"
                + " the length | suggestions |%n|---|---|%n",
            java.gate(),
            percent(java.wholeIsBest())));
    for (int tenth = 0; tenth < java.bestAt().size(); tenth++) {
      text.append(
          String.format(Locale.ROOT, "| %d | %,d |%n", tenth + 1, java.bestAt().get(tenth)));
    }
    return new Section("The committed gates on the simulated programmer", text.toString());
  }

  private static String percent(Interval share) {
    return String.format(
        Locale.ROOT,
        "%.1f %% (%.1f to %.1f %%)",
        100 * share.estimate(),
        100 * share.low(),
        100 * share.high());
  }

  private static Chart chart(JavaGates java) {
    double all = java.bestAt().stream().mapToInt(Integer::intValue).sum();
    List<Series.Point> points = new ArrayList<>();
    for (int tenth = 0; tenth < java.bestAt().size(); tenth++) {
      points.add(new Series.Point((tenth + 1) / 10.0, java.bestAt().get(tenth) / all));
    }
    return new Chart(
        "gate-prefixes.svg",
        "where right lines have their highest accept score, by length",
        LineChart.of(
            "highest accept score, by length of the beginning",
            "share of the line's length",
            List.of(new Series("share of right lines", "#1d5fa8", points)),
            null));
  }

  private static List<Claim> claims(UnseenUsers unseen, List<LineTransfer.Outcome> outcomes) {
    Interval one = unseen.area(GateStage.CONTEXT);
    Interval two = unseen.area(GateStage.SUGGESTION);
    List<Claim> claims = new ArrayList<>();
    claims.add(
        Claim.of(
            "AUC of stage 1 (place and history) is above chance", PAPER, one, Rule.above(0.5)));
    claims.add(
        Claim.of("AUC of stage 2 (and the suggestion) is above 0.6", OURS, two, Rule.above(0.6)));
    claims.add(
        Claim.of(
            "stage 2 tells more than stage 1: its AUC is greater",
            PAPER,
            unseen.gain(),
            Rule.above(0)));
    LineTransfer.Outcome first = outcomes.getFirst();
    LineTransfer.Outcome last = outcomes.getLast();
    claims.add(
        Claim.of(
            "less is hidden at a target of 95 % than at 80 % (share of all, best by what was seen;"
                + " splits overlap, so that the interval is a guide)",
            PAPER, difference(first.seen(), last.seen()), Rule.above(0)));
    for (LineTransfer.Outcome outcome : outcomes) {
      if (outcome.found().isEmpty()) {
        continue; // lines that are not there break nothing, which would say nothing
      }
      claims.add(
          Claim.of(
              String.format(
                  Locale.ROOT,
                  "lines that pass Learn then Test at %.0f %%, decisions taken as independent,"
                      + " break their target on other programmers in at most 20 %% of the splits in"
                      + " which there are any (%d of %d)",
                  100 * outcome.target(),
                  outcome.found().size(),
                  outcome.splits()),
              "Angelopoulos et al. 2021 (arXiv:2110.01052), at α = 10 %",
              ofOverlapping(outcome.broken(outcome.found())),
              Rule.below(0.2)));
    }
    return claims;
  }

  /** Of two shares hidden, split by split; splits share programmers, so that it is a guide. */
  private static Interval difference(List<GateCounts> more, List<GateCounts> less) {
    double[] gaps = new double[more.size()];
    for (int i = 0; i < gaps.length; i++) {
      gaps[i] = hidden(more.get(i)) - hidden(less.get(i));
    }
    return MeanIntervals.mean(gaps, 0.95);
  }

  private static double hidden(GateCounts counts) {
    return (double) counts.hidden() / counts.examples();
  }

  /**
   * A share of splits. No two leave other programmers over: of 21, each measures on 11. So all
   * together say no more for certain than one alone.
   */
  static Interval ofOverlapping(double share) {
    int count = (int) Math.round(share);
    return new Interval(
        share,
        Math.min(share, ProportionBounds.clopperPearsonLower(count, 1, 0.025)),
        Math.max(share, ProportionBounds.clopperPearsonUpper(count, 1, 0.025)),
        0.95);
  }

  private static List<Section> sections(
      CoderecRows rows, UnseenUsers unseen, List<LineTransfer.Outcome> outcomes) {
    Interval one = unseen.area(GateStage.CONTEXT);
    Interval two = unseen.area(GateStage.SUGGESTION);
    String stages =
        String.format(
            Locale.ROOT,
            "%,d suggestions that %d programmers accepted or rejected (microsoft/"
                + "coderec_programming_states, MIT); each programmer is judged by trees that"
                + " trained on others. Intervals draw programmers again.%n%n| stage | AUC | 95 %% |"
                + " recomputed elsewhere |%n|---|---|---|---|%n| 1: prompt, document, history |"
                + " %.3f | %.3f to %.3f | .53 to .56 |%n| 2: and suggestion, confidence, log-probs"
                + " | %.3f | %.3f to %.3f | .65 to .71 |%n",
            rows.size(),
            rows.users().size(),
            one.estimate(),
            one.low(),
            one.high(),
            two.estimate(),
            two.low(),
            two.high());
    StringBuilder table =
        new StringBuilder(
            "| target | best by what was seen: hidden | not generated | rejected of hidden | splits"
                + " that break it | Learn then Test by decisions: found | hidden, where found |"
                + " rejected of hidden | of those found, break it | proven of programmers | programmers"
                + " that could, at the least |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (LineTransfer.Outcome each : outcomes) {
      List<GateCounts> found = each.found();
      table.append(
          String.format(
              Locale.ROOT,
              "| %.0f %% | %.1f %% | %.1f %% | %s | %.0f %% | %d of %d | %s | %s | %s | %d | %d"
                  + " |%n",
              100 * each.target(),
              100 * LineTransfer.Outcome.hidden(each.seen()),
              100 * LineTransfer.Outcome.notGenerated(each.seen()),
              percent(LineTransfer.Outcome.accuracy(each.seen())),
              100 * each.broken(each.seen()),
              found.size(),
              each.splits(),
              percent(found.isEmpty() ? Double.NaN : LineTransfer.Outcome.hidden(found)),
              percent(LineTransfer.Outcome.accuracy(found)),
              percent(each.broken(found)),
              each.proven(),
              each.least()));
    }
    return List.of(
        new Section("Programmers who trained nothing", stages),
        new Section(
            "Lines drawn on ten programmers, measured on the eleven others",
            outcomes.getFirst().splits()
                + " splits, which share programmers: shares of splits are no confidence. Five programmers decide: too few to prove"
                + " anything of programmers. Taking their decisions as independent, lines are"
                + " found, of which nothing is promised.\n\n"
                + table));
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "–" : String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  private static Chart chart(List<LineTransfer.Outcome> outcomes) {
    List<Series> series =
        List.of(
            series("best by what was seen", "#b3261e", outcomes, o -> accuracy(o.seen())),
            series("Learn then Test by decisions", "#1d5fa8", outcomes, o -> accuracy(o.found())),
            series("target", "#b3b9c0", outcomes, LineTransfer.Outcome::target));
    return new Chart(
        "gate-targets.svg",
        "rejected of what is hidden on programmers who drew nothing, by target",
        LineChart.of("rejected of hidden, by target", "target", series, null));
  }

  private static double accuracy(List<GateCounts> counts) {
    return LineTransfer.Outcome.accuracy(counts);
  }

  private static Series series(
      String name,
      String colour,
      List<LineTransfer.Outcome> outcomes,
      ToDoubleFunction<LineTransfer.Outcome> height) {
    return new Series(
        name,
        colour,
        outcomes.stream()
            .filter(outcome -> Double.isFinite(height.applyAsDouble(outcome)))
            .map(outcome -> new Series.Point(outcome.target(), height.applyAsDouble(outcome)))
            .toList());
  }
}
