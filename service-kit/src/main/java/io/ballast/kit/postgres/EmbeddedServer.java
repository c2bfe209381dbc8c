package io.ballast.kit.postgres;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import io.zonky.test.db.postgres.embedded.PgBinaryResolver;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL server of this mesh's own, on loopback, which asks for a password that only the
 * owner of its files can read; durable: fsync and synchronous commits are on. The processes of one
 * mesh share it: the first starts it, the last stops it. It outlives a process that is killed, and
 * the next one takes it over; if it dies itself, one of them starts it again.
 *
 * <p>Who uses it is kept in the locks of two files, which the operating system frees when a process
 * dies: {@code start.lock}, held while it is started or stopped, and {@code users.lock}, held
 * shared by every process that uses it.
 */
final class EmbeddedServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedServer.class);
  private static final Duration LONGEST_START = Duration.ofSeconds(60);

  /**
   * A start beside what the dead server has left, be it a process that nobody has reaped, fails at
   * once, which is seen only after this time; then it is tried again. One that takes longer, since
   * there is much to recover, goes on by itself.
   */
  private static final Duration LONGEST_RESTART = Duration.ofSeconds(1);

  private static final Duration LONGEST_STOP = Duration.ofSeconds(20);
  private static final Duration LOOK = Duration.ofMillis(20);

  private final Path folder;
  private final Path log;
  private final EmbeddedAccess access;
  private final FileChannel users;
  private final int port;
  private final ReentrantLock starting = new ReentrantLock(); // the files' locks are of a process
  private final CountDownLatch closed = new CountDownLatch(1);

  private EmbeddedServer(
      Path folder, Path log, EmbeddedAccess access, FileChannel users, int port) {
    this.folder = folder;
    this.log = log;
    this.access = access;
    this.users = users;
    this.port = port;
  }

  /**
   * Returns the server whose files are in {@code folder}, running.
   *
   * @throws MeshException PRECONDITION_FAILED if it cannot be started, or one that lets in whoever
   *     asks does not stop
   */
  static EmbeddedServer open(Path folder, Path log) {
    try {
      OwnerOnly.createFolders(folder);
      Path parent = log.toAbsolutePath().getParent();
      if (parent != null) {
        OwnerOnly.createFolders(parent);
      }
      try (Held held = Held.lock(folder)) {
        FileChannel users = file(folder, "users.lock");
        try {
          var unused = users.lock(0, Long.MAX_VALUE, true);
          Optional<Integer> running = running(folder);
          if (running.isPresent()) { // so its first start did end, be it that nobody waited for it
            markComplete(folder);
          }
          EmbeddedAccess access = EmbeddedAccess.of(folder, new SecureRandom());
          int port = running.isPresent() ? running.get() : start(folder, log, access);
          if (access.isOpenToAll()) {
            closeToStrangers(folder, log, access, port);
          }
          return new EmbeddedServer(folder, log, access, users, port);
        } catch (RuntimeException | IOException e) {
          users.close();
          throw e;
        }
      }
    } catch (IOException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "the embedded PostgreSQL in %s cannot be started: %s; its log is %s"
              .formatted(folder, e.getMessage(), log),
          e);
    } catch (OverlappingFileLockException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "the embedded PostgreSQL in %s is in use by this process already".formatted(folder),
          e);
    }
  }

  PostgresAddress address() {
    return access.at(port);
  }

  /**
   * Where the server on the files in {@code folder} is, for whoever is no process of its mesh;
   * empty if none runs.
   */
  static Optional<PostgresAddress> find(Path folder) throws IOException {
    Optional<Integer> port = running(folder);
    return port.isEmpty()
        ? Optional.empty()
        : Optional.of(EmbeddedAccess.read(folder).at(port.get()));
  }

  /**
   * Starts the server again, at its port and on its files, whenever it has died, until this is
   * closed: its users go on as soon as it answers, and nobody else would start it.
   *
   * @param look how often it is looked for
   */
  void keepRunning(Duration look) {
    Thread.ofVirtual().name("postgres").start(() -> keep(look));
  }

  private void keep(Duration look) {
    try {
      boolean dead = false;
      while (!closed.await(look.toMillis(), TimeUnit.MILLISECONDS)) {
        boolean was = dead;
        dead = isDead();
        if (was && dead) { // what served its connections has had the time to see it and end
          revive();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isDead() {
    try {
      return postmaster(folder).isEmpty();
    } catch (IOException | NumberFormatException e) { // its file came or went under the look
      return false;
    }
  }

  private void revive() {
    starting.lock();
    try {
      if (closed.getCount() == 0 || postmaster(folder).isPresent()) {
        return;
      }
      try (Held held = Held.lock(folder)) {
        if (postmaster(folder).isEmpty()) { // another process may have been quicker
          LOG.warn("the embedded PostgreSQL in {} has died and is started again", folder);
          int again = launch(folder, log, access, port, LONGEST_RESTART);
          LOG.info("the embedded PostgreSQL runs again, on port {}", again);
        }
      }
    } catch (IOException | RuntimeException e) { // it is looked for again
      LOG.warn(
          "the embedded PostgreSQL in {} could not be started again: {}", folder, e.toString());
    } finally {
      starting.unlock();
    }
  }

  /** Stops the server if no other process uses it. */
  @Override
  public void close() {
    closed.countDown();
    starting.lock();
    try (Held held = Held.lock(folder)) {
      users.close();
      try (FileChannel channel = file(folder, "users.lock");
          FileLock alone = channel.tryLock()) {
        if (alone != null) {
          postmaster(folder).ifPresent(process -> stop(folder, process, "-INT"));
        }
      }
    } catch (IOException e) {
      LOG.warn("the embedded PostgreSQL in {} was left running: {}", folder, e.getMessage());
    } finally {
      starting.unlock();
    }
  }

  /**
   * Stops a server that runs although no process uses it: those that did were killed.
   *
   * @return its process, stopped; empty if none runs, or one that is in use
   * @throws MeshException PRECONDITION_FAILED if it does not stop
   */
  static Optional<Long> stopUnused(Path folder) throws IOException {
    if (postmaster(folder).isEmpty()) {
      return Optional.empty();
    }
    try (Held held = Held.lock(folder);
        FileChannel channel = file(folder, "users.lock");
        FileLock alone = channel.tryLock()) {
      Optional<ProcessHandle> process = postmaster(folder);
      if (alone == null || process.isEmpty()) {
        return Optional.empty();
      }
      stopForSure(folder, process.get());
      return Optional.of(process.get().pid());
    } catch (OverlappingFileLockException e) {
      return Optional.empty(); // this very process uses it
    }
  }

  private static int start(Path folder, Path log, EmbeddedAccess access) throws IOException {
    if (!Files.exists(complete(folder))) {
      deleteAll(data(folder)); // the first start was cut off: nobody was given what is there
    }
    int port = launch(folder, log, access, 0, LONGEST_START);
    markComplete(folder);
    return port;
  }

  private static void markComplete(Path folder) throws IOException {
    if (!Files.exists(complete(folder))) {
      Files.createFile(complete(folder));
    }
  }

  /**
   * Has a server of an earlier release, which lets in whoever asks, ask for its password. It is
   * started anew, so that whoever was in is out. Its rules change while it is stopped: wherever
   * this is cut off, no server runs by other rules than those of its file, and the next start does
   * the rest.
   */
  private static void closeToStrangers(Path folder, Path log, EmbeddedAccess access, int port)
      throws IOException {
    access.givePassword(port);
    Optional<ProcessHandle> process = postmaster(folder);
    if (process.isPresent()) {
      stopForSure(folder, process.get());
    }
    access.askForPassword();
    int again = launch(folder, log, access, port, LONGEST_START);
    LOG.info(
        "the embedded PostgreSQL on port {} let in every user of this machine, and asks for the"
            + " password in {} from now on",
        again,
        access.file());
  }

  /**
   * Runs the server, making its files, with the password, if there are none.
   *
   * @param port 0: any free one
   * @param longest how long it may take until it answers
   * @return its port
   */
  static int launch(Path folder, Path log, EmbeddedAccess access, int port, Duration longest)
      throws IOException {
    Files.deleteIfExists(data(folder).resolve("epg-lock")); // the library's own; ours holds
    if (!Files.exists(log)) {
      OwnerOnly.createFile(log);
    }
    try {
      return EmbeddedPostgres.builder()
          .setDataDirectory(data(folder).toAbsolutePath())
          .setOverrideWorkingDirectory(program(folder).toFile())
          .setPgBinaryResolver(new Program(program(folder)))
          .setCleanDataDirectory(false)
          .setPort(port)
          .setRegisterShutdownHook(false)
          .setPGStartupWait(longest)
          .setConnectConfig("password", access.password())
          .setLocaleConfig("auth", EmbeddedAccess.METHOD) // all of these go to initdb
          .setLocaleConfig("pwfile", access.file().toString())
          .setOutputRedirector(Redirect.appendTo(log.toFile()))
          .setErrorRedirector(Redirect.appendTo(log.toFile()))
          .setServerConfig("fsync", "on")
          .setServerConfig("synchronous_commit", "on")
          .setServerConfig("full_page_writes", "on")
          .setServerConfig("listen_addresses", "127.0.0.1")
          .setServerConfig("max_connections", "100")
          // a statement on tables of many months locks each month and each index of it
          .setServerConfig("max_locks_per_transaction", "128")
          .setServerConfig("shared_buffers", "32MB")
          .setServerConfig("log_error_verbosity", "terse") // the detail of a refused row is the row
          .start()
          .getPort();
    } catch (IllegalStateException e) { // initdb or pg_ctl failed
      throw new IOException(e.getMessage(), e);
    }
  }

  private static void deleteAll(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  static Path data(Path folder) {
    return folder.resolve("data");
  }

  /**
   * Where the server's program is unpacked. The library lets every user write there, wherever that
   * is, and by its own choice it is in a folder of the machine that all can enter: what then runs
   * would be what any of them put there. Nobody else enters the folder around this one.
   */
  private static Path program(Path folder) throws IOException {
    Path around = OwnerOnly.createFolders(folder.resolve("program"));
    OwnerOnly.close(around);
    return around.resolve("unpacked").toAbsolutePath();
  }

  /** A program for each folder: the library unpacks that of one resolver once in a process. */
  private record Program(Path folder) implements PgBinaryResolver {
    @Override
    public InputStream getPgBinary(String system, String machineHardware) throws IOException {
      return DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(system, machineHardware);
    }
  }

  /** Is there once the server has started for the first time; without it, its data are deleted. */
  static Path complete(Path folder) {
    return folder.resolve("complete");
  }

  /** The port of a server that runs on these files; empty if none does. */
  private static Optional<Integer> running(Path folder) throws IOException {
    return postmaster(folder).isEmpty()
        ? Optional.empty()
        : Optional.of(Integer.parseInt(pidFile(folder).get(3).strip()));
  }

  /**
   * The process of a server that runs on these files. A number that another process has by now, be
   * it another mesh's server, does not count.
   */
  private static Optional<ProcessHandle> postmaster(Path folder) throws IOException {
    List<String> lines = pidFile(folder);
    if (lines.size() < 4) {
      return Optional.empty();
    }
    return ProcessHandle.of(Long.parseLong(lines.getFirst().strip()))
        .filter(ProcessHandle::isAlive)
        .filter(p -> p.info().command().map(c -> c.endsWith("postgres")).orElse(false))
        .filter(p -> isOf(data(folder), p));
  }

  /** Whether a server runs on {@code data}: it works in that folder, and was told so by -D. */
  private static boolean isOf(Path data, ProcessHandle server) {
    Path at = Path.of("/proc", Long.toString(server.pid()), "cwd");
    if (Files.exists(at)) {
      return isSame(at, data);
    }
    List<String> arguments = server.info().arguments().map(List::of).orElse(List.of());
    int option = arguments.indexOf("-D");
    return option >= 0
        && option + 1 < arguments.size()
        && isSame(Path.of(arguments.get(option + 1)), data);
  }

  private static boolean isSame(Path one, Path other) {
    try {
      return Files.isSameFile(one, other);
    } catch (IOException e) { // one of them is not there, or went under the look
      return false;
    }
  }

  /** PostgreSQL's own file: process, data folder, start time, port, … */
  private static List<String> pidFile(Path folder) throws IOException {
    Path file = processFile(folder);
    return Files.isRegularFile(file) ? Files.readAllLines(file) : List.of();
  }

  private static Path processFile(Path folder) {
    return data(folder).resolve("postmaster.pid");
  }

  private static void stopForSure(Path folder, ProcessHandle postmaster) {
    stop(folder, postmaster, "-INT");
    if (Files.exists(processFile(folder))) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "the embedded PostgreSQL in %s, process %d, does not stop"
              .formatted(folder, postmaster.pid()));
    }
  }

  /**
   * Stops the server, and waits until it is gone. Deleting its file is the last that PostgreSQL
   * does; its process is one of the system's until whoever inherited it has asked how it ended,
   * which the first process of a container does late or never.
   *
   * @param signal -INT, a fast stop: calls under way are rolled back, files are consistent; or
   *     -QUIT, as in a crash
   */
  static void stop(Path folder, ProcessHandle postmaster, String signal) {
    try {
      var unused =
          new ProcessBuilder("kill", signal, Long.toString(postmaster.pid())).start().waitFor();
      CompletableFuture<ProcessHandle> exit = postmaster.onExit();
      long end = System.nanoTime() + LONGEST_STOP.toNanos();
      while (!ends(exit, LOOK) && Files.exists(processFile(folder))) {
        if (System.nanoTime() > end) {
          LOG.warn("PostgreSQL, process {}, did not stop", postmaster.pid());
          return;
        }
      }
    } catch (IOException | ExecutionException e) {
      LOG.warn("PostgreSQL, process {}, did not stop: {}", postmaster.pid(), e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean ends(CompletableFuture<ProcessHandle> exit, Duration wait)
      throws ExecutionException, InterruptedException {
    try {
      var unused = exit.get(wait.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  private static FileChannel file(Path folder, String name) throws IOException {
    return FileChannel.open(
        folder.resolve(name),
        StandardOpenOption.CREATE,
        StandardOpenOption.WRITE,
        StandardOpenOption.READ);
  }

  /** Holds the lock under which the server is started and stopped until it is closed. */
  private record Held(FileChannel channel, FileLock lock) implements AutoCloseable {
    static Held lock(Path folder) throws IOException {
      FileChannel channel = file(folder, "start.lock");
      try {
        return new Held(channel, channel.lock());
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    }

    @Override
    public void close() throws IOException {
      lock.release();
      channel.close();
    }
  }
}
