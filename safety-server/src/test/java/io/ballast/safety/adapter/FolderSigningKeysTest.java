package io.ballast.safety.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.MeshException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys are those that lie in the folder now. */
class FolderSigningKeysTest {
  private static final String PRIVATE = "signing.pem";
  private static final String PUBLIC = "signing.pub.pem";

  @TempDir Path temporary;
  private Path made = Path.of("");
  private Path folder = Path.of("");
  private String id = "";

  @BeforeEach
  void make() throws IOException {
    made = temporary.resolve("made");
    id = FileSigningKeys.openOrMake(made, new SecureRandom()).signingKeyId().orElseThrow();
    folder = Files.createDirectory(temporary.resolve("keys"));
    Files.copy(made.resolve(PUBLIC), folder.resolve(PUBLIC));
  }

  @Test
  void aKeyThatAppearsSignsFromThenOn() throws IOException {
    FolderSigningKeys keys = new FolderSigningKeys(folder);
    assertThat(keys.signingKeyId()).isEmpty();
    assertThat(keys.verificationKeys()).containsOnlyKeys(id);

    Files.copy(made.resolve(PRIVATE), folder.resolve(PRIVATE));

    assertThat(keys.signingKeyId()).contains(id);
    assertThat(keys.sign(new byte[] {1})).hasSize(64);

    Files.delete(folder.resolve(PRIVATE));
    assertThat(keys.signingKeyId()).isEmpty();
  }

  @Test
  void aFolderThatIsBrokenMeanwhileKeepsItsKeys() throws IOException {
    Files.copy(made.resolve(PRIVATE), folder.resolve(PRIVATE));
    FolderSigningKeys keys = new FolderSigningKeys(folder);
    Files.writeString(folder.resolve("note.pem"), "not a key");

    assertThat(keys.signingKeyId()).contains(id);
    assertThat(keys.verificationKeys()).containsOnlyKeys(id);

    Files.delete(folder.resolve("note.pem"));
    assertThat(keys.signingKeyId()).contains(id);
  }

  @Test
  void oneThatIsBrokenAtTheStartIsRefused() throws IOException {
    Files.writeString(folder.resolve("note.pem"), "not a key");

    assertThatThrownBy(() -> new FolderSigningKeys(folder))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("note.pem: neither a private nor a public key in PEM");
  }

  @Test
  void aPrivateKeyThatEverybodyMayReadIsNoticed() throws IOException {
    Path key = made.resolve(PRIVATE);
    assertThat(FileSigningKeys.isOpenToAll(key)).isFalse();
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("r--r-----"));
    assertThat(FileSigningKeys.isOpenToAll(key)).isFalse();

    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));

    assertThat(FileSigningKeys.isOpenToAll(key)).isTrue();
  }
}
