package io.ballast.loadtest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What processes have in memory. */
public final class ProcessMemory {
  private ProcessMemory() {}

  /** Resident bytes; 0 of a process that has ended. */
  public static long resident(ProcessHandle process) {
    return bytes(process, "VmRSS:");
  }

  /** The most that were ever resident; where the system does not keep it, what is resident now. */
  static long peak(ProcessHandle process) {
    return bytes(process, "VmHWM:");
  }

  private static long bytes(ProcessHandle process, String key) {
    Path status = Path.of("/proc", Long.toString(process.pid()), "status");
    try {
      if (Files.exists(status)) {
        return Files.readAllLines(status).stream()
            .filter(line -> line.startsWith(key))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1_024)
            .sum();
      }
      Process ps =
          new ProcessBuilder("ps", "-o", "rss=", "-p", Long.toString(process.pid())).start();
      String kilobytes = new String(ps.getInputStream().readAllBytes()).strip();
      return kilobytes.isEmpty() ? 0 : Long.parseLong(kilobytes) * 1_024;
    } catch (IOException e) {
      return 0; // it has just ended
    }
  }
}
