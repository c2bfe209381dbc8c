package io.ballast.standalone.cli;

import io.ballast.standalone.cli.Profiler.Recorded;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * async-profiler, as its library has it: loaded into the process by {@code jcmd}, it sees natives
 * and the kernel too, and writes a flame graph.
 */
final class AsyncProfiler implements Profiler, AutoCloseable {
  /** What it says when it has done as it was told. */
  private static final String DONE = "return code: 0";

  /** What it can look at. */
  enum Event {
    /** Time on a processor. */
    CPU,
    /** Time, on a processor or not: what calls wait for. */
    WALL,
    /** Allocations of the heap. */
    ALLOC,
    /** Waiting for locks of Java. */
    LOCK;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Event event;
  private final Path folder;
  private final Path library;

  private AsyncProfiler(Event event, Path folder, Path library) {
    this.event = event;
    this.folder = folder;
    this.library = library;
  }

  /**
   * Unpacks the library.
   *
   * @throws CommandFailure if it has none for this system
   */
  static AsyncProfiler of(Event event) throws IOException {
    String name = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
    try (InputStream packed =
        AsyncProfiler.class.getResourceAsStream("/" + name + "/libasyncProfiler.so")) {
      if (packed == null) {
        throw new CommandFailure(
            Exit.FAILED,
            "NOT_RECORDED",
            "async-profiler has nothing for %s (it has: Linux on x86-64 and AArch64, macOS);"
                    .formatted(name)
                + " leave --flame out for the JDK's own recorder");
      }
      Path folder = Files.createTempDirectory("ballast-profile");
      Path library = folder.resolve("libasyncProfiler.so");
      Files.copy(packed, library);
      return new AsyncProfiler(event, folder, library);
    }
  }

  /** The folder that async-profiler's jar has a system's library in. */
  static String platform(String system, String processor) {
    String os = system.toLowerCase(Locale.ROOT);
    if (os.contains("mac")) {
      return "macos";
    }
    String cpu =
        switch (processor) {
          case "amd64", "x86_64" -> "x64";
          case "aarch64" -> "arm64";
          default -> processor;
        };
    return (os.contains("linux") ? "linux" : os.replace(' ', '-')) + "-" + cpu;
  }

  @Override
  public String suffix() {
    return ".html";
  }

  @Override
  public void start(Recorded recorded, int seconds) throws IOException, InterruptedException {
    tell(
        recorded,
        "start,event=%s,timeout=%d,file=%s"
            .formatted(event.label(), seconds + JdkTool.PATIENCE.toSeconds(), recorded.file()));
  }

  @Override
  public void stop(Recorded recorded) throws IOException, InterruptedException {
    tell(recorded, "stop,file=%s".formatted(recorded.file()));
  }

  private void tell(Recorded recorded, String what) throws IOException, InterruptedException {
    // a comma ends a file's name there
    if (recorded.file().toString().contains(",")) {
      throw new CommandFailure(
          Exit.USAGE, "NOT_RECORDED", "--out: %s (expected: no comma)".formatted(recorded.file()));
    }
    String said =
        JdkTool.command(recorded.pid(), "JVMTI.agent_load", library.toString(), "\"" + what + "\"");
    if (!said.contains(DONE)) {
      throw new CommandFailure(
          Exit.FAILED,
          "NOT_RECORDED",
          "process %d: %s (its log says more)".formatted(recorded.pid(), said.strip()));
    }
  }

  @Override
  public String report(Recorded recorded) {
    return "a flame graph of " + event.label() + ": open it in a browser";
  }

  /** Deletes what was unpacked; a process that has it loaded keeps it. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(library);
    Files.deleteIfExists(folder);
  }
}
