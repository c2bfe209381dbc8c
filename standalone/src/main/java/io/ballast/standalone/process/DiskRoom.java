package io.ballast.standalone.process;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.File;
import java.nio.file.Path;

/**
 * What is free on the disks that a mesh writes: that of its data folder, for the database and what
 * is spooled, and that of published versions, which may be a volume of its own.
 */
final class DiskRoom {
  private DiskRoom() {}

  /**
   * Measures it as {@code ballast.disk.free.bytes} by {@code folder}: {@code data}, {@code models}.
   *
   * @param data the data folder; it and what it has may appear later
   */
  static void measure(Path data, MeterRegistry meters) {
    measure("data", data, meters);
    measure("models", data.resolve("models"), meters);
  }

  private static void measure(String name, Path folder, MeterRegistry meters) {
    var unused =
        Gauge.builder("ballast.disk.free.bytes", folder.toAbsolutePath().toFile(), DiskRoom::free)
            .tag("folder", name)
            .strongReference(true)
            .register(meters);
  }

  /** What is free where a folder lies, or would lie if it were there. */
  private static double free(File folder) {
    File parent = folder.getParentFile();
    return folder.exists() || parent == null ? folder.getUsableSpace() : free(parent);
  }
}
