package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Starts a learning run from a spec and watches it. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Starts a learning run from a spec, YAML or JSON, and watches it to its end.",
      "Ctrl-C leaves the run running: ./mesh runs watch goes on watching.",
      "With --grid: a run for each combination of the values, one after another, and a table of them."
    },
    footer = {
      "",
      "The same command again goes on with a grid: what is done is not run again.",
      "Exit codes: 0 promoted; 1 failed or cancelled; 4 No Solution Found, held or refused; with --grid 0",
      "unless a run failed or was cancelled."
    })
final class RunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "SPEC", description = "The spec's file; - is standard input.")
  private String spec = "";

  @Option(names = "--no-watch", description = "Start it and return at once.")
  private boolean noWatch;

  @Option(
      names = "--grid",
      paramLabel = "KEY=VALUE,…",
      description =
          "Values of a key of the spec, such as learning_rate=1e-4,3e-4 or kl.coefficient=0.05,0.1; more than one --grid: their product. Candidates wait for a person.")
  private List<String> grid = new ArrayList<>();

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description =
          "Idempotency key: the same key starts one run (default: a new one); of a grid, what keeps it apart from others of the same specs.")
  private @Nullable String key;

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  private final CommandContext context;

  RunCommand(CommandContext context) {
    this.context = context;
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    String text =
        spec.equals("-")
            ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
            : Files.readString(InputFile.require(Path.of(spec)));
    if (!grid.isEmpty()) {
      return grid(text).code();
    }
    try (MeshTarget.Connection mesh =
        target.connect(Role.ORCHESTRATOR, RunServiceGrpc.SERVICE_NAME)) {
      Run run =
          RunServiceGrpc.newBlockingStub(mesh.channel())
              .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .createRun(
                  CreateRunRequest.newBuilder()
                      .setMetadata(target.keyedMetadata(key))
                      .setSpec(text)
                      .build())
              .getRun();
      if (noWatch) {
        printing.document(run);
        printing.line(
            "started "
                + run.getName()
                + ", "
                + run.getRunId()
                + "; ./mesh runs watch "
                + run.getRunId());
        return Exit.OK.code();
      }
      return new RunWatcher(printing, target, context).watch(mesh, run, List.of(), 0).code();
    }
  }

  private Exit grid(String text) throws InterruptedException {
    if (noWatch) {
      throw new CommandFailure(
          Exit.USAGE,
          "BAD_GRID",
          "--no-watch: beside --grid (expected: none: one run begins when another has ended)");
    }
    List<SpecGrid.Cell> cells = SpecGrid.of(text, grid);
    try (MeshTarget.Connection mesh = RunsCommand.connect(target)) {
      return new GridRuns(printing, target, context).run(mesh, cells, key);
    }
  }
}
