package io.ballast.standalone.cli;

import java.io.IOException;
import java.nio.file.Path;

/** Records what a process does, in three steps. */
interface Profiler {
  /**
   * One process, and the file that its recording becomes.
   *
   * @param roles that it plays, in words
   */
  record Recorded(long pid, String roles, Path file) {}

  /** What the file's name ends in. */
  String suffix();

  /** Begins; the recording ends by itself some time after {@code seconds} if nobody ends it. */
  void start(Recorded recorded, int seconds) throws IOException, InterruptedException;

  /** Ends, and writes the file. */
  void stop(Recorded recorded) throws IOException, InterruptedException;

  /** What a reader wants to see of the file at once. */
  String report(Recorded recorded) throws IOException, InterruptedException;
}
