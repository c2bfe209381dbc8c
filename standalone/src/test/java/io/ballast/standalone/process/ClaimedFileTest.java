package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who only looks whether a file is claimed keeps nobody from claiming it. */
class ClaimedFileTest {
  @TempDir private Path folder = Path.of("");

  private Path file = Path.of("");

  @BeforeEach
  void aFile() throws IOException {
    file = Files.createFile(folder.resolve("up"));
  }

  private FileChannel writing() throws IOException {
    return FileChannel.open(file, StandardOpenOption.WRITE);
  }

  @Test
  void aClaimWaitsForWhoOnlyLooks() throws IOException {
    AtomicInteger pauses = new AtomicInteger();
    try (FileChannel looking = FileChannel.open(file, StandardOpenOption.READ);
        FileLock look = looking.tryLock(0, Long.MAX_VALUE, true);
        FileChannel claiming = writing()) {
      boolean claimed =
          ClaimedFile.claim(
              claiming,
              () -> {
                if (pauses.incrementAndGet() == 10) { // the last
                  release(look);
                }
              });

      assertThat(claimed).isTrue();
      assertThat(pauses).hasValue(10);
      assertThat(ClaimedFile.isHeld(file)).isTrue();
    }
    assertThat(ClaimedFile.isHeld(file)).isFalse();
  }

  @Test
  void aClaimOfWhatIsHeldGivesUpAfterTenPauses() throws IOException {
    AtomicInteger pauses = new AtomicInteger();
    try (FileChannel holding = writing();
        FileChannel claiming = writing()) {
      assertThat(ClaimedFile.claim(holding, pauses::incrementAndGet)).isTrue();
      assertThat(pauses).hasValue(0);

      assertThat(ClaimedFile.claim(claiming, pauses::incrementAndGet)).isFalse();
      assertThat(pauses).hasValue(10);
    }
  }

  private static void release(FileLock lock) {
    try {
      lock.release();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
