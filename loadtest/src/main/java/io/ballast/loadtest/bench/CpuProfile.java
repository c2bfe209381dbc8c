package io.ballast.loadtest.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordingFile;

/**
 * How long a JVM's threads computed inside some packages, by samples of their CPU time. A call from
 * there into other code counts as inside.
 *
 * @param begin of the recording
 * @param samples in no order; none where the system does not take them, which Linux alone does
 */
record CpuProfile(Instant begin, List<Sample> samples) {
  /** Of the event in a recording. */
  static final String EVENT = "jdk.CPUTimeSample";

  /** Copies the list. */
  CpuProfile {
    samples = List.copyOf(samples);
  }

  /**
   * A thread at a moment.
   *
   * @param seconds of its CPU time that the sample stands for
   */
  record Sample(Instant time, double seconds, boolean inside) {}

  /**
   * Reads a recording.
   *
   * @param packages what the names of classes inside begin with
   */
  static CpuProfile read(Path recording, Instant begin, String packages) throws IOException {
    List<Sample> samples = new ArrayList<>();
    try (RecordingFile events = new RecordingFile(recording)) {
      while (events.hasMoreEvents()) {
        RecordedEvent event = events.readEvent();
        if (event.getEventType().getName().equals(EVENT)) {
          samples.add(
              new Sample(
                  event.getStartTime(),
                  seconds(event.getDuration("samplingPeriod")),
                  inside(event.getStackTrace(), packages)));
        }
      }
    }
    return new CpuProfile(begin, samples);
  }

  private static boolean inside(RecordedStackTrace stack, String packages) {
    return stack != null
        && stack.getFrames().stream()
            .anyMatch(frame -> frame.getMethod().getType().getName().startsWith(packages));
  }

  /** The CPU time inside, between two moments, for each second between them. */
  double share(Instant from, Instant to) {
    return samples.stream()
            .filter(sample -> !sample.time().isBefore(from) && sample.time().isBefore(to))
            .filter(Sample::inside)
            .mapToDouble(Sample::seconds)
            .sum()
        / seconds(Duration.between(from, to));
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }
}
