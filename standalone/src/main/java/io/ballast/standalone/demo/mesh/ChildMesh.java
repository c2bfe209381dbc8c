package io.ballast.standalone.demo.mesh;

import io.ballast.standalone.process.ServerPlan;
import io.ballast.standalone.process.ServerPlan.Server;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A mesh in a process of its own, all four servers in it, started for the demo. It dies with the
 * demo unless it is to be kept. Used by one thread.
 */
public final class ChildMesh implements MeshHandle {
  private static final Path JAR = Path.of("standalone", "target", "quarkus-app", "quarkus-run.jar");
  private static final Path ENVIRONMENT = Path.of("standalone", "environment");
  private static final Pattern READY =
      Pattern.compile("mesh ready: grpc (\\S+:\\d+), console (http://\\S+:\\d+)");

  /** Two cores are there, and a run uses one: each run pins the version that it samples from. */
  private static final Map<String, String> BOTH_RUNS_AT_ONCE =
      Map.of(
          "ballast.orchestrator.concurrent-runs", "2", "ballast.policy.max-pinned-versions", "4");

  private static final int GRPC_PORT = 9100;
  private static final int HTTP_PORT = 9180;
  private static final Duration START_TIMEOUT = Duration.ofMinutes(3);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(40);
  private static final int SHOWN_LINES = 3;

  private final Process process;
  private final Path data;
  private final Path log;
  private final boolean keep;
  private final Thread atExit;
  private @Nullable Ready ready;

  /** What is known once it answers. */
  private record Ready(String target, String console, ManagedChannel channel) {}

  private ChildMesh(Process process, Path data, Path log, boolean keep, Thread atExit) {
    this.process = process;
    this.data = data;
    this.log = log;
    this.keep = keep;
    this.atExit = atExit;
  }

  /**
   * Starts a mesh, without waiting for it. It takes the usual ports, or any free ones if those are
   * in use.
   *
   * @param home the checkout
   * @param data the folder that it may write, created if absent
   * @param keep whether it goes on after {@link #close} and after this process
   * @throws IOException if it is not built, or the process cannot be started
   */
  public static ChildMesh launch(Path home, Path data, boolean keep) throws IOException {
    return launch(home, data, keep, BOTH_RUNS_AT_ONCE);
  }

  /**
   * Starts a mesh with properties of its own, such as {@code ballast.roles}, as {@link
   * #launch(Path, Path, boolean)} does.
   *
   * @param properties by name
   * @throws IOException if it is not built, or the process cannot be started
   */
  public static ChildMesh launch(Path home, Path data, boolean keep, Map<String, String> properties)
      throws IOException {
    Path jar = home.resolve(JAR);
    if (!Files.isRegularFile(jar)) {
      throw new IOException(jar + ": the mesh is not built (build it: ./mesh build)");
    }
    Server server = server(home, data, properties);
    server.createFolders();
    Path log = server.log();
    ProcessBuilder builder =
        new ProcessBuilder(server.command())
            .directory(home.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    environment(home).forEach(line -> put(builder, line));
    Process process = builder.start();
    Thread atExit = new Thread(process::destroy, "stop-mesh");
    if (!keep) {
      Runtime.getRuntime().addShutdownHook(atExit);
    }
    return new ChildMesh(process, data, log, keep, atExit);
  }

  @Override
  public void awaitReady() throws IOException {
    Matcher said = awaitReadyLine();
    ready = new Ready(said.group(1), said.group(2), Channels.open(said.group(1)));
  }

  /** The id of the process. */
  public long pid() {
    return process.pid();
  }

  /** The processor time that the process has had so far; empty if the system does not tell. */
  public Optional<Duration> cpuTime() {
    return process.info().totalCpuDuration();
  }

  @Override
  public Channel channel() {
    return ready().channel();
  }

  @Override
  public String target() {
    return ready().target();
  }

  @Override
  public Optional<String> console() {
    return Optional.of(ready().console());
  }

  private Ready ready() {
    if (ready == null) {
      throw new IllegalStateException("asked before awaitReady");
    }
    return ready;
  }

  @Override
  public Optional<Path> dataFolder() {
    return Optional.of(data);
  }

  @Override
  public boolean ownedByDemo() {
    return true;
  }

  @Override
  public void close() {
    if (ready != null) {
      ready.channel().shutdownNow();
      if (keep) {
        return;
      }
    }
    process.destroy();
    try {
      if (!process.waitFor(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IllegalStateException e) {
      // the JVM is ending already: the hook does the same
    }
  }

  private static Server server(Path home, Path data, Map<String, String> properties)
      throws IOException {
    return new ServerPlan(
            home,
            data.toAbsolutePath(),
            portLike(GRPC_PORT),
            portLike(HTTP_PORT),
            false,
            properties)
        .servers()
        .getFirst();
  }

  /** Returns {@code wanted} if it is free, else any free port. */
  private static int portLike(int wanted) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket socket = new ServerSocket(wanted, 1, loopback)) {
      return socket.getLocalPort();
    } catch (IOException inUse) {
      try (ServerSocket socket = new ServerSocket(0, 1, loopback)) {
        return socket.getLocalPort();
      }
    }
  }

  private static List<String> environment(Path home) throws IOException {
    Path file = home.resolve(ENVIRONMENT);
    if (!Files.isRegularFile(file)) {
      return List.of("OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "ORT_DISABLE_TELEMETRY=1");
    }
    try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
      return lines.filter(line -> line.matches("[A-Z]\\w*=.*")).toList();
    }
  }

  private static void put(ProcessBuilder builder, String line) {
    int equals = line.indexOf('=');
    builder.environment().putIfAbsent(line.substring(0, equals), line.substring(equals + 1));
  }

  private Matcher awaitReadyLine() throws IOException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    try {
      while (true) {
        boolean ended = process.waitFor(100, TimeUnit.MILLISECONDS);
        String said = Files.readString(log, StandardCharsets.UTF_8);
        Matcher line = READY.matcher(said);
        if (line.find()) {
          return line;
        }
        if (ended || System.nanoTime() > deadline) {
          throw new IOException(
              "the mesh %s: %s (all it said: %s)"
                  .formatted(ended ? "did not start" : "was not ready in time", tail(said), log));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the mesh started", e);
    }
  }

  private static String tail(String said) {
    List<String> lines = said.lines().filter(line -> !line.isBlank()).toList();
    Optional<String> own = lines.stream().filter(line -> line.startsWith("mesh: ")).findFirst();
    return own.orElseGet(
        () ->
            String.join(
                " | ", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size())));
  }
}
