package io.ballast.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A real Triton on free ports of this machine, as {@code ./mesh test --triton} installs it, for the
 * tests of servers. It ends with this JVM, however that ends.
 */
public final class RealTriton implements AutoCloseable {
  private static final Path SCRIPTS = Path.of("..", "inference", "src", "test", "triton");
  private static final long READY_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final List<String> command = new ArrayList<>();
  private final int grpcPort;
  private final int httpPort;
  private final Path log;
  private Process script;
  private ProcessHandle server;

  private RealTriton(Path repository, List<String> models) throws IOException {
    try (ServerSocket one = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket two = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      grpcPort = one.getLocalPort();
      httpPort = two.getLocalPort();
    }
    log = Files.createTempFile("triton", ".log");
    log.toFile().deleteOnExit();
    command.add(SCRIPTS.resolve("serve.sh").toAbsolutePath().toString());
    command.add(home().toString());
    command.add(repository.toAbsolutePath().toString());
    command.add(Integer.toString(grpcPort));
    command.add(Integer.toString(httpPort));
    models.forEach(model -> command.add("--load-model=" + model));
    script = run();
    server = process();
    awaitReady();
  }

  /** Starts a server of {@code repository} with {@code models} loaded, and waits for it. */
  public static RealTriton start(Path repository, List<String> models) {
    try {
      return new RealTriton(repository, models);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where its gRPC is: host:port. */
  public String address() {
    return "127.0.0.1:" + grpcPort;
  }

  /** Kills it, as a crash would. */
  public void kill() {
    server.destroyForcibly();
    try {
      if (!script.waitFor(20, TimeUnit.SECONDS)) {
        throw new AssertionError("still running: " + command);
      }
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  /** Starts it again, on the same ports, after it was killed. */
  public void startAgain() {
    try {
      script = run();
      server = process();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    awaitReady();
  }

  /** Stops it where it stands: connections stay, nothing answers. */
  public void freeze() {
    signal("-STOP");
  }

  /** Lets it go on. */
  public void thaw() {
    signal("-CONT");
  }

  @Override
  public void close() {
    kill();
  }

  private void signal(String signal) {
    try {
      int code = new ProcessBuilder("kill", signal, Long.toString(server.pid())).start().waitFor();
      if (code != 0) {
        throw new AssertionError("kill " + signal + " ended with " + code);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  private Process run() throws IOException {
    return new ProcessBuilder(command).redirectError(log.toFile()).start();
  }

  private ProcessHandle process() throws IOException {
    String pid =
        new BufferedReader(new InputStreamReader(script.getInputStream(), StandardCharsets.UTF_8))
            .readLine();
    return Optional.ofNullable(pid)
        .flatMap(text -> ProcessHandle.of(Long.parseLong(text)))
        .orElseThrow(() -> new AssertionError("Triton did not start: " + log()));
  }

  private void awaitReady() {
    URI ready = URI.create("http://127.0.0.1:" + httpPort + "/v2/health/ready");
    long end = System.nanoTime() + READY_NANOS;
    try (HttpClient http = HttpClient.newHttpClient()) {
      while (true) {
        try {
          if (http.send(HttpRequest.newBuilder(ready).build(), BodyHandlers.discarding())
                  .statusCode()
              == 200) {
            return;
          }
        } catch (IOException e) {
          // not listening yet
        } catch (InterruptedException e) {
          throw new AssertionError("interrupted while Triton starts", e);
        }
        if (!server.isAlive() || System.nanoTime() > end) {
          kill();
          throw new AssertionError("Triton is not ready: " + log());
        }
        LockSupport.parkNanos(20_000_000);
      }
    }
  }

  private String log() {
    try {
      List<String> lines = Files.readAllLines(log);
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Where it is installed; fails, never skips, where it is not. */
  private static Path home() {
    Path home =
        variable("BALLAST_TRITON_HOME")
            .orElseGet(
                () ->
                    variable("XDG_CACHE_HOME")
                        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("ballast")
                        .resolve("triton"));
    if (!Files.exists(home.resolve("installed"))) {
      throw new AssertionError("no Triton in " + home + ": run ./mesh test --triton");
    }
    return home;
  }

  private static Optional<Path> variable(String name) {
    return Optional.ofNullable(System.getenv(name)).filter(text -> !text.isEmpty()).map(Path::of);
  }
}
