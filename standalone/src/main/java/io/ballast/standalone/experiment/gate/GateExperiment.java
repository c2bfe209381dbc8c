package io.ballast.standalone.experiment.gate;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.bound.ProportionBounds;
import io.ballast.rl.gate.GateCounts;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.standalone.chart.LineChart;
import io.ballast.standalone.chart.Series;
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
 * those of which it is proven.
 */
public final class GateExperiment implements Experiment {
  private static final String PAPER = "Mozannar et al. 2024 (arXiv:2306.04930)";
  private static final String OURS = "recomputed on their public data";
  private static final double[] TARGETS = {0.80, 0.85, 0.90, 0.95};
  private static final int SPLITS_PER_SEED = 6;

  @Override
  public String name() {
    return "gate";
  }

  @Override
  public String summary() {
    return "the display gate on what 21 programmers did with suggestions: both stages on"
        + " programmers who trained nothing, and lines with and without a proof (Mozannar et al."
        + " 2024); under a minute";
  }

  @Override
  public ExperimentReport run(ExperimentSetting setting) throws IOException {
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
            "less is hidden at a target of 95 % than at 80 % (share of all, best by what was seen)",
            PAPER, difference(first.seen(), last.seen()), Rule.above(0)));
    for (LineTransfer.Outcome outcome : outcomes) {
      if (outcome.found().isEmpty()) {
        continue; // lines that are not there break nothing, which would say nothing
      }
      claims.add(
          Claim.of(
              String.format(
                  Locale.ROOT,
                  "lines proven at %.0f %% break their target on other programmers in at most 20 %%"
                      + " of the splits",
                  100 * outcome.target()),
              "Angelopoulos et al. 2021 (arXiv:2110.01052), at α = 10 %",
              share(outcome.broken(outcome.found()), outcome.splits()),
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

  private static Interval share(double share, int of) {
    int count = (int) Math.round(share * of);
    return new Interval(
        share,
        ProportionBounds.clopperPearsonLower(count, of, 0.025),
        ProportionBounds.clopperPearsonUpper(count, of, 0.025),
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
                + " that break it | proven: found | hidden, where found | rejected of hidden |"
                + " splits that break it |\n|---|---|---|---|---|---|---|---|---|\n");
    for (LineTransfer.Outcome each : outcomes) {
      List<GateCounts> found = each.found();
      table.append(
          String.format(
              Locale.ROOT,
              "| %.0f %% | %.1f %% | %.1f %% | %s | %.0f %% | %d of %d | %.1f %% | %s | %.0f %% |%n",
              100 * each.target(),
              100 * LineTransfer.Outcome.hidden(each.seen()),
              100 * LineTransfer.Outcome.notGenerated(each.seen()),
              percent(LineTransfer.Outcome.accuracy(each.seen())),
              100 * each.broken(each.seen()),
              found.size(),
              each.splits(),
              100 * LineTransfer.Outcome.hidden(found),
              percent(LineTransfer.Outcome.accuracy(found)),
              100 * each.broken(found)));
    }
    return List.of(
        new Section("Programmers who trained nothing", stages),
        new Section(
            "Lines drawn on ten programmers, measured on the eleven others",
            outcomes.getFirst().splits()
                + " splits, which share programmers. Where no line is proven, everything is"
                + " shown.\n\n"
                + table));
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "–" : String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  private static Chart chart(List<LineTransfer.Outcome> outcomes) {
    List<Series> series =
        List.of(
            series("best by what was seen", "#b3261e", outcomes, o -> accuracy(o.seen())),
            series("proven", "#1d5fa8", outcomes, o -> accuracy(o.found())),
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
