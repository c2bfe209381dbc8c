package io.ballast.kit.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written for the owner alone is so from the start, and works where nothing can be so. */
class OwnerOnlyTest {
  @TempDir private Path folder = Path.of("");

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static void set(Path path, String permissions) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
  }

  @Test
  void foldersThatAreMissingAreTheOwnersAndOthersStayAsTheyAre() throws IOException {
    Path there = Files.createDirectory(folder.resolve("there"));
    set(there, "rwxr-xr-x");

    assertThat(OwnerOnly.createFolders(there.resolve("made/within"))).isDirectory();

    assertThat(permissions(there)).isEqualTo("rwxr-xr-x");
    assertThat(permissions(there.resolve("made"))).isEqualTo("rwx------");
    assertThat(permissions(there.resolve("made/within"))).isEqualTo("rwx------");
    assertThat(OwnerOnly.createFolders(there)).isEqualTo(there);
    assertThat(permissions(there)).isEqualTo("rwxr-xr-x");
  }

  @Test
  void aFileIsTheOwnersAndIsMadeOnce() throws IOException {
    Path file = OwnerOnly.createFile(folder.resolve("file"));
    assertThat(permissions(file)).isEqualTo("rw-------");
    assertThat(file).isEmptyFile();
    assertThatThrownBy(() -> OwnerOnly.createFile(file))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void aFileThatIsWrittenAnewIsTheOwnersWhateverItWas() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "before");
    set(file, "rw-r--r--");
    Files.writeString(folder.resolve("file.part"), "of a write that was cut off");

    OwnerOnly.write(file, "ä");

    assertThat(file).hasContent("ä");
    assertThat(permissions(file)).isEqualTo("rw-------");
    assertThat(folder.resolve("file.part")).doesNotExist();
  }

  @Test
  void whatIsOpenToOthersIsToldAndClosed() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    for (String open : new String[] {"rw-r-----", "rw--w----", "rwx--x--x", "rw----r--"}) {
      set(file, open);
      assertThat(OwnerOnly.isOpenToOthers(file)).as(open).isTrue();
      OwnerOnly.close(file);
      assertThat(permissions(file)).isEqualTo(open.substring(0, 3) + "------");
      assertThat(OwnerOnly.isOpenToOthers(file)).isFalse();
    }
    set(file, "r--------");
    OwnerOnly.close(file);
    assertThat(permissions(file)).isEqualTo("r--------");
  }

  @Test
  void whereThereAreNoPermissionsFilesAreMadeWithout() throws IOException {
    try (FileSystem zip =
        FileSystems.newFileSystem(folder.resolve("files.zip"), Map.of("create", "true"))) {
      assertThat(zip.supportedFileAttributeViews()).doesNotContain("posix");
      Path made = OwnerOnly.createFolders(zip.getPath("/made/within"));
      Path file = OwnerOnly.createFile(made.resolve("file"));
      OwnerOnly.close(file);
      assertThat(file).isEmptyFile();
      assertThat(OwnerOnly.isOpenToOthers(file)).isFalse();
    }
  }
}
