package io.ballast.standalone.cli;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.postgres.Postgres;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Stops the mesh that uses a data folder. */
@Command(
    name = "down",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Drains and stops the mesh that uses a data folder, the ./mesh up that stays with it, and"
            + " an embedded PostgreSQL that a mesh left running when it was killed.")
final class DownCommand implements Callable<Integer> {
  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "The mesh's data folder (default: $$BALLAST_DATA, or .ballast in the checkout).")
  private @Nullable Path data;

  @Option(
      names = "--wait",
      paramLabel = "TIME",
      defaultValue = "60s",
      converter = DurationText.class,
      description = "How long it may take (default: 60s).")
  private Duration wait = Duration.ofSeconds(60);

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  DownCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = data == null ? context.defaultDataFolder() : data.toAbsolutePath();
    Optional<ProcessHandle> up = Supervision.holder(folder);
    List<ProcessHandle> holders =
        FolderHolders.of(folder).keySet().stream()
            .flatMap(pid -> ProcessHandle.of(pid).stream())
            .toList();
    if (up.isEmpty() && holders.isEmpty() && !stopsDatabase(folder)) {
      throw new CommandFailure(
          Exit.UNREACHABLE, "NOT_RUNNING", "no mesh uses " + folder + "; nothing to stop");
    }
    if (up.isPresent()) { // first: it starts again what ends
      up.get().destroy();
      awaitEnd(up.get(), folder);
      printing.line("stopped process " + up.get().pid() + ", ./mesh up");
    }
    holders.forEach(ProcessHandle::destroy);
    for (ProcessHandle holder : holders) {
      awaitEnd(holder, folder);
      printing.line("stopped process " + holder.pid());
    }
    var unused = stopsDatabase(folder); // what was killed has left it running
    return Exit.OK.code();
  }

  /** Stops an embedded PostgreSQL that runs although no mesh uses it; whether there was one. */
  private boolean stopsDatabase(Path folder) {
    try {
      Optional<Long> process = Postgres.stopUnused(folder.resolve("postgres"));
      process.ifPresent(
          pid ->
              printing.line(
                  "stopped process " + pid + ", the embedded PostgreSQL of a mesh that is gone"));
      return process.isPresent();
    } catch (MeshException e) {
      throw new CommandFailure(Exit.FAILED, "STILL_RUNNING", String.valueOf(e.getMessage()));
    }
  }

  private void awaitEnd(ProcessHandle process, Path folder) throws InterruptedException {
    try {
      var unused = process.onExit().get(wait.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new CommandFailure(
          Exit.FAILED,
          "STILL_RUNNING",
          "process "
              + process.pid()
              + " still runs after "
              + DurationText.of(wait.toMillis() / 1e3)
              + "; see logs/ in "
              + folder);
    }
  }
}
