package io.ballast.standalone.cli;

import io.ballast.kit.digest.Sha256;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunResponse;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs the specs of a grid one after another and ranks them. A spec's idempotency key is made of
 * its text: given the same grid again, what is done is not run again, and what is under way is
 * followed on.
 */
final class GridRuns {
  private static final String KEY = "grid";

  private final Printing printing;
  private final MeshTarget target;
  private final CommandContext context;

  GridRuns(Printing printing, MeshTarget target, CommandContext context) {
    this.printing = printing;
    this.target = target;
    this.context = context;
  }

  /**
   * Runs {@code cells}.
   *
   * @param key keeps grids of the same specs apart; null: they are the same
   * @return FAILED if a run failed or was cancelled, else OK
   */
  Exit run(MeshTarget.Connection mesh, List<SpecGrid.Cell> cells, @Nullable String key)
      throws InterruptedException {
    List<RankedRuns.Entry> entries = new ArrayList<>();
    for (int i = 0; i < cells.size(); i++) {
      SpecGrid.Cell cell = cells.get(i);
      String which = "run %d of %d".formatted(i + 1, cells.size());
      Run run = create(mesh, cell, key);
      boolean done = RunWatcher.ended(run.getState());
      Run ended = done ? run : follow(mesh, which, run);
      RankedRuns.Entry entry = new RankedRuns.Entry(cell, answer(mesh, ended));
      printing.line(
          "%s, %s: %s%s%s; %s"
              .formatted(
                  which,
                  cell.words(),
                  RunTable.state(ended),
                  done ? " before" : "",
                  entry
                      .evaluation()
                      .map(each -> ", evaluation " + EvaluationText.interval(each))
                      .orElse(""),
                  ended.getRunId()));
      entries.add(entry);
    }
    RankedRuns ranked = new RankedRuns(entries);
    printing.line("");
    printing.table(ranked.table());
    printing.line("");
    ranked.notes().forEach(printing::line);
    printing.document(ranked.document());
    return entries.stream().map(RankedRuns.Entry::run).anyMatch(GridRuns::broken)
        ? Exit.FAILED
        : Exit.OK;
  }

  private static boolean broken(Run run) {
    return run.getState() == RunState.RUN_STATE_FAILED
        || run.getState() == RunState.RUN_STATE_CANCELLED;
  }

  private Run create(MeshTarget.Connection mesh, SpecGrid.Cell cell, @Nullable String key) {
    String own = (key == null ? KEY : key) + "-" + Sha256.of(cell.spec());
    return RunsCommand.stub(mesh)
        .createRun(
            CreateRunRequest.newBuilder()
                .setMetadata(target.keyedMetadata(own))
                .setSpec(cell.spec())
                .build())
        .getRun();
  }

  private Run follow(MeshTarget.Connection mesh, String which, Run run)
      throws InterruptedException {
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    try {
      return new RunFollower(target)
          .follow(
              mesh,
              run,
              run.getIterationsDone(),
              event -> progress.at(which, part(event)),
              unused -> {});
    } finally {
      progress.end();
    }
  }

  private static double part(WatchRunResponse event) {
    Run run = event.getRun();
    return RunWatcher.ended(run.getState())
        ? 1
        : (double) run.getIterationsDone() / Math.max(1, run.getIterationsCount() + 1);
  }

  private GetRunResponse answer(MeshTarget.Connection mesh, Run run) {
    RunServiceBlockingStub stub = RunsCommand.stub(mesh);
    return stub.getRun(
        GetRunRequest.newBuilder().setMetadata(target.metadata()).setRunId(run.getRunId()).build());
  }
}
