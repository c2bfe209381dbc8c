package io.ballast.standalone.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Checks this machine, and says what to mend. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Checks this machine: JDK, memory, cores, disk, natives, PostgreSQL, models, ports.",
      "Checks a mesh that runs: ./mesh doctor mesh; proves its rewards: ./mesh doctor reward."
    },
    footer = {"", "Exit code 1: something must be mended before a mesh runs here."})
final class DoctorCommand implements Callable<Integer> {
  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "The mesh's data folder (default: $$BALLAST_DATA, or .ballast in the checkout).")
  private @Nullable Path data;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "${env:BALLAST_PORT:-9100}",
      description = "Where gRPC would listen (default: 9100, or $$BALLAST_PORT).")
  private int port;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      defaultValue = "${env:BALLAST_HTTP_PORT:-9180}",
      description = "Where HTTP would listen (default: 9180, or $$BALLAST_HTTP_PORT).")
  private int httpPort;

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  DoctorCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    Path folder = data == null ? context.defaultDataFolder() : data.toAbsolutePath();
    Examination examination = new Examination(context, folder, port, httpPort);
    Findings findings = new Findings(printing);
    examination.steps().forEach(step -> step.examine().forEach(findings::add));
    return findings
        .end("To mend before a mesh runs here: %d", "A mesh runs here; %d to look at")
        .code();
  }

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new DoctorCommand(context))
        .addSubcommand(new DoctorMeshCommand(context))
        .addSubcommand(new DoctorRewardCommand(context));
  }
}
