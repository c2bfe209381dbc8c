package io.ballast.loadtest.run;

import io.ballast.loadtest.bench.ProcessMemory;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Where a server's memory is read. */
@FunctionalInterface
public interface MemorySource {
  /** Bytes that it has now; NaN if that cannot be told. */
  double bytes() throws InterruptedException;

  /**
   * A process of this machine.
   *
   * @throws IllegalArgumentException if there is none
   */
  static MemorySource process(long pid) {
    ProcessHandle process =
        ProcessHandle.of(pid)
            .orElseThrow(
                () -> new IllegalArgumentException("pid: " + pid + " (expected: a process)"));
    return () -> {
      long bytes = ProcessMemory.resident(process);
      return bytes == 0 ? Double.NaN : bytes;
    };
  }

  /** A number of a page that Prometheus reads; of several labels, their sum. */
  static MemorySource metric(URI page, String name) {
    HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    HttpRequest request = HttpRequest.newBuilder(page).timeout(Duration.ofSeconds(5)).build();
    return () -> {
      try {
        return sum(client.send(request, HttpResponse.BodyHandlers.ofString()).body(), name);
      } catch (IOException e) {
        return Double.NaN; // it may be restarting; the trend has a gap there
      }
    };
  }

  /** The sum of a metric's samples in Prometheus's text form; NaN if it has none. */
  static double sum(String page, String name) {
    return page.lines()
        .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
        .map(line -> line.substring(line.lastIndexOf('}') + 1).replaceFirst("^" + name, "").strip())
        .mapToDouble(value -> Double.parseDouble(value.split("\\s+")[0]))
        .reduce(Double::sum)
        .orElse(Double.NaN);
  }
}
