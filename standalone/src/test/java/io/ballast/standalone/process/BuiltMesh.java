package io.ballast.standalone.process;

import io.ballast.loadtest.bench.FreePorts;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A process of the program that Maven has just built, with the models that come with it, started as
 * {@code ./mesh up} starts it, on free ports; without the second compiler, which in the few seconds
 * that such a process lives takes more of the processor than it gives back.
 */
final class BuiltMesh implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 120;

  /** An option of a JVM that does not live for long. */
  static final String FIRST_COMPILER = "-XX:TieredStopAtLevel=1";

  private static final String ARCHIVE = "-XX:SharedArchiveFile=";

  /** Where it says whether it is ready. */
  private static final String READY = "/q/health/ready";

  private final Process process;
  private final Path data;
  private final ServerPlan.Server plan;
  private final Path output;
  private final int port;
  private final int httpPort;
  private final Map<String, String> environment;
  private final ManagedChannel channel;

  private BuiltMesh(
      Process process,
      Path data,
      ServerPlan.Server plan,
      Map<String, String> environment,
      Path output) {
    this.process = process;
    this.data = data;
    this.plan = plan;
    this.environment = Map.copyOf(environment);
    this.output = output;
    this.port = plan.port();
    this.httpPort = plan.httpPort();
    this.channel =
        NettyChannelBuilder.forAddress(InetAddress.getLoopbackAddress().getHostAddress(), port)
            .usePlaintext()
            .build();
  }

  /** The checkout. */
  static Path home() {
    String home = System.getProperty("ballast.home");
    if (home == null) {
      throw new IllegalStateException("these tests need the built program: run them with Maven");
    }
    return Path.of(home).toAbsolutePath().normalize();
  }

  /** Starts all four servers in one process, and waits until they answer. */
  static BuiltMesh start(Path data, Map<String, String> properties) {
    return start(data, properties, Map.of());
  }

  /** The same with more in the environment of the process. */
  static BuiltMesh start(
      Path data, Map<String, String> properties, Map<String, String> environment) {
    ServerPlan plan = plan(data, freePort(), freePort(), false, properties);
    return launch(data, plan.servers().getFirst(), environment).awaitReady();
  }

  /**
   * Starts four processes in the order of their roles, until all answer and have found each other.
   */
  static List<BuiltMesh> startSplit(Path data) {
    return startSplit(data, FreePorts.inARow(), Map.of());
  }

  /**
   * The same on ports that are known before.
   *
   * @param port of the first role, as {@link FreePorts} gives it; the others follow
   */
  static List<BuiltMesh> startSplit(Path data, int port, Map<String, String> properties) {
    List<BuiltMesh> started =
        plan(data, port, FreePorts.inARow(), true, properties).servers().stream()
            .map(server -> launch(data, server, Map.of()))
            .toList();
    try {
      started.forEach(BuiltMesh::awaitReady);
      started.forEach(BuiltMesh::awaitPeers);
    } catch (AssertionError e) {
      started.forEach(each -> each.process.destroyForcibly());
      throw e;
    }
    return started;
  }

  /** Starts a process on these ports without waiting for it. */
  static BuiltMesh launch(Path data, int port, int httpPort, Map<String, String> properties) {
    ServerPlan plan = plan(data, port, httpPort, false, properties);
    return launch(data, plan.servers().getFirst(), Map.of());
  }

  private static ServerPlan plan(
      Path data, int port, int httpPort, boolean split, Map<String, String> properties) {
    Map<String, String> all = new TreeMap<>(properties);
    all.putIfAbsent("ballast.policy.gate-timeout", "PT30S"); // no busy machine is tested
    all.putIfAbsent("ballast.policy.judge-timeout", "PT30S");
    return new ServerPlan(home(), data, port, httpPort, split, all);
  }

  private static BuiltMesh launch(
      Path data, ServerPlan.Server server, Map<String, String> environment) {
    try {
      server.createFolders();
      Path output = server.log().resolveSibling(server.name() + "-" + server.port() + ".out");
      ProcessBuilder builder =
          new ProcessBuilder(command(server))
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().putAll(environment);
      return new BuiltMesh(builder.start(), data, server, environment, output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A process of some roles reads the archive of classes that one of all has written, and writes
   * none: those that are killed would never have one.
   */
  private static List<String> command(ServerPlan.Server server) {
    List<String> command = new ArrayList<>(server.command());
    command.add(1, FIRST_COMPILER);
    if (command.stream().anyMatch(each -> each.startsWith("-Dballast.roles="))) {
      command.remove("-XX:+AutoCreateSharedArchive");
      command.replaceAll(
          each ->
              each.startsWith(ARCHIVE)
                  ? ARCHIVE + home().resolve("standalone/target/mesh-classes.jsa")
                  : each);
    }
    return command;
  }

  /** Waits until the process says that it answers. */
  BuiltMesh awaitReady() {
    awaitSaid("mesh ready:");
    return this;
  }

  private void awaitPeers() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    String health = http(READY);
    while (!health.contains("\"connected\"")) {
      if (ended(100) || System.nanoTime() > deadline) {
        throw new AssertionError("the mesh finds no peers; its health:\n" + health);
      }
      health = http(READY);
    }
  }

  /** Waits until the process has printed this. */
  void awaitSaid(String words) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!said().contains(words)) {
      if ((ended(100) && !said().contains(words)) || System.nanoTime() > deadline) {
        process.destroyForcibly();
        throw new AssertionError("the mesh does not say '" + words + "'; it said:\n" + said());
      }
    }
  }

  /** Waits until the process ends by itself, and returns its exit code. */
  int awaitEnd() {
    if (!ended(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS))) {
      process.destroyForcibly();
      throw new AssertionError("the process does not end; it said:\n" + said());
    }
    return process.exitValue();
  }

  private boolean ended(long millis) {
    try {
      return process.waitFor(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** All that it has printed. */
  String said() {
    try {
      return Files.readString(output, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The line for people that says why it did not start. */
  String complaint() {
    return said()
        .lines()
        .filter(line -> line.startsWith("mesh: "))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no line 'mesh: …' in:\n" + said()));
  }

  /** The body of an HTTP answer. */
  String http(String path) {
    return answer(request(path).build());
  }

  /** The body of the answer of this media type. */
  String http(String path, String accept) {
    return answer(request(path).header("Accept", accept).build());
  }

  /** The body of the answer to a JSON document. */
  String post(String path, String json) {
    return answer(
        request(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json))
            .build());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + path));
  }

  private static String answer(HttpRequest request) {
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** A channel to its gRPC port. */
  ManagedChannel channel() {
    return channel;
  }

  int port() {
    return port;
  }

  int httpPort() {
    return httpPort;
  }

  long pid() {
    return process.pid();
  }

  /** What {@code kill} does: SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** What {@code kill -9} does: no time for anything. */
  void kill() {
    process.destroyForcibly();
    awaitEnd();
    channel.shutdownNow();
  }

  /** Starts it once more, on its ports and its data, until it answers. */
  BuiltMesh again() {
    return launch(data, plan, environment).awaitReady();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    process.destroy();
    awaitEnd();
  }

  /** A port that nothing listens on now. */
  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
