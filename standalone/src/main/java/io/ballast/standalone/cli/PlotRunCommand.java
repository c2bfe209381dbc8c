package io.ballast.standalone.cli;

import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.MeasuredCost;
import io.ballast.orchestrator.v1.RewardWatch;
import io.ballast.orchestrator.v1.Run;
import io.ballast.standalone.demo.report.RewardCurvePage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Draws the rewards of a run against its distance from where it began. */
@Command(
    name = "plot",
    mixinStandardHelpOptions = true,
    description =
        "Writes a page with reward, spread, gold and harm of a run against its KL, and the fitted curve of gold.")
final class PlotRunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", description = "Which run.")
  private String run = "";

  @Option(
      names = "--file",
      paramLabel = "FILE.html",
      required = true,
      description = "Where the page goes; it needs no network.")
  private Path file = Path.of("");

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  PlotRunCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() throws IOException {
    try (MeshTarget.Connection mesh = RunsCommand.connect(target)) {
      String id = RunsCommand.resolve(RunsCommand.stub(mesh), target.metadata(), run);
      GetRunResponse answer =
          RunsCommand.withIterations(RunsCommand.stub(mesh), target.metadata(), id);
      page(answer).write(file);
      printing.document(answer);
      notes(answer).forEach(printing::line);
      printing.line("plot: " + file);
      return Exit.OK.code();
    }
  }

  private static RewardCurvePage page(GetRunResponse answer) {
    RewardWatch watch = answer.getWatch();
    return new RewardCurvePage(
        "run %s, %s, from %s"
            .formatted(
                answer.getRun().getName(),
                answer.getRun().getRunId(),
                ModelOptions.text(answer.getRun().getBaseVersion())),
        answer.getIterationsList().stream().map(PlotRunCommand::row).toList(),
        watch.hasFit()
            ? Optional.of(
                new RewardCurvePage.Curve(watch.getFirstGold(), GoldFitText.curve(watch.getFit())))
            : Optional.empty(),
        notes(answer));
  }

  private static RewardCurvePage.Row row(IterationMetrics metrics) {
    return new RewardCurvePage.Row(
        metrics.getIteration(),
        metrics.hasKlNats() ? OptionalDouble.of(metrics.getKlNats()) : OptionalDouble.empty(),
        metrics.hasMeanReward()
            ? OptionalDouble.of(metrics.getMeanReward())
            : OptionalDouble.empty(),
        metrics.hasMeanSpread()
            ? OptionalDouble.of(metrics.getMeanSpread())
            : OptionalDouble.empty(),
        metrics.hasGold()
            ? OptionalDouble.of(metrics.getGold().getMeanGold())
            : OptionalDouble.empty(),
        metrics.hasGoldGap() ? OptionalDouble.of(metrics.getGoldGap()) : OptionalDouble.empty(),
        metrics.getMeanCost(),
        measured(metrics));
  }

  private static Map<String, Double> measured(IterationMetrics metrics) {
    Map<String, Double> harms = new LinkedHashMap<>();
    for (MeasuredCost each : metrics.getMeasuredList()) {
      if (each.hasValue()) {
        harms.put(each.getName(), each.getValue().getMeanHarm());
      }
    }
    return harms;
  }

  private static List<String> notes(GetRunResponse answer) {
    Run run = answer.getRun();
    List<String> notes = new ArrayList<>();
    notes.add(
        "%d iterations, %s%s"
            .formatted(
                run.getIterationsDone(),
                RunTable.state(run),
                run.getEarlyStopReason().isEmpty() ? "" : "; " + run.getEarlyStopReason()));
    run.getAlarmsList().forEach(alarm -> notes.add("alarm: " + RunTable.words(alarm)));
    List<String> gold = RunTable.gold(answer.getWatch());
    notes.addAll(gold.isEmpty() ? List.of("no gold: the spec names none") : gold);
    return notes;
  }
}
