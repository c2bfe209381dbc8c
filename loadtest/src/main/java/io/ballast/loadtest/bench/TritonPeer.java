package io.ballast.loadtest.bench;

import io.ballast.inference.triton.KServeClient;
import io.ballast.inference.triton.KServeConnection;
import io.ballast.inference.triton.KServeSettings;
import io.ballast.inference.triton.ServedModel;
import io.ballast.inference.triton.TritonException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A real Triton with two models that copy their input: X, 32-bit floats of shape [1, N], is given
 * as Y. It ends with this process.
 */
final class TritonPeer implements AutoCloseable {
  /** Copies in Python, each time. */
  static final String COPY = "copy";

  /**
   * Copies in Python what it has not seen; what it has, Triton answers out of its response cache,
   * by itself. Nothing costs a Triton less, so that what is left is the clients.
   */
  static final String CACHED = "cached";

  private static final String CACHE = "--cache-config=local,size=67108864";

  private static final long READY_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Process script;
  private final String address;

  private TritonPeer(Process script, String address) {
    this.script = script;
    this.address = address;
  }

  /** Where {@code ./mesh test --triton} installs Triton. */
  static Path installation() {
    String named = System.getenv("BALLAST_TRITON_HOME");
    if (named != null && !named.isBlank()) {
      return Path.of(named);
    }
    String cache = System.getenv("XDG_CACHE_HOME");
    Path caches =
        cache == null || cache.isBlank()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(cache);
    return caches.resolve("ballast").resolve("triton");
  }

  /**
   * Starts it.
   *
   * @param checkout has the script that runs Triton
   * @param work a folder that may be written
   * @return empty if Triton is not installed
   */
  static Optional<TritonPeer> start(Path checkout, Path installation, Path work)
      throws IOException {
    Path serve = checkout.resolve("inference/src/test/triton/serve.sh");
    if (!Files.exists(installation.resolve("installed")) || !Files.exists(serve)) {
      return Optional.empty();
    }
    Path repository = work.resolve("triton-models");
    for (String model : List.of(COPY, CACHED)) {
      Path version = Files.createDirectories(repository.resolve(model).resolve("1"));
      copy("triton/" + model + ".pbtxt", version.resolveSibling("config.pbtxt"));
      copy("triton/model.py", version.resolve("model.py"));
    }
    int grpcPort;
    int httpPort;
    try (ServerSocket one = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket two = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      grpcPort = one.getLocalPort();
      httpPort = two.getLocalPort();
    }
    Path log = work.resolve("triton.log");
    Process script =
        new ProcessBuilder(
                serve.toString(),
                installation.toString(),
                repository.toString(),
                Integer.toString(grpcPort),
                Integer.toString(httpPort),
                "--load-model=" + COPY,
                "--load-model=" + CACHED,
                CACHE)
            .redirectError(log.toFile())
            .start();
    TritonPeer peer = new TritonPeer(script, "127.0.0.1:" + grpcPort);
    try {
      peer.awaitReady(log);
    } catch (IOException | RuntimeException e) {
      peer.close();
      throw e;
    }
    return Optional.of(peer);
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(TritonPeer.class.getResourceAsStream(resource), resource)) {
      Files.write(file, in.readAllBytes());
    }
  }

  private void awaitReady(Path log) throws IOException {
    BufferedReader said = script.inputReader(StandardCharsets.UTF_8);
    if (said.readLine() == null) { // the process id comes first
      throw new IOException("Triton did not start: " + Files.readString(log).strip());
    }
    long end = System.nanoTime() + READY_NANOS;
    try (KServeConnection connection = KServeConnection.open(address, KServeSettings.defaults())) {
      while (!ready(connection.client())) {
        if (!script.isAlive() || System.nanoTime() > end) {
          throw new IOException("Triton is not ready: " + Files.readString(log).strip());
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
    }
  }

  private static boolean ready(KServeClient client) {
    try {
      return client.ready(ServedModel.of(COPY)) && client.ready(ServedModel.of(CACHED));
    } catch (TritonException notYet) {
      return false;
    }
  }

  /** Where its gRPC is: host:port. */
  String address() {
    return address;
  }

  /** The time that the server and the processes of its models have kept a core busy. */
  Duration cpu() {
    return script
        .descendants()
        .flatMap(process -> process.info().totalCpuDuration().stream())
        .reduce(Duration.ZERO, Duration::plus);
  }

  /** Ends it; the end of its input is the script's sign to stop. */
  @Override
  public void close() throws IOException {
    script.getOutputStream().close();
    try {
      if (!script.waitFor(10, TimeUnit.SECONDS)) {
        script.destroyForcibly();
      }
    } catch (InterruptedException e) {
      script.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
