package io.ballast.standalone.pull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether the disk has room for what is to come. */
final class DiskRoom {
  private DiskRoom() {}

  /**
   * Refuses what does not fit.
   *
   * @param what for the message
   * @param bytes to be written; below 0: unknown, which fits
   * @param target where to
   * @throws PullException NO_SPACE
   */
  static void require(String what, long bytes, Path target) throws IOException {
    long room = Files.getFileStore(target.toAbsolutePath().getParent()).getUsableSpace();
    if (bytes > room) {
      throw new PullException(
          "NO_SPACE", what + ": " + bytes + " bytes to come, the disk has room for " + room);
    }
  }
}
