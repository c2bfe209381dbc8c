package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.Configuration;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.CanaryPlan;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever moves an alias is told in a chain that shows when somebody altered it. */
class AuditTrailTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;
  private final PostgresAudit audit;

  AuditTrailTest() {
    models.publish("2", request -> "suggestion by 2;");
    models.publish("3", request -> "suggestion by 3;");
    mesh = TestMesh.start(models);
    audit = new PostgresAudit("policy", mesh.database);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void everyMoveIsToldInItsOrder() {
    act();

    List<AuditEntry> entries = entries();
    assertThat(flaws(entries)).isEmpty();
    assertThat(entries)
        .extracting(entry -> content(entry).path("action").asText())
        .containsExactly(
            "alias.create",
            "alias.promote",
            "alias.roll_back",
            "alias.canary",
            "alias.canary_roll_back");
    JsonNode promotion = content(entries.get(1));
    assertThat(promotion.path("sequence").asLong()).isEqualTo(2);
    assertThat(promotion.path("at").asText()).matches("\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}\\.\\d{6}Z");
    assertThat(promotion.path("tenant").asText()).isEqualTo("default");
    assertThat(promotion.path("subject").asText()).isEqualTo("java-tiny/serving");
    assertThat(promotion.path("request_id").asText()).isNotEmpty();
    assertThat(entries)
        .as("nobody called over a network")
        .allSatisfy(
            entry -> {
              assertThat(content(entry).path("principal").asText()).isEqualTo("the server itself");
              assertThat(content(entry).path("proof").asText()).isEqualTo("process");
            });
    assertThat(promotion.path("details").path("to_version").asText()).isEqualTo("2");
    assertThat(promotion.path("details").path("certificate_id").asText())
        .isEqualTo("certificate-of-2");
    assertThat(promotion.path("details").path("redemption_id").asText()).startsWith("leave-");
    assertThat(content(entries.get(4)).path("details").path("reason").asText())
        .isEqualTo("harms more than it may");
  }

  @Test
  void aCanaryThatServesEverybodyIsToldWithTheLeaveOfItsBeginning() {
    PolicyAlias begun = beginCanaryOfThree();
    PolicyAlias ended =
        endCanaryOfThree(CanaryOutcome.CANARY_OUTCOME_COMPLETE, "harms no more than what served");
    assertThat(begun.getVersion()).isEqualTo("1");
    assertThat(ended.getVersion()).isEqualTo("3");

    List<AuditEntry> entries = entries();
    assertThat(flaws(entries)).isEmpty();
    assertThat(entries)
        .extracting(entry -> content(entry).path("action").asText())
        .containsExactly("alias.create", "alias.canary", "alias.canary_complete");
    JsonNode beginning = content(entries.get(1)).path("details");
    JsonNode end = content(entries.get(2)).path("details");
    assertThat(beginning.path("redemption_id").asText()).startsWith("leave-");
    assertThat(end.path("redemption_id").asText())
        .isEqualTo(beginning.path("redemption_id").asText());
    assertThat(end.path("certificate_id").asText()).isEqualTo("c3");
    assertThat(end.path("revision").asLong()).isEqualTo(3);
    assertThat(end.path("from_version").asText()).isEqualTo("1");
    assertThat(end.path("to_version").asText()).isEqualTo("3");
    assertThat(end.path("canary_version").asText()).isEqualTo("3");
    assertThat(end.path("reason").asText()).isEqualTo("harms no more than what served");
  }

  @Test
  void whoeverTheEdgeKnowsIsNamedAndWhoeverItDoesNotToo() {
    var promoted = Promotions.promote(mesh, "1", "2");
    assertThat(promoted.getVersion()).isEqualTo("2");
    rollBackThrough(EdgeSecurity.token(Optional.of("s3cret")), "s3cret");
    var again = Promotions.promote(mesh, "1", "3");
    assertThat(again.getVersion()).isEqualTo("3");
    rollBackThrough(EdgeSecurity.token(Optional.empty()), "");
    mesh.database
        .jdbi()
        .useTransaction(
            handle -> handle.execute("select audit_append('by hand', '', '', '', '', '{}')"));

    assertThat(entries())
        .extracting(entry -> content(entry).path("principal").asText())
        .containsExactly(
            "the server itself",
            "the server itself",
            "the mesh's token",
            "the server itself",
            "anybody",
            "postgres");
    assertThat(entries())
        .extracting(entry -> content(entry).path("proof").asText())
        .containsExactly("process", "process", "token", "process", "none", "database");
    assertThat(entries())
        .as("only whoever may be a server is believed")
        .extracting(entry -> content(entry).path("on_behalf_of").asText())
        .containsExactly("", "", "Ada by jwt", "", "", "");
  }

  private void rollBackThrough(EdgeSecurity security, String token) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    headers.put(
        Metadata.Key.of("x-ballast-behalf-bin", Metadata.BINARY_BYTE_MARSHALLER),
        "Ada by jwt".getBytes(StandardCharsets.UTF_8));
    try (MeshServer door =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            security,
            Optional.empty(),
            mesh.server.services(),
            mesh.meters,
            OpenTelemetry.noop(),
            System::nanoTime)) {
      var back =
          VersionServiceGrpc.newBlockingStub(door.inside())
              .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
              .rollBackAlias(RollBackAliasRequest.getDefaultInstance());
      assertThat(back.getAlias().getVersion()).isEqualTo("1");
    }
  }

  @Test
  void whatIsWrittenOutsideATransactionNamesNobody() {
    assertThatThrownBy(() -> mesh.database.jdbi().useHandle(PostgresAudit::namePrincipal))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatWasAlteredIsFound() {
    act();
    List<AuditEntry> kept = entries();

    assertRefused("update audit set content = '{}' where sequence = 2");
    assertRefused("delete from audit where sequence = 5");
    assertRefused("truncate audit");
    assertRefused(
        "insert into audit values (7, '%s', '{}', '%s')".formatted("0".repeat(64), "a".repeat(64)));
    assertRefused(
        "insert into audit values (6, '%s', '{}', '%s')"
            .formatted(kept.getLast().sha256(), "a".repeat(64)));
    assertThat(entries()).isEqualTo(kept);

    assertThat(altered("update audit set content = replace(content, '\"2\"', '\"3\"')"))
        .hasValue("entry 2 is not what was hashed");
    assertThat(altered("delete from audit where sequence = 3"))
        .hasValue("entry 4 follows entry 2: what stood between them is gone");
    assertThat(
            altered(
                """
                update audit set content = '{}', sha256 =
                  encode(sha256(convert_to(previous_sha256 || e'\\n{}', 'UTF8')), 'hex')
                where sequence = 3\
                """))
        .hasValue("entry 4 does not follow entry 3: it was made after another one");
    // only who kept the head elsewhere finds that the end is gone
    assertThat(altered("delete from audit where sequence = 5")).isEmpty();
  }

  @Test
  void actsAtOnceFollowEachOther() {
    List<CompletableFuture<Void>> acts =
        IntStream.range(0, 8)
            .mapToObj(
                i ->
                    CompletableFuture.runAsync(
                        () -> {
                          for (int j = 0; j < 10; j++) {
                            audit.configured(configuration("%02d%02d".formatted(i, j)));
                          }
                        }))
            .toList();
    acts.forEach(CompletableFuture::join);

    List<AuditEntry> entries = entries();
    assertThat(flaws(entries)).isEmpty();
    assertThat(entries).hasSize(1 + 8 * 10);
  }

  private static Configuration configuration(String sha256, String... rights) {
    return new Configuration(sha256, new TreeSet<>(List.of(rights)));
  }

  @Test
  void whoHasWhichRightIsToldAndWhatChangedOfIt() {
    audit.configured(configuration("a", "operator: ada", "trainer: ada"));
    audit.configured(configuration("b", "operator: ada", "operator: bob"));
    audit.configured(configuration("b", "operator: ada", "operator: bob"));
    audit.configured(configuration("b", "operator: bob")); // by a property that is no part of it

    List<JsonNode> told =
        entries().stream()
            .map(entry -> content(entry))
            .filter(entry -> entry.path("action").asText().equals("configuration"))
            .map(entry -> entry.path("details"))
            .toList();
    assertThat(told).hasSize(3);
    assertThat(told.get(0).path("rights").asText()).isEqualTo("operator: ada\ntrainer: ada");
    assertThat(told.get(0).has("rights_added")).as("there is none before").isFalse();
    assertThat(told.get(1).path("rights").asText()).isEqualTo("operator: ada\noperator: bob");
    assertThat(told.get(1).path("rights_added").asText()).isEqualTo("operator: bob");
    assertThat(told.get(1).path("rights_removed").asText()).isEqualTo("trainer: ada");
    assertThat(told.get(2).has("rights_added")).isFalse();
    assertThat(told.get(2).path("rights_removed").asText()).isEqualTo("operator: ada");
  }

  @Test
  void anEntryOfAReleaseThatToldNoRightsIsFollowedByOneThatDoes() {
    mesh.database
        .jdbi()
        .useTransaction(
            handle -> {
              var unused =
                  audit.append(
                      handle,
                      new Act("configuration", "", "", "policy", "", Map.of("sha256", "a")));
            });
    audit.configured(configuration("a", "operator: ada"));
    audit.configured(configuration("a", "operator: ada"));

    JsonNode last = content(entries().getLast()).path("details");
    assertThat(last.path("rights").asText()).isEqualTo("operator: ada");
    assertThat(last.has("rights_added")).as("what was before is not known").isFalse();
    assertThat(entries()).hasSize(3);
  }

  @Test
  void aConfigurationIsToldWhenItChanged() {
    audit.configured(configuration("a"));
    audit.configured(configuration("a"));
    mesh.database
        .jdbi()
        .useTransaction(
            handle -> {
              var unused =
                  audit.append(handle, new Act("test", "t", "Ada", "s", "r", Map.of("count", "3")));
            });
    audit.configured(configuration("a"));
    audit.configured(configuration("b"));

    assertThat(entries())
        .extracting(entry -> content(entry).path("action").asText())
        .containsExactly("alias.create", "configuration", "test", "configuration");
    JsonNode act = content(entries().get(2));
    assertThat(act.path("actor").asText()).isEqualTo("Ada");
    assertThat(act.path("details").path("count").asText()).isEqualTo("3");
    assertThat(content(entries().get(3)).path("details").path("sha256").asText()).isEqualTo("b");
  }

  /** Promotes 2, rolls back, begins a canary of 3 and ends it. */
  private void act() {
    var unused = Promotions.promote(mesh, "1", "2");
    var back = mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());
    PolicyAlias begun = beginCanaryOfThree();
    PolicyAlias ended =
        endCanaryOfThree(CanaryOutcome.CANARY_OUTCOME_ROLL_BACK, "harms more than it may");
    assertThat(List.of(back.getAlias().getVersion(), begun.getVersion(), ended.getVersion()))
        .containsOnly("1");
  }

  private PolicyAlias beginCanaryOfThree() {
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion("3").build());
    mesh.safety.certificates.issue("c3", "3", "1");
    return mesh.versions()
        .promoteAlias(
            PromoteAliasRequest.newBuilder()
                .setExpectedVersion("1")
                .setNewVersion("3")
                .setCertificateId("c3")
                .setCanary(CanaryPlan.newBuilder().setShare(0.5))
                .build())
        .getAlias();
  }

  private PolicyAlias endCanaryOfThree(CanaryOutcome outcome, String reason) {
    return mesh.versions()
        .endCanary(
            EndCanaryRequest.newBuilder()
                .setCanaryVersion("3")
                .setOutcome(outcome)
                .setReason(reason)
                .build())
        .getAlias();
  }

  private List<AuditEntry> entries() {
    List<AuditEntry> all = new ArrayList<>(audit.after(0, 2));
    for (List<AuditEntry> page = all; !page.isEmpty(); ) {
      page = audit.after(all.getLast().sequence(), 100);
      all.addAll(page);
    }
    return all;
  }

  private static Optional<String> flaws(List<AuditEntry> entries) {
    AuditChain chain = new AuditChain();
    return entries.stream().flatMap(entry -> chain.add(entry).stream()).findFirst();
  }

  /** Alters the trail as someone who may do anything, and says what is found; then undoes it. */
  private Optional<String> altered(String sql) {
    return mesh.database
        .jdbi()
        .withHandle(
            handle -> {
              handle.begin();
              handle.execute("set local session_replication_role = replica");
              handle.execute(sql);
              List<AuditEntry> entries =
                  handle
                      .createQuery("select * from audit order by sequence")
                      .map(
                          (row, _) ->
                              new AuditEntry(
                                  "policy",
                                  row.getLong("sequence"),
                                  row.getString("content"),
                                  row.getString("previous_sha256"),
                                  row.getString("sha256")))
                      .list();
              handle.rollback();
              return flaws(entries);
            });
  }

  private void assertRefused(String sql) {
    assertThatThrownBy(() -> mesh.database.jdbi().useHandle(handle -> handle.execute(sql)))
        .rootCause()
        .hasMessageContaining("of the audit trail");
  }

  private static JsonNode content(AuditEntry entry) {
    try {
      return JSON.readTree(entry.content());
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }
}
