package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.v1.Evaluation;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The runs of a grid, the highest first: by the evaluation of their candidates, or, where none was
 * evaluated, by the reward of their last iterations. Those without the number are last.
 */
final class RankedRuns {
  private static final String ABSENT = "–";

  private final List<Row> rows;
  private final boolean evaluated;

  /** A run and its point of the grid. */
  record Entry(SpecGrid.Cell cell, GetRunResponse answer) {
    Run run() {
      return answer.getRun();
    }

    Optional<Evaluation> evaluation() {
      return answer.getIterationsList().stream()
          .filter(each -> each.getIteration() == run().getCandidateIteration())
          .filter(IterationMetrics::hasEvaluation)
          .map(IterationMetrics::getEvaluation)
          .findFirst();
    }

    Optional<Double> reward() {
      return run().getLatest().hasMeanReward()
          ? Optional.of(run().getLatest().getMeanReward())
          : Optional.empty();
    }
  }

  private record Row(Entry entry, Optional<Double> score) {}

  RankedRuns(List<Entry> entries) {
    this.evaluated = entries.stream().anyMatch(each -> each.evaluation().isPresent());
    this.rows =
        entries.stream()
            .map(each -> new Row(each, score(each)))
            .sorted(
                Comparator.comparing(
                    (Row row) -> row.score().orElse(Double.NEGATIVE_INFINITY),
                    Comparator.reverseOrder()))
            .toList();
  }

  private Optional<Double> score(Entry entry) {
    return evaluated ? entry.evaluation().map(Evaluation::getMeanReward) : entry.reward();
  }

  /** The table. */
  TextTable table() {
    TextTable table =
        TextTable.headed(
            "rank",
            evaluated ? "evaluation" : "reward",
            "interval",
            "state",
            "iterations",
            "run",
            "values");
    int rank = 0;
    for (Row row : rows) {
      rank++;
      Run run = row.entry().run();
      table.row(
          row.score().isPresent() ? Integer.toString(rank) : ABSENT,
          row.score().map(RankedRuns::signed).orElse(ABSENT),
          row.entry()
              .evaluation()
              .filter(unused -> evaluated)
              .map(RankedRuns::interval)
              .orElse(ABSENT),
          RunTable.state(run),
          run.getIterationsDone() + " of " + run.getIterationsCount(),
          run.getRunId(),
          row.entry().cell().words());
    }
    return table;
  }

  /** What the table does not say of itself, and what can be done next. */
  List<String> notes() {
    List<String> notes = new ArrayList<>();
    if (rows.size() > 1) {
      notes.add(
          evaluated
              ? "The first of %d is optimistic: the highest of several noisy means is too high, and each interval is of its run alone. Only prompts that nothing was chosen by tell how good it is."
                  .formatted(rows.size())
              : "Ranked by the reward of training prompts in the last iteration, which has no interval here, and the first of %d is optimistic: a spec with an evaluation ranks by held-out prompts."
                  .formatted(rows.size()));
      notes.add(
          "compare: ./mesh runs compare "
              + rows.stream()
                  .limit(ComparedRun.MOST)
                  .map(row -> row.entry().run().getRunId())
                  .collect(Collectors.joining(" ")));
    }
    if (rows.stream().map(row -> row.entry().run().getBaseVersion()).distinct().count() > 1) {
      notes.add("They did not all begin from the same version: the alias moved in between.");
    }
    rows.stream()
        .map(row -> row.entry().run())
        .filter(run -> run.getState() == RunState.RUN_STATE_HELD)
        .findFirst()
        .ifPresent(run -> notes.add("promote: ./mesh runs promote " + run.getRunId()));
    rows.stream()
        .map(row -> row.entry().run())
        .filter(run -> run.getState() == RunState.RUN_STATE_FAILED)
        .forEach(
            run ->
                notes.add(
                    "failed: ./mesh runs resume %s, then this command again: %s"
                        .formatted(run.getRunId(), run.getMessage())));
    return notes;
  }

  /** The document: the runs in their order. */
  ObjectNode document() {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("ranked_by", evaluated ? "evaluation" : "reward");
    ArrayNode all = document.putArray("runs");
    for (Row row : rows) {
      ObjectNode run = all.addObject();
      run.putPOJO("values", row.entry().cell().values());
      row.score().ifPresent(score -> run.put("score", score));
      row.entry()
          .evaluation()
          .ifPresent(each -> run.put("low", each.getLow()).put("high", each.getHigh()));
      run.set("run", Printing.tree(row.entry().run()));
    }
    return document;
  }

  private static String signed(double value) {
    return String.format(Locale.ROOT, "%+.4f", value);
  }

  private static String interval(Evaluation evaluation) {
    return String.format(Locale.ROOT, "[%+.4f, %+.4f]", evaluation.getLow(), evaluation.getHigh());
  }
}
