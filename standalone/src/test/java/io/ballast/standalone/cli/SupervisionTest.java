package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.file.OwnerOnly;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who stays with a mesh claims its data folder first, and so may be the one who makes it. */
class SupervisionTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void aFolderThatIsMadeIsItsOwnersAlone() throws IOException {
    Path data = folder.resolve("made/data");
    try (Supervision kept = Supervision.claim(data, 17)) {
      assertThat(kept).isNotNull();
      assertThat(OwnerOnly.isOpenToOthers(data)).isFalse();
      assertThat(OwnerOnly.isOpenToOthers(data.resolve("locks"))).isFalse();
    }
  }
}
