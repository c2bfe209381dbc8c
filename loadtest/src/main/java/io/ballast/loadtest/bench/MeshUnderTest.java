package io.ballast.loadtest.bench;

import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresAddress;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestRequest;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A mesh of its own, started as a user starts it, on free ports and a given data folder. */
final class MeshUnderTest implements AutoCloseable {
  private static final long POLL_NANOS = 10_000_000;

  private final Process process;
  private final Path data;
  private final int port;
  private final ManagedChannel channel;
  private final double startSeconds;

  /** What a mesh must do before it counts as started. */
  @FunctionalInterface
  interface FirstCall {
    /** Makes a call; one that fails is what is wrong with the mesh. */
    void on(ManagedChannel channel);
  }

  private MeshUnderTest(
      Process process, Path data, int port, ManagedChannel channel, double startSeconds) {
    this.process = process;
    this.data = data;
    this.port = port;
    this.channel = channel;
    this.startSeconds = startSeconds;
  }

  /**
   * Starts a mesh and waits until it has made a suggestion.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param data its data folder
   * @param environment added to this process's own
   * @param patience how long it may take
   * @throws IllegalStateException if it ends or does not answer, with the end of its output
   */
  static MeshUnderTest start(
      Path script, Path data, Map<String, String> environment, Duration patience) {
    return start(script, data, environment, patience, MeshUnderTest::suggest);
  }

  /** The same for one that has other work to do first. */
  static MeshUnderTest start(
      Path script,
      Path data,
      Map<String, String> environment,
      Duration patience,
      FirstCall firstCall) {
    return start(script, data, List.of(), environment, patience, firstCall);
  }

  /**
   * The same with more options of {@code up}.
   *
   * @param options such as --split: the other servers then follow the first on its ports
   */
  static MeshUnderTest start(
      Path script,
      Path data,
      List<String> options,
      Map<String, String> environment,
      Duration patience,
      FirstCall firstCall) {
    return start(
        script,
        data,
        options,
        environment,
        InsecureChannelCredentials.create(),
        patience,
        firstCall);
  }

  /** The same as {@link #start(Path, Path, Map, Duration)} for a mesh that encrypts. */
  static MeshUnderTest start(
      Path script,
      Path data,
      Map<String, String> environment,
      ChannelCredentials credentials,
      Duration patience) {
    return start(
        script, data, List.of(), environment, credentials, patience, MeshUnderTest::suggest);
  }

  private static MeshUnderTest start(
      Path script,
      Path data,
      List<String> options,
      Map<String, String> environment,
      ChannelCredentials credentials,
      Duration patience,
      FirstCall firstCall) {
    try {
      Files.createDirectories(data);
      int port = FreePorts.inARow();
      Path log = data.resolve("bench-mesh.log");
      ProcessBuilder builder =
          new ProcessBuilder(
              script.toAbsolutePath().toString(),
              "up",
              "--data",
              data.toAbsolutePath().toString(),
              "--port",
              Integer.toString(port),
              "--http-port",
              Integer.toString(FreePorts.inARow()));
      builder.command().addAll(options);
      builder.environment().putAll(environment);
      builder.environment().remove("BALLAST_TOKEN"); // a token guards it; nobody else calls it here
      builder.redirectErrorStream(true).redirectOutput(log.toFile());
      long begin = System.nanoTime();
      Process process = builder.start();
      try {
        awaitPort(process, port, begin + patience.toNanos(), log);
        ManagedChannel channel =
            NettyChannelBuilder.forAddress("127.0.0.1", port, credentials).build();
        try {
          firstCall.on(channel);
        } catch (StatusRuntimeException e) {
          channel.shutdownNow();
          throw new IllegalStateException(
              "the first call failed: " + Status.fromThrowable(e) + ": " + tail(log), e);
        }
        return new MeshUnderTest(process, data, port, channel, (System.nanoTime() - begin) / 1e9);
      } catch (RuntimeException e) {
        end(process, data);
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitPort(Process process, int port, long limit, Path log) {
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
        return;
      } catch (IOException notYet) {
        if (!process.isAlive()) {
          throw new IllegalStateException(
              "the mesh ended with code " + process.exitValue() + ": " + tail(log));
        }
        if (System.nanoTime() > limit) {
          throw new IllegalStateException("the mesh does not answer: " + tail(log));
        }
        LockSupport.parkNanos(POLL_NANOS);
      }
    }
  }

  private static void suggest(ManagedChannel channel) {
    SuggestRequest request =
        SuggestRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant("bench"))
            .setPrompt(BenchTexts.context(0))
            .setGateMode(GateMode.GATE_MODE_OFF)
            .build();
    var unused =
        PolicyServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .suggest(request);
  }

