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
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A real Triton on free ports of this machine, as {@code ./mesh test --triton} installs it. It ends
 * with this JVM, however that ends.
 */
public final class RealTriton implements AutoCloseable {
  private static final long READY_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Path repository;
  private final List<String> flags;
  private final int grpcPort;
  private final int httpPort;
  private final int metricsPort;
  private final Path log;
  private final Path notes;
  private Process script;
  private ProcessHandle server;

  private RealTriton(Path repository, List<String> flags) throws IOException {
    this.repository = copy(repository);
    this.flags = flags;
    try (ServerSocket one = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket two = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket three = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      grpcPort = one.getLocalPort();
      httpPort = two.getLocalPort();
      metricsPort = three.getLocalPort();
    }
    log = Files.createTempFile("triton", ".log");
    notes = Files.createTempFile("triton", ".notes");
    log.toFile().deleteOnExit();
    notes.toFile().deleteOnExit();
    start();
  }

  /** Starts a server of our own models with {@code models} loaded, and waits until it is ready. */
  public static RealTriton of(String... models) {
    return start(TritonInstallation.FILES.resolve("models"), models);
  }

  /** Starts a server of {@code repository} with {@code models} loaded, and waits for it. */
  public static RealTriton start(Path repository, String... models) {
    List<String> flags = new ArrayList<>();
    for (String model : models) {
      flags.add("--load-model=" + model);
    }
    return start(repository, flags);
  }

  /** Starts a server of {@code repository} with {@code flags}. */
  public static RealTriton start(Path repository, List<String> flags) {
    try {
      return new RealTriton(repository, List.copyOf(flags));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where its gRPC is: host:port. */
  public String address() {
    return "127.0.0.1:" + grpcPort;
  }

  /** Returns the status of an answer over HTTP. */
  public int httpStatus(String path) {
    return get(httpPort, path).statusCode();
  }

  /** Returns the sum of a metric over the versions of a model. */
  public double metric(String name, String model) {
    Pattern line =
        Pattern.compile(
            "(?m)^%s\\{model=\"%s\",version=\"\\d+\"\\} (\\S+)$".formatted(name, model));
    String page = get(metricsPort, "/metrics").body();
    return line.matcher(page)
        .results()
        .mapToDouble(match -> Double.parseDouble(match.group(1)))
        .sum();
  }

  /** What the models wrote about themselves. */
  public List<String> notes() {
    try {
      return Files.readAllLines(notes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits, at most 10 s, until the models have written {@code line}. */
  public void awaitNote(String line) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!notes().contains(line)) {
      if (System.nanoTime() > end) {
        throw new AssertionError("no note '%s' in %s; the log: %s".formatted(line, notes(), log()));
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Forgets what the models wrote. */
  public void clearNotes() {
    try {
      Files.writeString(notes, "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether it runs: it may have crashed. */
  public boolean isAlive() {
    return server.isAlive();
  }

  /** Kills it, as a crash would. */
  public void kill() {
    server.destroyForcibly();
    await(script);
    requireNoneLeft();
  }

  /** Kills it if it still runs, and starts it again on the same ports. */
  public void restart() {
    kill();
    try {
      start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Stops it where it stands: connections stay, nothing answers. */
  public void freeze() {
    signal("-STOP");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!isFrozen()) { // a thread may go on, and answer, until it hears of the signal
      if (System.nanoTime() > end) {
        throw new AssertionError("it goes on; the log: " + log());
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Whether each thread of it is stopped, as Linux tells. */
  private boolean isFrozen() {
    Path threads = Path.of("/proc", Long.toString(server.pid()), "task");
    try (Stream<Path> all = Files.list(threads)) {
      for (Path thread : all.toList()) {
        if (!Files.readString(thread.resolve("status")).contains("State:\tT")) {
          return false;
        }
      }
      return true;
    } catch (NoSuchFileException e) {
      return false; // one has ended meanwhile
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lets it go on. */
  public void thaw() {
    signal("-CONT");
  }

  /** Has it end as it would by itself: it unloads its models, and writes what it has traced. */
  public void stop() {
    try {
      script.getOutputStream().close(); // the end of its input is the script's sign to stop
    } catch (IOException e) {
      script.destroy();
    }
    await(script);
    requireNoneLeft();
  }

  /** Kills it, which takes a second less, and deletes its files. */
  @Override
  public void close() {
    kill();
    delete(repository);
  }

  /** The models have processes of their own, which outlive a server that does not end them. */
  private void requireNoneLeft() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (processes().findAny().isPresent()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("still running: " + processes().toList() + "; the log: " + log());
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Those whose command names the copy of the repository, which is this server's alone. */
  private Stream<ProcessHandle> processes() {
    return ProcessHandle.allProcesses()
        .filter(process -> process.info().commandLine().orElse("").contains(repository.toString()));
  }

  /**
   * Copies a repository. Python writes what it compiled beside the models: not into our sources,
   * and not at all, since a folder that has changed is loaded anew by the next plain load.
   */
  private static Path copy(Path repository) throws IOException {
    Path copy = Files.createTempDirectory("triton-models");
    try (Stream<Path> files = Files.walk(repository)) {
      for (Path file : files.toList()) {
        Path target = copy.resolve(repository.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
          if (file.endsWith("model.py")) {
            Files.createFile(target.resolveSibling("__pycache__"));
          }
        }
      }
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(copy)));
    return copy;
  }

  private static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void signal(String signal) {
    try {
      await(new ProcessBuilder("kill", signal, Long.toString(server.pid())).start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void start() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(TritonInstallation.FILES.resolve("serve.sh").toString());
    command.add(TritonInstallation.home().toString());
    command.add(repository.toAbsolutePath().toString());
    command.add(Integer.toString(grpcPort));
    command.add(Integer.toString(httpPort));
    command.addAll(flags);
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
    builder.environment().put("BALLAST_NOTES", notes.toString());
    builder.environment().put("BALLAST_METRICS_PORT", Integer.toString(metricsPort));
    script = builder.start();
    String pid =
        new BufferedReader(new InputStreamReader(script.getInputStream(), StandardCharsets.UTF_8))
            .readLine();
    if (pid == null) {
      throw new AssertionError("Triton did not start: " + log());
    }
    server = ProcessHandle.of(Long.parseLong(pid)).orElseThrow(() -> new AssertionError(log()));
    awaitReady();
  }

  private static HttpResponse<String> get(int port, String path) {
    URI uri = URI.create("http://127.0.0.1:" + port + path);
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
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
          close();
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

  private static void await(Process process) {
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("still running: " + process.info().commandLine().orElse("?"));
      }
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }
}
