package io.ballast.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/** The threads that something leaves behind: those that were not there before it. */
public final class LeftoverThreads {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** Of libraries that keep theirs for the whole process. */
  private static final List<String> SHARED =
      List.of(
          "grpc-",
          "ForkJoinPool",
          "Common-Cleaner",
          "JavaCPP",
          "VirtualThread",
          "process reaper",
          "junit-");

  private final Set<Thread> before = Set.copyOf(Thread.getAllStackTraces().keySet());

  /** Waits until there are none. */
  public void assertNone() {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!names().isEmpty() && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertThat(names()).isEmpty();
  }

  private List<String> names() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !before.contains(thread))
        .map(Thread::getName)
        .filter(name -> SHARED.stream().noneMatch(name::startsWith))
        .sorted()
        .toList();
  }
}
