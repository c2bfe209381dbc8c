package io.ballast.standalone.cli;

import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.standalone.demo.report.ComparisonPage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Sets runs side by side. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Compares runs: where their specs differ, how they ended, their last numbers; and with --output"
            + " plots of all that they did over their iterations.")
final class CompareRunsCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", arity = "2..*", description = "Which runs, 2 to 6.")
  private List<String> names = new ArrayList<>();

  @Option(
      names = "--output",
      paramLabel = "FILE.html",
      description = "Where a page with plots goes; it needs no network.")
  private @Nullable Path output;

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  CompareRunsCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() throws IOException {
    if (names.size() > ComparedRun.MOST) {
      throw new CommandFailure(
          Exit.USAGE,
          "TOO_MANY_RUNS",
          "%d runs (expected: 2 to %d)".formatted(names.size(), ComparedRun.MOST));
    }
    try (MeshTarget.Connection mesh = RunsCommand.connect(target)) {
      RunComparison comparison = new RunComparison(answers(RunsCommand.stub(mesh)));
      if (output != null) {
        comparison.page().write(output);
      }
      printing.document(comparison.document());
      comparison.keys().forEach(printing::line);
      print(comparison.verdicts());
      print(comparison.specs());
      print(comparison.lastValues());
      if (output != null) {
        printing.line("");
        printing.line("page: " + output);
      }
      return Exit.OK.code();
    }
  }

  private List<GetRunResponse> answers(RunServiceBlockingStub stub) {
    Map<String, String> named = new LinkedHashMap<>();
    for (String name : names) {
      String id = RunsCommand.resolve(stub, target.metadata(), name);
      String before = named.putIfAbsent(id, name);
      if (before != null) {
        throw new CommandFailure(
            Exit.USAGE, "SAME_RUN", "run %s is named twice: %s and %s".formatted(id, before, name));
      }
    }
    return named.keySet().stream().map(id -> RunsCommand.get(stub, target.metadata(), id)).toList();
  }

  private void print(ComparisonPage.Table table) {
    printing.line("");
    printing.line(table.heading());
    if (!table.note().isEmpty()) {
      printing.line(table.note());
    }
    if (!table.head().isEmpty()) {
      TextTable text = TextTable.headed(table.head().toArray(String[]::new));
      table.rows().forEach(row -> text.row(row.toArray(String[]::new)));
      printing.table(text);
    }
  }
}
