package io.ballast.standalone.process;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.LockSupport;

/** A file whose lock says that a process holds what the file stands for. */
public final class ClaimedFile {
  private static final int TRIES = 11;

  private static final long PAUSE_NANOS = 20_000_000;

  private ClaimedFile() {}

  /**
   * Takes the lock of a file, which ends with {@code channel}. Who looks whether it is held has it
   * for an instant as well, so that it is tried for 200 ms.
   *
   * @return whether it was taken; not if another process holds it, or this one
   */
  public static boolean claim(FileChannel channel) throws IOException {
    return claim(channel, () -> LockSupport.parkNanos(PAUSE_NANOS));
  }

  /** The same; {@code pause} is what is done between two tries. */
  static boolean claim(FileChannel channel, Runnable pause) throws IOException {
    for (int left = TRIES - 1; !tryLock(channel); left--) {
      if (left == 0) {
        return false;
      }
      pause.run();
    }
    return true;
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // this very process has it
    }
  }

  /**
   * Whether a process holds the lock of a file, be it this one. Others that look at the same time
   * are not taken for one.
   */
  public static boolean isHeld(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
      return lock == null;
    } catch (OverlappingFileLockException e) {
      return true;
    }
  }
}
