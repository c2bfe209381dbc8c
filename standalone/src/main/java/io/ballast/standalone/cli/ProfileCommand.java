package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

/** Records what the processes of a mesh do for a while, by the JDK's own flight recorder. */
@Command(
    name = "profile",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Records what the processes of the mesh that uses a data folder do for a while, and prints"
          + " their hot methods: by CPU time, natives included, where the system has it (Linux),"
          + " else by samples of Java code.",
      "By the JDK's flight recorder, with its settings for profiles; the file is for JDK Mission"
          + " Control or jfr view."
    },
    footer = {"", "Exit code 3: no mesh uses the data folder."})
final class ProfileCommand implements Callable<Integer> {
  /** Of this call alone: one that was broken off may still be recording. */
  private static final String RECORDING = "ballast-profile-" + ProcessHandle.current().pid();

  private static final int TOOL_PATIENCE_SECONDS = 60;
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
          "Where to, a name that ends in .jfr; of several processes each adds its id (default:"
              + " profile.jfr in the data folder's logs).")
  private @Nullable Path out;

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  ProfileCommand(CommandContext context) {
    this.context = context;
  }

  /** One process, and the file that its recording becomes. */
  private record Recorded(long pid, String roles, Path file) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (seconds < 1 || seconds > MOST_SECONDS) {
      throw new ParameterException(
          spec.commandLine(), "--seconds: " + seconds + " (expected: 1 to 3,600)");
    }
    Path folder = data == null ? context.defaultDataFolder() : data.toAbsolutePath();
    List<Recorded> recordings = recordings(folder);
    for (Recorded each : recordings) {
      jcmd(
          each,
          "JFR.start",
          "name=" + RECORDING,
          "settings=profile",
          // ends by itself if this command does not live to end it
          "duration=%ds".formatted(seconds + TOOL_PATIENCE_SECONDS),
          "filename=" + each.file(),
          "jdk.CPUTimeSample#enabled=true");
    }
    printing.line(
        "recording %s for %s"
            .formatted(
                String.join("; ", recordings.stream().map(Recorded::roles).toList()),
                DurationText.of(seconds)));
    TimeUnit.SECONDS.sleep(seconds);
    for (Recorded each : recordings) {
      jcmd(each, "JFR.stop", "name=" + RECORDING);
      report(each);
    }
    return Exit.OK.code();
  }

  private List<Recorded> recordings(Path folder) throws IOException {
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
    Path file = out == null ? folder.resolve("logs").resolve("profile.jfr") : out.toAbsolutePath();
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

  private static void jcmd(Recorded recorded, String... words)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Long.toString(recorded.pid())));
    command.addAll(List.of(words));
    String said = tool("jcmd", command);
    if (said.contains("Could not") || said.contains("Exception") || said.contains("No recording")) {
      throw new CommandFailure(
          Exit.FAILED,
          "NOT_RECORDED",
          "process %d: %s".formatted(recorded.pid(), said.lines().skip(1).findFirst().orElse("")));
    }
  }

  private void report(Recorded recorded) throws IOException, InterruptedException {
    printing.line("");
    printing.line(
        "%s (process %d): %s".formatted(recorded.roles(), recorded.pid(), recorded.file()));
    String file = recorded.file().toString();
    Optional<String> byTime = view("cpu-time-hot-methods", file);
    byTime
        .or(() -> view("hot-methods", file))
        .ifPresentOrElse(
            printing::line, () -> printing.line("nothing ran for long enough to be seen"));
  }

  /** A view of a recording; empty if there is nothing in it. */
  private static Optional<String> view(String name, String file) {
    try {
      String said = tool("jfr", List.of("view", "--width", "150", name, file));
      return said.contains("No events found") || said.contains("missing")
          ? Optional.empty()
          : Optional.of(said.strip());
    } catch (IOException e) {
      return Optional.empty(); // the file is there, and whoever reads it sees more
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** What a tool of the JDK says. */
  private static String tool(String name, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", name).toString());
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    var unused =
        process
            .onExit()
            .orTimeout(TOOL_PATIENCE_SECONDS, TimeUnit.SECONDS)
            .exceptionally(late -> process.destroyForcibly());
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new CommandFailure(
          Exit.FAILED,
          "NOT_RECORDED",
          name + ": " + said.lines().findFirst().orElse("ended without a word"));
    }
    return said;
  }
}
