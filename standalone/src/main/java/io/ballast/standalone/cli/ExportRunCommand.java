package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.orchestrator.adapter.EventFolder;
import io.ballast.orchestrator.adapter.IterationScalars;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes the numbers of a run for other programs. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = "Writes every number of a run's iterations for TensorBoard.")
final class ExportRunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", description = "Which run.")
  private String run = "";

  @Option(
      names = "--tensorboard",
      paramLabel = "FOLDER",
      required = true,
      description =
          "A folder of runs: below it the run gets one of its own, with one file of events, in place of what was exported of it before. Not the mesh's own (ballast.orchestrator.tensorboard.folder) while the run learns: an iteration that ends meanwhile can be missing there.")
  private Path folder = Path.of("");

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  ExportRunCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() throws IOException {
    try (MeshTarget.Connection mesh = RunsCommand.connect(target)) {
      String id = RunsCommand.resolve(RunsCommand.stub(mesh), target.metadata(), run);
      GetRunResponse answer =
          RunsCommand.withIterations(RunsCommand.stub(mesh), target.metadata(), id);
      List<EventFolder.Row> rows =
          answer.getIterationsList().stream().map(ExportRunCommand::row).toList();
      Path file = new EventFolder(folder).write(key(answer.getRun()), rows);
      Set<String> tags = new TreeSet<>();
      rows.forEach(row -> tags.addAll(row.scalars().keySet()));
      printing.document(document(file, rows.size(), tags));
      printing.line("events: " + file);
      printing.line(
          "%d iterations, %d tags; tensorboard --logdir %s shows them"
              .formatted(rows.size(), tags.size(), folder));
      if (!RunWatcher.ended(answer.getRun().getState())) {
        printing.line(
            "the run has not ended: if the mesh writes to the same folder, an iteration of this moment can be missing; export again at the end");
      }
      return Exit.OK.code();
    }
  }

  private static EventFolder.RunKey key(Run run) {
    return new EventFolder.RunKey(
        run.getName(), run.getRunId(), Timestamps.instant(run.getCreateTime()));
  }

  private static EventFolder.Row row(IterationMetrics metrics) {
    return new EventFolder.Row(
        metrics.getIteration(),
        Timestamps.instant(metrics.getCommitTime()),
        IterationScalars.of(metrics));
  }

  private static ObjectNode document(Path file, int iterations, Set<String> tags) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("file", file.toString());
    document.put("iterations_count", iterations);
    ArrayNode all = document.putArray("tags");
    tags.forEach(all::add);
    return document;
  }
}
