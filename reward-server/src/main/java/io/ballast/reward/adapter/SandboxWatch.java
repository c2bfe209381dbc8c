package io.ballast.reward.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.reward.component.JavaTestSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/** Watches a sandbox until it ends or breaks a limit that the kernel does not keep for it. */
final class SandboxWatch {
  private static final long LOOK_MILLIS = 15;

  private final Process process;
  private final JavaTestSettings settings;
  private final LongSupplier nanoTime;

  SandboxWatch(Process process, JavaTestSettings settings, LongSupplier nanoTime) {
    this.process = process;
    this.settings = settings;
    this.nanoTime = nanoTime;
  }

  /** Why there is nothing more to wait for. */
  enum End {
    EXIT,
    TIME,
    LEFT,
    THREADS,
    MEMORY
  }

  /** Waits. */
  End until(CallPatience patience) {
    long start = nanoTime.getAsLong();
    try {
      while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        if (patience.cancelled()) {
          return End.LEFT;
        }
        if (nanoTime.getAsLong() - start > settings.time().toNanos()) {
          return End.TIME;
        }
        Use use = use();
        if (use.threads() > settings.threads()) {
          return End.THREADS;
        }
        if (use.kilobytes() >> 10
            > settings.memoryMegabytes() * 3L / 2 + SandboxProcess.JVM_MEGABYTES) {
          return End.MEMORY;
        }
      }
      return End.EXIT;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return End.LEFT;
    }
  }

  /** What all its processes have at this moment, as Linux tells it; nothing where it does not. */
  private record Use(long threads, long kilobytes) {}

  private Use use() {
    long threads = 0;
    long kilobytes = 0;
    for (ProcessHandle each :
        Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList()) {
      for (String line : status(each.pid())) {
        if (line.startsWith("Threads:")) {
          threads += number(line);
        } else if (line.startsWith("VmRSS:")) {
          kilobytes += number(line);
        }
      }
    }
    return new Use(threads, kilobytes);
  }

  private static List<String> status(long pid) {
    try {
      return Files.readAllLines(Path.of("/proc/" + pid + "/status"));
    } catch (IOException e) {
      return List.of(); // it has ended
    }
  }

  private static long number(String line) {
    return Long.parseLong(line.replaceAll("[^0-9]", ""));
  }
}
