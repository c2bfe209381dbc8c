package io.ballast.kit.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was written aside takes its name whole. That the disk has it only a power cut shows. */
class DurableMoveTest {
  @TempDir private Path root;

  @Test
  void aFileTakesThePlaceOfTheOneBefore() throws IOException {
    Path target = Files.writeString(root.resolve("kept"), "old");

    DurableMove.file(Files.writeString(root.resolve("written"), "new"), target);

    assertThat(target).hasContent("new");
    assertThat(root.resolve("written")).doesNotExist();
    assertThatThrownBy(() -> DurableMove.file(root.resolve("nothing"), target))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(target).hasContent("new");
  }

  @Test
  void aFolderAppearsWithAllThatIsInIt() throws IOException {
    Path staged = root.resolve("staged");
    Files.writeString(Files.createDirectories(staged.resolve("below")).resolve("file"), "deep");

    DurableMove.folder(staged, root.resolve("there"));

    assertThat(root.resolve("there/below/file")).hasContent("deep");
    assertThat(staged).doesNotExist();
  }

  @Test
  void aFolderTakesNoOthersPlace() throws IOException {
    Path there = Files.createDirectory(root.resolve("there"));
    Files.writeString(there.resolve("file"), "first");
    Path staged = Files.createDirectory(root.resolve("staged"));
    Files.writeString(staged.resolve("file"), "second");

    assertThatThrownBy(() -> DurableMove.folder(staged, there))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessage(there.toString());
    assertThat(there.resolve("file")).hasContent("first");
  }

  @Test
  void foldersAreCreatedAsFarAsTheyAreMissing() throws IOException {
    Path deep = root.resolve("a/b/c");

    DurableMove.createFolders(deep);
    Files.writeString(deep.resolve("file"), "stays");
    DurableMove.createFolders(deep);

    assertThat(deep.resolve("file")).hasContent("stays");
    assertThatThrownBy(() -> DurableMove.createFolders(deep.resolve("file/d")))
        .isInstanceOf(FileSystemException.class);
  }
}
