package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a killed process left is deleted by the next one, and nothing else. */
class TemporaryFilesTest {
  private static final Instant START = Instant.parse("2026-11-30T10:00:00Z");

  @TempDir private Path data = Path.of("");

  private static Path changedAt(Path file, Instant instant) throws IOException {
    return Files.setLastModifiedTime(file, FileTime.from(instant));
  }

  @Test
  void whatIsOlderThanTheProcessGoesWithAllThatIsInIt() throws IOException {
    Path folder = Files.createDirectories(TemporaryFiles.folder(data, "mesh"));
    Path library = Files.createDirectories(folder.resolve("library1"));
    Files.writeString(library.resolve("lib.so"), "of one that was killed");
    Path file = Files.writeString(folder.resolve("lib2.so"), "of one that was killed");
    Path own = Files.writeString(folder.resolve("lib3.so"), "of this one");
    Path shared = Files.createDirectories(folder.resolve("cache"));
    Path ofTheDead = Files.writeString(shared.resolve("1"), "of one that was killed");
    Path ofThis = Files.writeString(shared.resolve("2"), "of this one");
    Path other = Files.writeString(data.resolve("model"), "no temporary file");
    changedAt(library.resolve("lib.so"), START.minusMillis(1));
    changedAt(library, START.minusMillis(1));
    changedAt(ofTheDead, START.minusMillis(1));
    changedAt(ofThis, START.plusMillis(1));
    changedAt(shared, START.minusMillis(1));
    changedAt(file, START.minusSeconds(1));
    changedAt(own, START);
    changedAt(other, START.minusSeconds(1));

    TemporaryFiles.dropBefore(folder, START);

    assertThat(own).exists();
    assertThat(ofThis).exists();
    assertThat(ofTheDead).doesNotExist();
    assertThat(library).doesNotExist();
    assertThat(file).doesNotExist();
    assertThat(other).exists();
  }

  @Test
  void aFolderOfTheMachineIsLeftAsItIs() throws IOException {
    Path machine = Path.of(System.getProperty("java.io.tmpdir"));
    Path others = Files.createTempFile(machine, "ballast-of-others", ".so");
    changedAt(others, START.minusSeconds(1));

    TemporaryFiles.dropThoseOfTheDead(data);

    assertThat(others).exists();
    Files.delete(others);
  }

  @Test
  void aFolderThatIsMissingIsNoFailure() {
    Path missing = TemporaryFiles.folder(data, "mesh");

    TemporaryFiles.dropBefore(missing, START);

    assertThat(missing).doesNotExist();
  }
}
