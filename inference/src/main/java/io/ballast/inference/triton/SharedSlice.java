package io.ballast.inference.triton;

/** Some bytes of a region that the server shares. */
public record SharedSlice(SharedMemoryRegion region, long offset, long bytes) {
  public SharedSlice {
    if (offset < 0 || bytes < 1 || offset > region.bytes() - bytes) {
      throw new IllegalArgumentException(
          "%s: %,d bytes from %,d on (expected: within %,d)"
              .formatted(region.name(), bytes, offset, region.bytes()));
    }
  }
}
