package io.ballast.standalone.cli;

import io.ballast.standalone.cli.Profiler.Recorded;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The JDK's own, with its settings for profiles. */
final class FlightRecorder implements Profiler {
  /** Of this call alone: one that was broken off may still be recording. */
  private static final String RECORDING = "ballast-profile-" + ProcessHandle.current().pid();

  @Override
  public String suffix() {
    return ".jfr";
  }

  @Override
  public void start(Recorded recorded, int seconds) throws IOException, InterruptedException {
    command(
        recorded,
        "JFR.start",
        "name=" + RECORDING,
        "settings=profile",
        "duration=%ds".formatted(seconds + JdkTool.PATIENCE.toSeconds()),
        "filename=" + recorded.file(),
        "jdk.CPUTimeSample#enabled=true");
  }

  @Override
  public void stop(Recorded recorded) throws IOException, InterruptedException {
    command(recorded, "JFR.stop", "name=" + RECORDING);
  }

  private static void command(Recorded recorded, String... words)
      throws IOException, InterruptedException {
    String said = JdkTool.command(recorded.pid(), words);
    if (said.contains("Could not") || said.contains("Exception") || said.contains("No recording")) {
      throw new CommandFailure(
          Exit.FAILED,
          "NOT_RECORDED",
          "process %d: %s".formatted(recorded.pid(), said.lines().findFirst().orElse("")));
    }
  }

  @Override
  public String report(Recorded recorded) throws InterruptedException {
    String file = recorded.file().toString();
    Optional<String> byTime = view("cpu-time-hot-methods", file);
    return byTime.isPresent()
        ? byTime.get()
        : view("hot-methods", file).orElse("nothing ran for long enough to be seen");
  }

  /** A view of a recording; empty if there is nothing in it. */
  private static Optional<String> view(String name, String file) throws InterruptedException {
    try {
      String said = JdkTool.run("jfr", List.of("view", "--width", "150", name, file));
      return said.contains("No events found") || said.contains("missing")
          ? Optional.empty()
          : Optional.of(said.strip());
    } catch (IOException e) {
      return Optional.empty(); // the file is there, and whoever reads it sees more
    }
  }
}
