package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunResponse;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Follows a run to its end: a line for each iteration and, on a terminal, a bar below them. A mesh
 * that goes away and comes back is followed on.
 */
final class RunWatcher {
  private static final int BAR = 30;

  private final Printing printing;
  private final MeshTarget target;
  private final CommandContext context;
  private final ArrayNode iterations = JsonNodeFactory.instance.arrayNode();
  private final Map<Integer, IterationMetrics> known = new TreeMap<>(); // unshown ones, too
  private final long start;
  private int last;
  private int watchedFrom;
  private boolean barShown;
  private @Nullable IterationMetrics shown;
  private @Nullable RunState shownState;

  RunWatcher(Printing printing, MeshTarget target, CommandContext context) {
    this.printing = printing;
    this.target = target;
    this.context = context;
    this.start = context.nanoTime().getAsLong();
  }

  /**
   * Follows {@code run} from after {@code afterIteration} until it has ended, and says how.
   *
   * @param done iterations that are known already
   * @return OK if promoted, REFUSED if No Solution Found, held, refused or stopped, else FAILED
   */
  Exit watch(MeshTarget.Connection mesh, Run run, List<IterationMetrics> done, int afterIteration)
      throws InterruptedException {
    last = afterIteration;
    watchedFrom = Math.max(afterIteration, run.getIterationsDone());
    printing.line(
        "run "
            + run.getName()
            + " "
            + run.getRunId()
            + ", "
            + run.getIterationsCount()
            + " iterations from "
            + ModelOptions.text(run.getBaseVersion()));
    printing.line(RunTable.HEADING);
    done.forEach(this::show);
    Run now;
    try {
      now =
          new RunFollower(target)
              .follow(mesh, run, last, this::show, gone -> bar(gone, "waiting for the mesh"));
    } finally {
      clearBar();
    }
    printing.line("");
    printing.table(RunTable.summary(now, known.values()));
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.set("run", Printing.tree(now));
    document.set("iterations", iterations);
    printing.document(document);
    return exit(now.getState());
  }

  private void show(IterationMetrics iteration) {
    known.put(iteration.getIteration(), iteration);
    if (iteration.getIteration() > last) {
      last = iteration.getIteration();
      iterations.add(Printing.tree(iteration));
      clearBar();
      printing.line(RunTable.line(iteration));
      RunTable.remarks(iteration, shown).forEach(printing::line);
      shown = iteration;
    }
  }

  private void show(WatchRunResponse event) {
    if (event.hasIteration()) {
      show(event.getIteration());
    }
    Run run = event.getRun();
    String state = SuggestCommand.words(run.getState().name(), "RUN_STATE_");
    if (run.getState() != shownState && run.getState() == RunState.RUN_STATE_PAUSED) {
      clearBar();
      printing.line("paused; ./mesh runs resume " + run.getRunId());
    }
    shownState = run.getState();
    bar(run, run.getState() == RunState.RUN_STATE_TESTING ? testing(run) : state);
  }

  private static String testing(Run run) {
    return run.getSafetyTest().getPromptsCount() == 0
        ? "safety test"
        : "safety test, "
            + run.getSafetyTest().getJudgedCount()
            + " of "
            + run.getSafetyTest().getPromptsCount()
            + " prompts";
  }

  private void bar(Run run, String what) {
    if (printing.json() || !context.terminal()) {
      return;
    }
    int all = Math.max(1, run.getIterationsCount());
    int done = Math.min(run.getIterationsDone(), all);
    int filled = BAR * done / all;
    double seconds = (context.nanoTime().getAsLong() - start) / 1e9;
    int watched = done - watchedFrom;
    String left =
        watched > 0 && done < all
            ? ", " + DurationText.of(seconds / watched * (all - done)) + " left"
            : "";
    clearBar();
    printing
        .out()
        .print(
            "[%s%s] %d of %d · %s%s"
                .formatted("█".repeat(filled), "·".repeat(BAR - filled), done, all, what, left));
    printing.out().flush();
    barShown = true;
  }

  private void clearBar() {
    if (barShown) {
      printing.out().print("\r\u001b[K");
      printing.out().flush();
      barShown = false;
    }
  }

  /** Whether nothing more comes of the run by itself. */
  static boolean ended(RunState state) {
    return switch (state) {
      case RUN_STATE_PROMOTED,
          RUN_STATE_HELD,
          RUN_STATE_NO_SOLUTION_FOUND,
          RUN_STATE_REFUSED,
          RUN_STATE_STOPPED,
          RUN_STATE_FAILED,
          RUN_STATE_CANCELLED ->
          true;
      case RUN_STATE_UNSPECIFIED,
          RUN_STATE_QUEUED,
          RUN_STATE_LEARNING,
          RUN_STATE_TESTING,
          RUN_STATE_PAUSED,
          UNRECOGNIZED ->
          false;
    };
  }

  /** How a command about a run in {@code state} ends. */
  static Exit exit(RunState state) {
    return switch (state) {
      case RUN_STATE_HELD, RUN_STATE_NO_SOLUTION_FOUND, RUN_STATE_REFUSED, RUN_STATE_STOPPED ->
          Exit.REFUSED;
      case RUN_STATE_FAILED, RUN_STATE_CANCELLED -> Exit.FAILED;
      case RUN_STATE_PROMOTED,
          RUN_STATE_UNSPECIFIED,
          RUN_STATE_QUEUED,
          RUN_STATE_LEARNING,
          RUN_STATE_TESTING,
          RUN_STATE_PAUSED,
          UNRECOGNIZED ->
          Exit.OK;
    };
  }
}