  private static String tail(Path log) {
    try (Stream<String> lines = Files.lines(log)) {
      List<String> all = lines.toList();
      return String.join(" | ", all.subList(Math.max(0, all.size() - 5), all.size()));
    } catch (IOException | UncheckedIOException e) {
      return "no output in " + log;
    }
  }

  /** Seconds from starting the script to the first suggestion. */
  double startSeconds() {
    return startSeconds;
  }

  ManagedChannel channel() {
    return channel;
  }

  /** The port of the first server. */
  int port() {
    return port;
  }

  /**
   * The process of a mesh of four that plays this role.
   *
   * @param role as {@code ballast.roles} names it
   * @throws IllegalStateException if there is none
   */
  ProcessHandle server(String role) {
    return process
        .descendants()
        .filter(each -> plays(each, role))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no process plays " + role));
  }

  private static boolean plays(ProcessHandle process, String role) {
    return process
        .info()
        .arguments()
        .filter(arguments -> List.of(arguments).contains("-Dballast.roles=" + role))
        .isPresent();
  }

  /**
   * The embedded database's first process, whose children serve its connections.
   *
   * @throws IllegalStateException if there is none
   */
  ProcessHandle database() {
    return postmaster(data)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no embedded database runs"));
  }

  /**
   * Has PostgreSQL do at once what it would do by itself within minutes, beside what is measured
   * then.
   */
  void settleDatabase() throws SQLException {
    try (Connection connection = databaseAddress().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("vacuum analyze");
      statement.execute("checkpoint");
    }
  }

  /**
   * Where the embedded database listens, and its password.
   *
   * @throws IllegalStateException if there is none
   */
  PostgresAddress databaseAddress() {
    return postmasterFiles(data)
        .findFirst()
        .map(file -> file.resolve("../..").normalize())
        .flatMap(Postgres::find)
        .orElseThrow(() -> new IllegalStateException("no embedded database runs"));
  }

  /** What the embedded database logs. */
  Path databaseLog() {
    return data.resolve("logs").resolve("postgres.log");
  }

  /**
   * Where the embedded database keeps its tables.
   *
   * @throws IllegalStateException if there is none
   */
  Path databaseTables() {
    return postmasterFiles(data)
        .findFirst()
        .map(file -> file.resolveSibling("base"))
        .orElseThrow(() -> new IllegalStateException("no embedded database runs"));
  }

  /**
   * The process that serves, child of the script's.
   *
   * @throws IllegalStateException if it has ended
   */
  ProcessHandle server() {
    return process
        .children()
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("the mesh has ended"));
  }

  /**
   * Resident bytes of all its processes, database included. A page that several share counts for
   * each, so this is at least what it takes.
   */
  long residentBytes() {
    return processes(process, data).stream().mapToLong(ProcessMemory::resident).sum();
  }

  /** The same at each process's own peak: at least the peak of all together. */
  long peakResidentBytes() {
    return processes(process, data).stream().mapToLong(ProcessMemory::peak).sum();
  }

  private static List<ProcessHandle> processes(Process process, Path data) {
    List<ProcessHandle> all = new ArrayList<>();
    all.add(process.toHandle());
    process.descendants().forEach(all::add);
    postmaster(data)
        .filter(handle -> !all.contains(handle))
        .forEach(
            handle -> {
              all.add(handle);
              handle.descendants().forEach(all::add);
            });
    return all;
  }

  /** The embedded database, which is nobody's child. */
  private static Stream<ProcessHandle> postmaster(Path data) {
    return postmasterFiles(data).flatMap(MeshUnderTest::named);
  }

  private static Stream<Path> postmasterFiles(Path data) {
    try (Stream<Path> files = Files.find(data, 4, (p, a) -> p.endsWith("postmaster.pid"))) {
      return files.toList().stream();
    } catch (IOException | UncheckedIOException e) {
      return Stream.empty();
    }
  }

  private static Stream<ProcessHandle> named(Path file) {
    try {
      return ProcessHandle.of(Long.parseLong(Files.readAllLines(file).getFirst().strip())).stream();
    } catch (IOException | NumberFormatException e) {
      return Stream.empty(); // it is just being written, or deleted
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    end(process, data);
  }

  private static void end(Process process, Path data) {
    List<ProcessHandle> all = processes(process, data);
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    all.forEach(ProcessHandle::destroy); // whoever outlived its parent
  }
}
