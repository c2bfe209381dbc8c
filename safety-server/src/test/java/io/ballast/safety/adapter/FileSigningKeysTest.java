package io.ballast.safety.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys in a folder: one signs, several verify. */
class FileSigningKeysTest {
  private static final byte[] MESSAGE = "what is signed".getBytes(StandardCharsets.UTF_8);

  /** RFC 8037, appendix A: a public key, and its thumbprint. */
  private static final String JWKS_OF_THE_RFC =
      """
      {"keys": [
        {"kty": "OKP", "crv": "Ed25519", "kid": "any name",
         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "oct", "k": "AAAA"}]}""";

  @TempDir Path folder;

  @Test
  void aKeyIsMadeOnceAndOnlyItsOwnerMayReadIt() throws IOException {
    Path keys = folder.resolve("data").resolve("signing-keys");

    FileSigningKeys made = FileSigningKeys.openOrMake(keys, new SecureRandom());
    FileSigningKeys again = FileSigningKeys.openOrMake(keys, new SecureRandom());

    assertThat(again.signingKeyId()).isPresent().isEqualTo(made.signingKeyId());
    assertThat(again.verificationKeys()).containsOnlyKeys(made.signingKeyId().orElseThrow());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keys)))
        .isEqualTo("rwx------");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(keys.resolve("signing.pem"))))
        .isEqualTo("rw-------");
    // Ed25519 is deterministic: both have the same key
    assertThat(made.sign(MESSAGE)).hasSize(64).isEqualTo(again.sign(MESSAGE));
  }

  @Test
  void afterARotationTheOldKeyStillVerifies() throws IOException {
    FileSigningKeys old = FileSigningKeys.openOrMake(folder.resolve("old"), new SecureRandom());
    FileSigningKeys young = FileSigningKeys.openOrMake(folder.resolve("new"), new SecureRandom());
    Files.copy(
        folder.resolve("old").resolve("signing.pub.pem"),
        folder.resolve("new").resolve("2026-10.pub.pem"));

    FileSigningKeys rotated = FileSigningKeys.open(folder.resolve("new"));

    assertThat(rotated.signingKeyId()).isEqualTo(young.signingKeyId());
    assertThat(rotated.verificationKeys())
        .containsOnlyKeys(young.signingKeyId().orElseThrow(), old.signingKeyId().orElseThrow());
    assertThat(Ed25519Keys.ofJwks(Ed25519Keys.jwks(rotated.verificationKeys())))
        .isEqualTo(rotated.verificationKeys());
  }

  @Test
  void publicKeysAloneSignNothing() throws IOException {
    Path keys = folder.resolve("keys");
    var unused = FileSigningKeys.openOrMake(keys, new SecureRandom());
    Files.delete(keys.resolve("signing.pem"));

    assertThat(FileSigningKeys.open(keys).signingKeyId()).isEmpty();
    assertThat(FileSigningKeys.open(keys).verificationKeys()).hasSize(1);
    assertThat(FileSigningKeys.none().verificationKeys()).isEmpty();
  }

  @Test
  void whatCannotBeUsedIsNamed() throws IOException {
    Path keys = folder.resolve("keys");
    var unused = FileSigningKeys.openOrMake(keys, new SecureRandom());
    assertUnusable(folder.resolve("nowhere"), "nowhere: no such folder");

    Files.copy(keys.resolve("signing.pem"), keys.resolve("spare.pem"));
    assertUnusable(keys, "spare.pem: a second private key (expected: one, which signs)");
    Files.delete(keys.resolve("spare.pem"));

    Files.writeString(keys.resolve("note.pem"), "not a key");
    assertUnusable(keys, "note.pem: neither a private nor a public key in PEM");
    Files.writeString(
        keys.resolve("note.pem"), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    assertUnusable(keys, "note.pem: no Ed25519 public key");
    Files.writeString(keys.resolve("note.pem"), "-----BEGIN PUBLIC KEY-----\nAAAA\n");
    assertUnusable(keys, "note.pem: no block PUBLIC KEY (expected: PEM)");
    Files.delete(keys.resolve("note.pem"));

    Files.delete(keys.resolve("signing.pub.pem"));
    assertUnusable(keys, "the public half of the private key is missing");
  }

  @Test
  void anIdIsTheThumbprintOfTheStandard() {
    assertThat(Ed25519Keys.ofJwks(JWKS_OF_THE_RFC))
        .containsOnlyKeys("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assertThatThrownBy(() -> Ed25519Keys.ofJwks("{}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("no JSON Web Key Set");
  }

  private static void assertUnusable(Path folder, String words) {
    assertThatThrownBy(() -> FileSigningKeys.open(folder))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessageStartingWith("ballast.safety.signing-keys: ")
        .hasMessageContaining(words);
  }
}
