package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.standalone.cli.FolderHolders.Holder;
import io.ballast.standalone.process.ServerPlan;
import io.ballast.standalone.process.ServerPlan.Server;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts the mesh, in one process or four, and stays with it. */
@Command(
    name = "up",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Starts the mesh, says where it is, and stays with it until Ctrl-C, which drains and stops it.",
      "With --split each of the four servers is a process of its own: gRPC on four ports from --port"
          + " on (policy, reward, safety, orchestrator), HTTP on four from --http-port on. One that"
          + " ends is started again, after 1, 2, 4, 8 and 16 s, within ten minutes 5 times at most;"
          + " then all are stopped."
          + " Where some of the four run on the data folder already, only those that are missing"
          + " are started: give the options that the others were started with."
    })
final class UpCommand implements Callable<Integer> {
  private static final long POLL_MILLIS = 50;

  @Option(names = "--split", description = "Four processes instead of one.")
  private boolean split;

  @Option(
      names = "--detach",
      description = "Return once it answers; ./mesh down stops it. Nobody starts it again.")
  private boolean detach;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "${env:BALLAST_PORT:-9100}",
      description = "Of gRPC (default: 9100, or $$BALLAST_PORT).")
  private int port;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      defaultValue = "${env:BALLAST_HTTP_PORT:-9180}",
      description = "Of console, health and metrics (default: 9180, or $$BALLAST_HTTP_PORT).")
  private int httpPort;

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "What it writes: database, models, logs (default: $$BALLAST_DATA, or .ballast in the"
              + " checkout).")
  private @Nullable Path data;

  @Option(
      names = "--jdbc-url",
      paramLabel = "URL",
      description = "Use this PostgreSQL instead of an embedded one.")
  private @Nullable String jdbcUrl;

  @Option(
      names = "--policy",
      paramLabel = "NAME[/VERSION]",
      description =
          "The model that suggests, of the data folder or of those that came along; the version if"
              + " there are several (default: java-tiny/1). What serves afterwards is for ./mesh"
              + " models to say.")
  private @Nullable String policy;

  @Option(
      names = "--set",
      paramLabel = "NAME=VALUE",
      description = "Set a property, such as ballast.policy.temperature=0.8; repeatable.")
  private Map<String, String> properties = Map.of();

  @Option(
      names = "--wait",
      paramLabel = "TIME",
      defaultValue = "5m",
      converter = DurationText.class,
      description = "How long it may take to answer (default: 5m).")
  private Duration wait = Duration.ofMinutes(5);

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  UpCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    long start = context.nanoTime().getAsLong();
    ServerPlan plan = plan();
    List<Server> servers = plan.servers();
    servers.forEach(UpCommand::requirePortsInRange);
    Map<String, Long> there = running(servers, FolderHolders.byRole(plan.data()));
    List<Server> missing =
        servers.stream().filter(server -> !there.containsKey(server.name())).toList();
    (missing.isEmpty() ? servers : missing).forEach(UpCommand::requireFreePorts);
    if (detach) {
      Supervision.requireNone(plan.data());
      var unused = start(servers, there, start);
      return Exit.OK.code();
    }
    try (Supervision kept = Supervision.claim(plan.data(), ProcessHandle.current().pid())) {
      return start(servers, there, start).stay();
    }
  }

  /**
   * The processes of those servers that run already where they are planned to, each alone in its
   * process: in a mesh of four from which some are missing, those that are not started.
   *
   * @param holders who plays each role on the data folder
   */
  static Map<String, Long> running(List<Server> servers, Map<String, Holder> holders) {
    Map<String, Long> running = new LinkedHashMap<>();
    for (Server server : servers) {
      Holder holder = holders.get(server.name());
      if (holder != null
          && holder.port() == server.port()
          && holder.httpPort() == server.httpPort()
          && holders.values().stream().filter(each -> each.pid() == holder.pid()).count() == 1) {
        running.put(server.name(), holder.pid());
      }
    }
    return running;
  }

  /**
   * Starts the servers that are not there, and returns once all of these answer.
   *
   * @param there the processes of the others, by the servers' names
   */
  private Supervisor start(List<Server> servers, Map<String, Long> there, long start)
      throws IOException, InterruptedException {
    printing.line("Starting: the database, then each server's models; data in " + data());
    if (!there.isEmpty()) {
      printing.line("Already running, as they are: " + String.join(", ", there.keySet()));
    }
    Supervisor supervisor = new Supervisor(split, printing, context.nanoTime());
    Thread drain = new Thread(supervisor::stop, "drain");
    Runtime.getRuntime().addShutdownHook(drain);
    try {
      for (Server server : servers) {
        if (!there.containsKey(server.name())) {
          supervisor.start(server, detach);
        }
      }
      awaitReady(supervisor.running(), start);
    } catch (CommandFailure | IOException e) {
      supervisor.stop();
      throw e;
    }
    Map<String, Long> pids = new HashMap<>(there);
    supervisor.running().forEach(each -> pids.put(each.server().name(), each.process().pid()));
    announce(servers, pids, there.isEmpty(), (context.nanoTime().getAsLong() - start) / 1e9);
    if (detach) {
      supervisor.leave();
    }
    return supervisor;
  }

  private ServerPlan plan() {
    Map<String, String> all = new HashMap<>(properties);
    if (jdbcUrl != null) {
      all.put("ballast.database.url", jdbcUrl);
    }
    Path folder = data();
    if (policy != null) {
      ModelChoice choice =
          ModelChoice.policy(
              policy, List.of(folder.resolve("models"), context.home().resolve("models")));
      all.put("ballast.policy.default-model", choice.model());
      all.put("ballast.policy.first-version", choice.version());
    }
    return new ServerPlan(context.home(), folder, port, httpPort, split, all);
  }

  private Path data() {
    return data == null ? context.defaultDataFolder() : data.toAbsolutePath().normalize();
  }

  private static void requirePortsInRange(Server server) {
    requireInRange(server.port(), "--port");
    requireInRange(server.httpPort(), "--http-port");
  }

  private static void requireInRange(int port, String option) {
    if (port < 0 || port > 65_535) {
      throw new CommandFailure(
          Exit.USAGE, "INVALID_PORT", option + ": " + port + " (allowed: 0 to 65535)");
    }
  }

  private static void requireFreePorts(Server server) {
    requireFree(server.port(), "--port");
    requireFree(server.httpPort(), "--http-port");
  }

  private static void requireFree(int port, String option) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress("127.0.0.1", port));
    } catch (IOException e) {
      throw new CommandFailure(
          Exit.FAILED,
          "PORT_IN_USE",
          "port "
              + port
              + " is in use; stop what listens there (a mesh: ./mesh down), or choose another with "
              + option);
    }
  }

  private void awaitReady(List<RunningServer> running, long start) throws InterruptedException {
    List<RunningServer> waiting = new ArrayList<>(running);
    while (!waiting.isEmpty()) {
      for (RunningServer server : List.copyOf(waiting)) {
        server.newSteps().forEach(step -> printing.line("  " + step));
        if (server.isReady()) {
          waiting.remove(server);
        } else if (!server.process().isAlive()) {
          throw server.failure();
        }
      }
      if (context.nanoTime().getAsLong() - start > wait.toNanos()) {
        throw new CommandFailure(
            Exit.FAILED,
            "START_TIMEOUT",
            waiting.getFirst().server().name()
                + " does not answer after "
                + DurationText.of(wait.toMillis() / 1e3)
                + "; its log is "
                + waiting.getFirst().server().log());
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private void announce(List<Server> servers, Map<String, Long> pids, boolean all, double seconds) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    for (Server server : servers) {
      list.addObject()
          .put("name", server.name())
          .put("target", "127.0.0.1:" + server.port())
          .put("console", "http://127.0.0.1:" + server.httpPort())
          .put("pid", pids.get(server.name()))
          .put("log", server.log().toString());
    }
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("ready_seconds", seconds);
    document.set("servers", list);
    printing.document(document);

    printing.line("The mesh is up, " + DurationText.of(seconds));
    TextTable table = TextTable.plain();
    for (Server server : servers) {
      table.row(
          "  " + server.name(),
          "gRPC 127.0.0.1:" + server.port(),
          "http://127.0.0.1:" + server.httpPort());
    }
    printing.table(table);
    String target = port == 9100 ? "" : "BALLAST_TARGET=127.0.0.1:" + port + " ";
    printing.line("");
    printing.line("Console: http://127.0.0.1:" + servers.getFirst().httpPort());
    printing.line("Three calls to try" + (detach ? ":" : ", in another terminal:"));
    printing.line("  " + target + "./mesh suggest 'for (int i = 0; i < '");
    printing.line(
        "  " + target + "./mesh score --prompt 'for (int i = 0; i < ' 'n; i++) {' 'banana'");
    printing.line(
        "  " + target + "./mesh cost --prompt 'for (int i = 0; i < ' 'n; i++) {' ') } ('");
    printing.line("");
    printing.line(
        detach
            ? "./mesh down" + (data == null ? "" : " --data " + data) + " stops it."
            : all
                ? "Ctrl-C stops it."
                : "Ctrl-C stops what was started now, ./mesh down the whole mesh.");
  }
}
