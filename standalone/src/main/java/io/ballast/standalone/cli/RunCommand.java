package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
      "Ctrl-C leaves the run running: ./mesh runs watch goes on watching."
    },
    footer = {
      "",
      "Exit codes: 0 promoted; 1 failed or cancelled; 4 No Solution Found, held or refused."
    })
final class RunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "SPEC", description = "The spec's file; - is standard input.")
  private String spec = "";

  @Option(names = "--no-watch", description = "Start it and return at once.")
  private boolean noWatch;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description = "Idempotency key: the same key starts one run (default: a new one).")
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
            : Files.readString(Path.of(spec));
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
}
