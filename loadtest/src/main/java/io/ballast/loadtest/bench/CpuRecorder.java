package io.ballast.loadtest.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import javax.management.MBeanServerConnection;
import jdk.management.jfr.FlightRecorderMXBean;

/** Takes CPU profiles of a JVM, one after the other, with its own flight recorder. */
final class CpuRecorder {
  /** Often enough for a share of 1 % of ten seconds to be fifty samples. */
  private static final Map<String, String> SETTINGS =
      Map.of(
          CpuProfile.EVENT + "#enabled", "true",
          CpuProfile.EVENT + "#throttle", "2 ms",
          CpuProfile.EVENT + "#stackTrace", "true");

  private final FlightRecorderMXBean recorder;
  private long recording;

  private CpuRecorder(FlightRecorderMXBean recorder) {
    this.recorder = recorder;
  }

  /** Of the JVM at the other end of {@code connection}, or of this one. */
  static CpuRecorder of(MBeanServerConnection connection) throws IOException {
    return new CpuRecorder(
        ManagementFactory.getPlatformMXBean(connection, FlightRecorderMXBean.class));
  }

  /** Begins. */
  void start() {
    recording = recorder.newRecording();
    recorder.setRecordingSettings(recording, SETTINGS);
    recorder.startRecording(recording);
  }

  /**
   * Ends what {@link #start} began.
   *
   * @param file where the recording may be written
   * @param packages what the names of classes begin with whose time is asked for
   */
  CpuProfile stop(Path file, String packages) throws IOException {
    recorder.stopRecording(recording);
    Instant begin =
        recorder.getRecordings().stream()
            .filter(each -> each.getId() == recording)
            .map(each -> Instant.ofEpochMilli(each.getStartTime()))
            .findFirst()
            .orElseThrow();
    recorder.copyTo(recording, file.toString());
    recorder.closeRecording(recording);
    return CpuProfile.read(file, begin, packages);
  }
}
