package io.ballast.standalone.cli;

import io.ballast.standalone.cli.RunningServer.Stopping;
import io.ballast.standalone.process.ServerPlan.Server;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Stays with the processes that it has started: starts one of four again some seconds after it
 * ends, and drains and stops them all. Once it stops, nothing is started any more. Thread-safe.
 */
final class Supervisor {
  private static final long POLL_MILLIS = 50;

  /** For all of a stop but the drain: models, the database, the archive of classes. */
  private static final long STOP_SECONDS = 20;

  /** A process that was told to stop says within this what is under way, or it will not. */
  private static final long LAST_WORDS_NANOS = 2_000_000_000L;

  private static final Duration USUAL_DRAIN = Duration.ofSeconds(10);

  private final boolean split;
  private final Printing printing;
  private final LongSupplier nanoTime;
  private final Restarts restarts;
  private final List<RunningServer> running = new CopyOnWriteArrayList<>();
  private volatile boolean stopping;

  /**
   * A supervisor of nothing yet.
   *
   * @param split whether one that ends is started again, and each has a name of its own
   * @param nanoTime for how long a stop has taken, how often servers ended of late, and when those
   *     that have ended are started again
   */
  Supervisor(boolean split, Printing printing, LongSupplier nanoTime) {
    this.split = split;
    this.printing = printing;
    this.nanoTime = nanoTime;
    this.restarts = new Restarts(nanoTime);
  }

  /**
   * Starts a process.
   *
   * @throws CommandFailure STOPPING if all are being stopped
   */
  synchronized void start(Server server, boolean detached) throws IOException {
    if (stopping) {
      throw new CommandFailure(Exit.FAILED, "STOPPING", "stopped before it answered");
    }
    running.add(RunningServer.start(server, detached));
  }

  /** What was started, in that order. */
  List<RunningServer> running() {
    return List.copyOf(running);
  }

  /** Leaves the processes to themselves: they outlive this one. */
  void leave() {
    running.clear();
  }

  /** Stays until all are stopped; the exit code. */
  int stay() throws IOException, InterruptedException {
    Map<RunningServer, Long> due = new HashMap<>(); // those that have ended, and when to start them
    while (true) {
      for (RunningServer server : running) {
        if (!server.process().waitFor(POLL_MILLIS * 4, TimeUnit.MILLISECONDS)) {
          continue;
        }
        if (stopping) {
          return Exit.OK.code();
        }
        Long time = due.get(server);
        if (time == null) {
          due.put(server, nanoTime.getAsLong() + waitOf(server).toNanos());
        } else if (nanoTime.getAsLong() - time >= 0) {
          due.remove(server);
          startAgain(server.server(), running.indexOf(server));
        } else {
          Thread.sleep(POLL_MILLIS);
        }
      }
    }
  }

  /** How long a server that has ended waits for its next start; stops all if it has none. */
  private Duration waitOf(RunningServer server) {
    Server ended = server.server();
    int code = server.process().exitValue();
    Optional<Duration> wait = split ? restarts.nextWait(ended.name()) : Optional.empty();
    if (wait.isEmpty()) {
      stop();
      throw ended(ended, code);
    }
    printing.line(
        "%s ended with exit code %d; starting it again in %d s; its last words are then in %s.1"
            .formatted(ended.name(), code, wait.get().toSeconds(), ended.log()));
    return wait.get();
  }

  private CommandFailure ended(Server server, int code) {
    String again =
        "; it was started again %d times within %d minutes, and the mesh is stopped"
            .formatted(Restarts.MOST, Restarts.SPAN.toMinutes());
    return new CommandFailure(
        Exit.FAILED,
        "SERVER_ENDED",
        "%s ended with exit code %d%s; its log is %s"
            .formatted(server.name(), code, split ? again : "", server.log()));
  }

  private synchronized void startAgain(Server server, int index) throws IOException {
    if (!stopping) {
      running.set(index, RunningServer.start(server, false));
    }
  }

  /** Drains and stops all; does nothing twice. */
  synchronized void stop() {
    if (stopping) {
      return;
    }
    stopping = true;
    running.forEach(server -> server.process().destroy());
    long start = nanoTime.getAsLong();
    running.forEach(
        server -> {
          Duration drain = lastWords(server, start).map(Stopping::drain).orElse(USUAL_DRAIN);
          server.stop(drain.toSeconds() + STOP_SECONDS);
        });
  }

  /** Says what is still under way in a process that was told to stop, once it says so. */
  private Optional<Stopping> lastWords(RunningServer server, long start) {
    Optional<Stopping> said = server.stopping();
    try {
      while (said.isEmpty()
          && server.process().isAlive()
          && nanoTime.getAsLong() - start < LAST_WORDS_NANOS) {
        Thread.sleep(POLL_MILLIS);
        said = server.stopping();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    String name = split ? server.server().name() + ": " : "";
    if (said.isPresent()) {
      printing.line("Stopping: " + name + said.get().text());
    } else if (server.process().isAlive()) {
      printing.line("Stopping: " + name + "it does not say yet what is under way");
    }
    return said;
  }
}
