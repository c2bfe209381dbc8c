package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.safety.v1.ReplayCertificateRequest;
import io.ballast.safety.v1.RevokeCertificateRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** certificate writes files that are verified without a mesh, and revokes. */
class CertificatesCommandTest {
  @TempDir Path folder;

  private final FakeMesh mesh = new FakeMesh();
  private Path file = Path.of("");
  private Path keys = Path.of("");

  @BeforeEach
  void names() {
    file = folder.resolve("certificate.json");
    keys = folder.resolve("keys.json");
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void aFileIsVerifiedWithoutTheMesh() {
    write();

    Cli.Result result = verify("--alias", "serving", "--folder", "f".repeat(64));

    assertThat(result.err()).isEmpty();
    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("java-tiny/2", "signature: by key ", "merkle_root: matches", "alias: matches")
        .contains("account: these weights had 1 earlier look, delta 0.1 together")
        .containsPattern("valid +yes");
  }

  @Test
  void whatDoesNotHoldIsRefusedWithTheReason() throws IOException {
    write();

    Cli.Result other = verify("--alias", "canary");
    assertThat(other.exit()).isEqualTo(4);
    assertThat(other.out())
        .containsPattern("valid +NO: alias: it says serving \\(expected: canary\\)");
    Cli.Result json = verify("--weights", "b".repeat(64), "--json");
    assertThat(json.exit()).isEqualTo(4);
    assertThat(json.json().path("valid").asBoolean(true)).isFalse();
    assertThat(json.json().path("reason").asText()).startsWith("candidate_weights_sha256: it says");

    Files.writeString(
        file, Files.readString(file).replaceFirst("\"cost\" : 0.0", "\"cost\" : 0.1"));
    Cli.Result altered = verify();
    assertThat(altered.exit()).isEqualTo(4);
    assertThat(altered.out()).containsPattern("valid +NO: merkle_root: it says");
  }

  @Test
  void filesThatCannotBeReadAreNamed() throws IOException {
    write();
    Files.writeString(keys, "{}");
    Cli.Result noKeys = verify();
    assertThat(noKeys.exit()).isEqualTo(2);
    assertThat(noKeys.err()).contains("keys.json: no JSON Web Key Set");

    Files.delete(file);
    Cli.Result noFile = verify();
    assertThat(noFile.exit()).isEqualTo(2);
    assertThat(noFile.err()).contains("certificate.json cannot be read");
  }

  @Test
  void theyAreListedWithTheirState() {
    assertThat(Cli.run(mesh, "certificate", "list").out())
        .contains(FakeMesh.CERTIFICATE_ID, "java-tiny/2", "serving", "until 2");
    Cli.run(mesh, "certificate", "revoke", FakeMesh.CERTIFICATE_ID, "--reason", "a wrong judge");
    assertThat(Cli.run(mesh, "certificate", "list").out()).contains("revoked: a wrong judge");
    mesh.signed.unsign();
    assertThat(Cli.run(mesh, "certificate", "list").out()).contains("unsigned");
    mesh.certified = false;
    assertThat(Cli.run(mesh, "certificate", "list", "--json").json().path("certificates"))
        .isEmpty();
  }

  @Test
  void aRevocationNeedsAReason() {
    Cli.Result revoked =
        Cli.run(mesh, "certificate", "revoke", FakeMesh.CERTIFICATE_ID, "--reason", "why");

    assertThat(revoked.exit()).isZero();
    assertThat(revoked.out()).contains(FakeMesh.CERTIFICATE_ID).contains("why");
    assertThat(mesh.asked(RevokeCertificateRequest.class).getReason()).isEqualTo("why");
    assertThat(Cli.run(mesh, "certificate", "revoke", FakeMesh.CERTIFICATE_ID).exit()).isEqualTo(2);
  }

  @Test
  void aReplayThatGivesTheSameEndsWell() {
    Cli.Result same = Cli.run(mesh, "certificate", "replay", FakeMesh.CERTIFICATE_ID);

    assertThat(same.exit()).isZero();
    assertThat(same.out())
        .contains("30 of 30 samples replayed, 30 agree")
        .containsPattern("same decision +yes")
        .containsPattern("reproduced +yes");
    assertThat(mesh.asked(ReplayCertificateRequest.class).getCertificateId())
        .isEqualTo(FakeMesh.CERTIFICATE_ID);
  }

  @Test
  void aReplayThatDiffersIsRefusedWithTheFirstDifference() {
    mesh.reproducible = false;

    Cli.Result other = Cli.run(mesh, "certificate", "replay", FakeMesh.CERTIFICATE_ID);

    assertThat(other.exit()).isEqualTo(4);
    assertThat(other.out())
        .contains("prompt 7, completion_sha256: it says aa, found bb")
        .containsPattern("reproduced +NO: 29 of 30 samples agree");
    Cli.Result json = Cli.run(mesh, "certificate", "replay", FakeMesh.CERTIFICATE_ID, "--json");
    assertThat(json.json().path("result").path("reproduced").asBoolean()).isFalse();
  }

  @Test
  void ofAnUnsignedOneThereIsNoFile() {
    mesh.signed.unsign();

    Cli.Result result =
        Cli.run(mesh, "certificate", "get", FakeMesh.CERTIFICATE_ID, "--out", file.toString());

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.err()).contains("format 1, which nobody signed");
    assertThat(file).doesNotExist();
  }

  private void write() {
    Cli.Result got =
        Cli.run(mesh, "certificate", "get", FakeMesh.CERTIFICATE_ID, "--out", file.toString());
    assertThat(got.out()).contains("with the evidence of 30 completions");
    assertThat(Cli.run(mesh, "certificate", "keys", "--out", keys.toString()).exit()).isZero();
  }

  private Cli.Result verify(String... more) {
    String[] args = new String[5 + more.length];
    System.arraycopy(
        new String[] {"certificate", "verify", file.toString(), "--keys", keys.toString()},
        0,
        args,
        0,
        5);
    System.arraycopy(more, 0, args, 5, more.length);
    return Cli.run(Path.of("."), Map.of(), args); // where no mesh is
  }
}
