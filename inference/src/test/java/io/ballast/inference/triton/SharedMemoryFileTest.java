package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.TritonException.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shared-memory objects are files: they are tried in a folder of our own. */
class SharedMemoryFileTest {
  private static final long LENGTH = (2 << 20) + 3; // not a whole number of chunks

  @TempDir private Path folder;

  private long files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.count();
    }
  }

  @Test
  void anObjectIsAsLongAsItWasAskedForAndZero() throws IOException {
    SharedMemoryFile file = SharedMemoryFile.create(folder, LENGTH);
    Path path = folder.resolve(file.name());

    assertThat(path).hasSize(LENGTH);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment bytes = file.map(arena);
      assertThat(bytes.byteSize()).isEqualTo(LENGTH);
      assertThat(bytes.get(ValueLayout.JAVA_BYTE, LENGTH - 1)).isZero();
    }
    file.delete();
    assertThat(files()).isZero();
  }

  @Test
  void whatThereIsNoRoomForIsRefusedBeforeAnythingIsWritten() throws IOException {
    assertThat(failure(Reason.NOT_HERE, () -> SharedMemoryFile.create(folder, Long.MAX_VALUE / 2)))
        .startsWith(folder + ": no room for 4,611,686,018,427,387,903 bytes of shared memory: ");
    assertThat(files()).isZero();
  }

  @Test
  void whatFailsHalfwayLeavesNothing() throws IOException {
    Thread.currentThread().interrupt(); // closes the file under the one who writes it
    try {
      assertThat(failure(Reason.NOT_HERE, () -> SharedMemoryFile.create(folder, LENGTH)))
          .startsWith(folder + ": no 2,097,155 bytes of shared memory: ");
    } finally {
      assertThat(Thread.interrupted()).as("the caller is interrupted still").isTrue();
    }
    assertThat(files()).isZero();
  }

  @Test
  void aFolderThatIsNotThereIsNotHere() {
    failure(Reason.NOT_HERE, () -> SharedMemoryFile.create(folder.resolve("absent"), 1));
  }

  @Test
  void onlyWhatNobodyHoldsIsLeft() throws IOException {
    SharedMemoryFile mine = SharedMemoryFile.create(folder, 1);
    Path left = Files.write(folder.resolve(SharedMemoryFile.PREFIX + "left"), new byte[1]);
    Path others = Files.write(folder.resolve("another"), new byte[1]);

    assertThat(SharedMemoryFile.deleteLeft(folder)).containsExactly(left.getFileName().toString());

    assertThat(folder.resolve(mine.name())).exists();
    assertThat(others).exists();
    assertThat(SharedMemoryFile.deleteLeft(folder)).isEmpty();
    mine.delete();
  }
}
