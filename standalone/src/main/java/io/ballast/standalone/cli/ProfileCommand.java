package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.standalone.cli.Profiler.Recorded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Records what the processes of a mesh do for a while, for a table or a flame graph. */
@Command(
    name = "profile",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Records what the processes of the mesh that uses a data folder do for a while, and prints"
          + " their hot methods: by CPU time, natives included, where the system has it (Linux),"
          + " else by samples of Java code.",
      "By the JDK's flight recorder, with its settings for profiles; the file is for JDK Mission"
          + " Control or jfr view. With --flame by async-profiler: a page with a flame graph, in"
          + " which natives and the kernel are too."
    },
    footer = {"", "Exit code 3: no mesh uses the data folder."})
final class ProfileCommand implements Callable<Integer> {
  private static final int MOST_SECONDS = 3_600;

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "The mesh's data folder (default: $$BALLAST_DATA, or .ballast in the checkout).")
  private @Nullable Path data;

  @Option(
      names = "--role",
      paramLabel = "ROLE",
      description =
          "Only the process that plays this role, such as policy-server (default: all of them).")
  private @Nullable String role;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "30",
      description = "How long, 1 to 3,600 (default: 30).")
  private int seconds = 30;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description =
          "Where to; of several processes each adds its id (default: profile.jfr, or profile.html"
              + " with --flame, in the data folder's logs).")
  private @Nullable Path out;

  @Option(
      names = "--flame",
      arity = "0..1",
      paramLabel = "EVENT",
      fallbackValue = "cpu",
      description = "A flame graph instead: of cpu (default), wall (waiting too), alloc or lock.")
  private AsyncProfiler.@Nullable Event flame;

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  ProfileCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (seconds < 1 || seconds > MOST_SECONDS) {
      throw new ParameterException(
          spec.commandLine(), "--seconds: " + seconds + " (expected: 1 to 3,600)");
    }
    Path folder = data == null ? context.defaultDataFolder() : data.toAbsolutePath();
    AsyncProfiler.Event event = flame;
    if (event == null) {
      record(folder, new FlightRecorder());
    } else {
      try (AsyncProfiler profiler = AsyncProfiler.of(event)) {
        record(folder, profiler);
      }
    }
    return Exit.OK.code();
  }

  private void record(Path folder, Profiler profiler) throws IOException, InterruptedException {
    List<Recorded> recordings = recordings(folder, profiler.suffix());
    for (Recorded each : recordings) {
      profiler.start(each, seconds);
    }
    printing.line(
        "recording %s for %s"
            .formatted(
                String.join("; ", recordings.stream().map(Recorded::roles).toList()),
                DurationText.of(seconds)));
    TimeUnit.SECONDS.sleep(seconds);
    for (Recorded each : recordings) {
      profiler.stop(each);
      printing.line("");
      printing.line("%s (process %d): %s".formatted(each.roles(), each.pid(), each.file()));
      printing.line(profiler.report(each));
    }
  }

  private List<Recorded> recordings(Path folder, String suffix) throws IOException {
    SortedMap<Long, SortedSet<String>> holders = FolderHolders.of(folder);
    String only = role;
    if (only != null) {
      if (List.of(Role.values()).stream().noneMatch(known -> known.label().equals(only))) {
        throw new ParameterException(
            spec.commandLine(),
            "--role: %s (expected: policy-server, reward-server, safety-server or orchestrator)"
                .formatted(only));
      }
      holders.values().removeIf(roles -> !roles.contains(only));
    }
    if (holders.isEmpty()) {
      throw new CommandFailure(
          Exit.UNREACHABLE,
          "NOT_RUNNING",
          "no process of a mesh%s uses %s".formatted(only == null ? "" : " as " + only, folder));
    }
    Path file =
        out == null ? folder.resolve("logs").resolve("profile" + suffix) : out.toAbsolutePath();
    if (!file.toString().endsWith(suffix)) {
      throw new ParameterException(
          spec.commandLine(),
          "--out: %s (expected: a name that ends in %s)".formatted(file, suffix));
    }
    Path parent = file.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    List<Recorded> recordings = new ArrayList<>();
    holders.forEach(
        (pid, roles) ->
            recordings.add(
                new Recorded(
                    pid,
                    String.join(", ", roles),
                    holders.size() == 1 ? file : numbered(file, pid))));
    return recordings;
  }

  private static Path numbered(Path file, long pid) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return file.resolveSibling(
        dot < 0 ? name + "-" + pid : name.substring(0, dot) + "-" + pid + name.substring(dot));
  }
}
