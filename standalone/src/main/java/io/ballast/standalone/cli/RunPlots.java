package io.ballast.standalone.cli;

import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Markup;
import io.ballast.loadtest.chart.Series;
import io.ballast.orchestrator.adapter.IterationScalars;
import io.ballast.standalone.demo.report.ComparisonPage.Plots;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Plots of runs over their iterations, for a page; what no run has is left out. */
final class RunPlots {
  private static final List<String> PHASES = List.of("sample", "judge", "learn");

  private final List<ComparedRun> runs;

  private RunPlots(List<ComparedRun> runs) {
    this.runs = runs;
  }

  /** Returns the plots of {@code runs} by what they are about. */
  static List<Plots> of(List<ComparedRun> runs) {
    RunPlots plots = new RunPlots(runs);
    List<Plots> sections = new ArrayList<>();
    sections.add(plots.rewards());
    sections.add(plots.policy());
    plots.names(IterationScalars.CONSTRAINT).forEach(name -> sections.add(plots.constraint(name)));
    sections.add(plots.measured());
    sections.add(plots.optimisation());
    sections.add(plots.throughput());
    return sections.stream().filter(section -> !section.charts().isEmpty()).toList();
  }

  private Plots rewards() {
    return plots(
        "Rewards",
        chart("reward in training", "train/reward"),
        chart("reward of held-out prompts", "evaluation/reward"),
        chart("gold", "gold/mean"),
        chart("reward less gold, in standard deviations", "gold/gap"),
        chart("spread of the members", "train/reward_spread"));
  }

  private Plots policy() {
    return plots(
        "Policy",
        chart("KL to the reference, nats a completion", "train/kl_nats"),
        chart("entropy, nats a token", "train/entropy_nats"),
        chart("length, tokens a completion", "train/completion_tokens"),
        chart("server and learner apart, nats a token", "train/serve_gap_nats"));
  }

  private Plots constraint(String name) {
    String tag = IterationScalars.CONSTRAINT + name + "/";
    Double target = commonTarget(tag + "target");
    return plots(
        "Constraint " + name,
        chart("mean cost", tag + "cost"),
        chart(target == null ? "bound" : "bound, and its target", tag + "bound", target),
        target == null ? chart("target of the bound", tag + "target") : Optional.empty(),
        chart("λ, the price of harm", tag + "lambda"));
  }

  /** The target of all runs in all iterations; null if they differ, or if there is none. */
  private @Nullable Double commonTarget(String tag) {
    Set<Double> targets =
        runs.stream()
            .flatMap(run -> run.scalars().stream())
            .filter(scalars -> scalars.containsKey(tag))
            .map(scalars -> scalars.get(tag))
            .collect(Collectors.toSet());
    return targets.size() == 1 ? targets.iterator().next() : null;
  }

  private Plots measured() {
    List<Optional<Markup>> charts = new ArrayList<>();
    for (String name : names(IterationScalars.MEASURED)) {
      charts.add(chart(name, IterationScalars.MEASURED + name + "/harm"));
    }
    return plots("Harm that is measured only", charts);
  }

  private Plots optimisation() {
    return plots(
        "Optimisation",
        chart("loss", "train/loss"),
        chart("norm of the gradient, before clipping", "train/gradient_norm"));
  }

  private Plots throughput() {
    List<Optional<Markup>> charts = new ArrayList<>();
    for (String phase : PHASES) {
      charts.add(chart("completions a second: " + phase, "completions_per_second/" + phase));
    }
    for (String phase : PHASES) {
      charts.add(chart("tokens a second: " + phase, "tokens_per_second/" + phase));
    }
    return plots("Throughput, of what was trained on", charts);
  }

  @SafeVarargs
  private static Plots plots(String heading, Optional<Markup>... charts) {
    return plots(heading, List.of(charts));
  }

  private static Plots plots(String heading, List<Optional<Markup>> charts) {
    return new Plots(heading, charts.stream().flatMap(Optional::stream).toList());
  }

  private Optional<Markup> chart(String title, String tag) {
    return chart(title, tag, null);
  }

  /** Empty if no run has the number. */
  private Optional<Markup> chart(String title, String tag, @Nullable Double level) {
    List<Series> series = runs.stream().map(run -> run.series(tag)).toList();
    return series.stream().allMatch(line -> line.points().isEmpty())
        ? Optional.empty()
        : Optional.of(LineChart.of(title, "iteration", series, level));
  }

  /** What stands between {@code prefix} and the next slash, in the order of the runs. */
  private List<String> names(String prefix) {
    return runs.stream()
        .flatMap(run -> run.scalars().stream())
        .flatMap(scalars -> scalars.keySet().stream())
        .filter(tag -> tag.startsWith(prefix))
        .map(tag -> tag.substring(prefix.length(), tag.lastIndexOf('/')))
        .distinct()
        .toList();
  }
}
