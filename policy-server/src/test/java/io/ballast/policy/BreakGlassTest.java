package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An operator who knows the secret moves an alias without a certificate, on record; others not. */
class BreakGlassTest {
  private static final String SECRET = "an-operators-secret";
  private static final Metadata.Key<String> HEADER =
      Metadata.Key.of("x-ballast-break-glass", Metadata.ASCII_STRING_MARSHALLER);
  private static final BreakGlassAliasRequest TO_TWO =
      BreakGlassAliasRequest.newBuilder()
          .setExpectedVersion("1")
          .setNewVersion("2")
          .setActor("Ada")
          .setReason("serving answers nothing but spaces")
          .build();

  @TempDir private Path folder;
  private final TestMesh closed;
  private TestMesh mesh;

  BreakGlassTest() {
    FakeModels models = new FakeModels();
    models.publish("2", request -> "suggestion by 2;");
    closed = TestMesh.start(models);
    mesh = closed;
  }

  @BeforeEach
  void start() throws IOException {
    Path file = Files.writeString(folder.resolve("secret"), SECRET + "\n");
    mesh = closed.startBeside(Map.of("ballast.policy.break-glass-token-file", file.toString()));
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion("2").build());
  }

  @AfterEach
  void close() {
    mesh.close();
    closed.close();
  }

  private static PolicyAlias breakGlass(
      TestMesh mesh, String secret, BreakGlassAliasRequest request) {
    Metadata headers = new Metadata();
    headers.put(HEADER, secret);
    return mesh.versions()
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .breakGlassAlias(request)
        .getAlias();
  }

  private void assertForbidden(TestMesh asked, String secret, String message) {
    assertFails(
        () -> breakGlass(asked, secret, TO_TWO),
        Status.Code.PERMISSION_DENIED,
        Fault.FORBIDDEN,
        message);
    assertThat(serving().getVersion()).isEqualTo("1");
  }

  private PolicyAlias serving() {
    return mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
  }

  @Test
  void whoAndWhyAreOnRecordWithTheMove() {
    PolicyAlias moved = breakGlass(mesh, SECRET, TO_TWO);

    assertThat(moved.getVersion()).isEqualTo("2");
    AliasMove move = serving().getMoves(0);
    assertThat(move.getKind()).isEqualTo("break_glass");
    assertThat(move.getActor()).isEqualTo("Ada");
    assertThat(move.getReason()).isEqualTo("serving answers nothing but spaces");
    assertThat(move.getCertificateId()).isEmpty();
    assertThat(serving().getMoves(1).getActor()).isEmpty();
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 2;");
  }

  @Test
  void whoAndWhyAreToldInTheAuditTrail() {
    breakGlass(mesh, SECRET, TO_TWO);

    List<AuditEntry> entries = new PostgresAudit("policy", mesh.database).after(0, 10);
    AuditChain chain = new AuditChain();
    assertThat(entries).hasSize(2).allSatisfy(entry -> assertThat(chain.add(entry)).isEmpty());
    assertThat(entries.getLast().content())
        .contains(
            "\"action\": \"alias.break_glass\"",
            "\"actor\": \"Ada\"",
            "\"subject\": \"java-tiny/serving\"",
            "\"from_version\": \"1\"",
            "\"to_version\": \"2\"",
            "\"reason\": \"serving answers nothing but spaces\"")
        .doesNotContain("certificate_id", SECRET);
  }

  @Test
  void itIsUndoneByARollback() {
    breakGlass(mesh, SECRET, TO_TWO);

    assertThat(
            mesh.versions()
                .rollBackAlias(RollBackAliasRequest.getDefaultInstance())
                .getAlias()
                .getVersion())
        .isEqualTo("1");
  }

  @Test
  void withoutTheSecretNothingMoves() {
    assertFails(
        () -> mesh.versions().breakGlassAlias(TO_TWO),
        Status.Code.PERMISSION_DENIED,
        Fault.FORBIDDEN,
        "the header x-ballast-break-glass is absent or wrong");
    assertForbidden(mesh, SECRET + "!", "the header x-ballast-break-glass is absent or wrong");
  }

  @Test
  void whereThereIsNoSecretNobodyMay() {
    assertForbidden(
        closed,
        SECRET,
        "no alias moves without a certificate here (ballast.policy.break-glass-token-file is not"
            + " set)");
  }

  @Test
  void nobodyAndNoReasonAreRefusedByName() {
    assertFails(
        () -> breakGlass(mesh, SECRET, TO_TWO.toBuilder().setActor(" ").build()),
        Status.Code.INVALID_ARGUMENT,
        Fault.MALFORMED_REQUEST,
        "actor: empty (expected: the person who answers for it)");
    assertFails(
        () -> breakGlass(mesh, SECRET, TO_TWO.toBuilder().setReason("because").build()),
        Status.Code.INVALID_ARGUMENT,
        Fault.MALFORMED_REQUEST,
        "reason: 7 characters (expected: 10 to 1,000)");
    assertThat(serving().getRevision()).isEqualTo(1);
  }

  @Test
  void itIsComparedAndRepeatedAsOtherMovesAre() {
    BreakGlassAliasRequest keyed =
        TO_TWO.toBuilder()
            .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey("glass"))
            .build();

    assertThat(breakGlass(mesh, SECRET, keyed)).isEqualTo(breakGlass(mesh, SECRET, keyed));
    assertThat(serving().getRevision()).isEqualTo(2);
    assertFails(
        () -> breakGlass(mesh, SECRET, TO_TWO),
        Status.Code.ABORTED,
        Fault.VERSION_CONFLICT,
        "alias serving of java-tiny points to 2, expected_version is '1'");
  }

  @Test
  void aShortSecretIsRefusedAtTheStart() throws IOException {
    Path file = Files.writeString(folder.resolve("short"), "guess");

    assertThatThrownBy(
            () ->
                mesh.startBeside(Map.of("ballast.policy.break-glass-token-file", file.toString())))
        .hasMessage(
            "ballast.policy.break-glass-token-file: a secret of 5 characters (expected: ≥ 16)");
  }
}
