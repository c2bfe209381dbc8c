package io.ballast.loadtest.run;

import io.ballast.loadtest.report.FaultResult;
import io.ballast.loadtest.scenario.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs the commands of a scenario's faults when their time has come; each on a thread of its own.
 */
final class FaultScript implements AutoCloseable {
  private static final int SHOWN_CHARACTERS = 1_000;
  private static final int NOT_ENDED = -1;

  private final long begin = System.nanoTime();
  private final List<Fault> faults;
  private final ScheduledThreadPoolExecutor clock;
  private final List<FaultResult> results = new ArrayList<>(); // guarded by itself

  /** Begins to wait for the faults' times. */
  FaultScript(List<Fault> faults) {
    this.faults = List.copyOf(faults);
    clock =
        new ScheduledThreadPoolExecutor(
            Math.max(1, faults.size()),
            work -> Thread.ofPlatform().daemon().name("faults").unstarted(work));
    clock.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    for (Fault fault : faults) {
      var unused = clock.schedule(() -> run(fault), fault.at().toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private void run(Fault fault) {
    long started = System.nanoTime();
    int code = NOT_ENDED;
    String output;
    try {
      Path printed = Files.createTempFile("ballast-fault", ".out");
      try {
        Process process =
            new ProcessBuilder("sh", "-c", fault.command())
                .redirectErrorStream(true)
                .redirectOutput(printed.toFile())
                .start();
        process.getOutputStream().close();
        try {
          if (process.waitFor(fault.timeout().toNanos(), TimeUnit.NANOSECONDS)) {
            code = process.exitValue();
          }
        } finally {
          process.descendants().forEach(ProcessHandle::destroyForcibly);
          process.destroyForcibly();
        }
        output = Files.readString(printed);
      } finally {
        Files.deleteIfExists(printed);
      }
    } catch (IOException e) {
      output = e.toString();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      output = "interrupted";
    }
    FaultResult result =
        new FaultResult(
            fault.name(),
            fault.command(),
            (started - begin) / 1e9,
            (System.nanoTime() - started) / 1e9,
            code,
            output.substring(Math.max(0, output.length() - SHOWN_CHARACTERS)).strip());
    synchronized (results) {
      results.add(result);
    }
  }

  /** Waits for the commands that are under way, and tells what became of all. */
  List<FaultResult> finish() throws InterruptedException {
    clock.shutdown();
    clock.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS); // each has a timeout
    synchronized (results) {
      for (Fault fault : faults) {
        if (results.stream().noneMatch(result -> result.name().equals(fault.name()))) {
          results.add(
              new FaultResult(
                  fault.name(),
                  fault.command(),
                  fault.at().toNanos() / 1e9,
                  0,
                  NOT_ENDED,
                  "the load was over before"));
        }
      }
      return results.stream().sorted(Comparator.comparingDouble(FaultResult::atSeconds)).toList();
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
