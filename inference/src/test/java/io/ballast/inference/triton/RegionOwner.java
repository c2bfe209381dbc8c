package io.ballast.inference.triton;

import java.io.IOException;

/** A process that owns a region, says its name, and waits to be killed. */
final class RegionOwner {
  static final long BYTES = 4_096;

  private RegionOwner() {}

  public static void main(String[] arguments) throws IOException {
    try (KServeConnection connection =
            KServeConnection.open(arguments[0], KServeSettings.defaults());
        SharedMemoryRegion region = connection.client().sharedMemory().create(BYTES)) {
      System.out.println(region.name());
      System.exit(System.in.read()); // never read
    }
  }
}
