package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.kit.runtime.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A data folder has one server of a role, and nobody else reads it if the mesh made it. */
class FolderLockTest {
  @TempDir private Path folder = Path.of("");

  private static FolderLock claim(Path data) {
    return FolderLock.claim(data, Role.REWARD_SERVER, 17, 9_101, 9_181);
  }

  @Test
  void aFolderThatIsMadeIsItsOwnersAlone() throws IOException {
    Path data = folder.resolve("made/data");
    try (FolderLock lock = claim(data)) {
      assertThat(lock).isNotNull();
      assertThat(OwnerOnly.isOpenToOthers(data)).isFalse();
      assertThat(OwnerOnly.isOpenToOthers(data.resolve("locks"))).isFalse();
    }
  }

  @Test
  void aFolderThatIsThereStaysAsItIs() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-x---"));
    try (FolderLock lock = claim(folder)) {
      assertThat(lock).isNotNull();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
          .isEqualTo("rwxr-x---");
    }
  }

  @Test
  void whoHasItIsNamedUntilItIsFreed() {
    try (FolderLock lock = claim(folder)) {
      assertThat(lock).isNotNull();
      assertThatThrownBy(() -> claim(folder))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
          .hasMessageContaining("the reward-server of process 17, on port 9101, uses it");
    }
    try (FolderLock again = claim(folder)) {
      assertThat(again).isNotNull();
    }
  }
}
