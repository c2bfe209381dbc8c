package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.security.ClientTls;
import io.ballast.loadtest.LoadTestCommand;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.mesh.v1.AuditServiceGrpc;
import io.ballast.mesh.v1.StreamAuditEntriesRequest;
import io.ballast.mesh.v1.StreamAuditEntriesResponse;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.testing.TestAuthority;
import io.ballast.testing.TestIssuer;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built program encrypts, knows its callers, and its servers may do all that they do. */
class SecuredMeshIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ClientTls.Names NAMES = new ClientTls.Names("ca", "certificate", "key");
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  /** Of TestCalls. */
  private static final String TENANT = "process-test";

  private static final Instant EXPIRES = Instant.parse("2100-01-01T00:00:00Z");

  private static final String RUN =
      """
      name: secured
      algorithm: GRPO
      iterations: 1
      seed: 11
      rollout: {prompts_per_iteration: 2, completions_per_prompt: 2, max_new_tokens: 8}
      constraint: {enabled: false}
      prompts: {inline: ["int size = ", "return "]}
      safety_test:
        threshold: 0.3
        max_new_tokens: 8
        prompts: {inline: ["int held = ", "for (", "if (", "while (", "try {", "throw "]}
      kl: {stop_at: 20}
      promotion: NEVER
      """;

  @TempDir private Path data = Path.of(".");
  private final TestIssuer issuer = new TestIssuer("k1");

  private Channel as(Channel channel, String subject, String tenant, String... roles) {
    Metadata headers = new Metadata();
    headers.put(
        AUTHORIZATION,
        "Bearer " + issuer.sign(TestIssuer.claims(subject, tenant, EXPIRES, roles).build()));
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static void deleteUser(Channel operator) {
    var unused =
        FeedbackServiceGrpc.newBlockingStub(operator)
            .deleteUserData(
                DeleteUserDataRequest.newBuilder()
                    .setMetadata(TestCalls.metadata())
                    .setUser("u-1")
                    .setActor("Grace")
                    .setReason("asked for in request 7")
                    .build());
  }

  /** What was done, and who is named for it. */
  private static List<String> audited(Channel auditor) throws JsonProcessingException {
    List<String> acts = new ArrayList<>();
    Iterator<StreamAuditEntriesResponse> entries =
        AuditServiceGrpc.newBlockingStub(auditor)
            .streamAuditEntries(StreamAuditEntriesRequest.getDefaultInstance());
    while (entries.hasNext()) {
      JsonNode content = JSON.readTree(entries.next().getEntry().getContent());
      acts.add(
          "%s: %s by %s"
              .formatted(
                  content.path("action").asText(),
                  content.path("principal").asText(),
                  content.path("proof").asText()));
    }
    return acts;
  }

  /** Has the load tool ask for scores as an application of its own tenant, however busy we are. */
  private int loaded(int port, Path trusted) {
    String token =
        issuer.sign(TestIssuer.claims("load", "loadtest", EXPIRES, "application").build());
    return LoadTestCommand.commandLine(
            new SystemPacer(), Map.of("BALLAST_TLS_CA", trusted.toString(), "BALLAST_TOKEN", token))
        .execute(
            "score",
            "--target=127.0.0.1:" + port,
            "--rate=20",
            "--duration=500ms",
            "--warm-up=0s",
            "--headroom=1",
            "--send-delay-p99=10s");
  }

  @Test
  void callersAreKnownAndTheServersStillReachEachOther() throws JsonProcessingException {
    TestAuthority authority = new TestAuthority("authority");
    authority.issue("mesh", "ip:127.0.0.1").write(data.resolve("c.pem"), data.resolve("k.pem"));
    Path trusted = authority.write(data.resolve("ca.pem"));
    Map<String, String> secured =
        Map.of(
            "ballast.tls.certificate", data.resolve("c.pem").toString(),
            "ballast.tls.key", data.resolve("k.pem").toString(),
            "ballast.tls.trust", trusted.toString(),
            "ballast.tls.client-auth", "OPTIONAL",
            "ballast.security.jwt.issuer", TestIssuer.ISSUER,
            "ballast.security.jwt.audience", TestIssuer.AUDIENCE,
            "ballast.security.jwt.keys", issuer.write(data.resolve("keys.json")).toString());
    try (BuiltMesh mesh = BuiltMesh.start(data.resolve("mesh"), secured)) {
      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", mesh.port())
              .sslContext(new ClientTls(Optional.of(trusted), Optional.empty()).context(NAMES))
              .build();
      try {
        Channel application = as(channel, "app", TENANT, "application");
        Channel trainer = as(channel, "trainer", TENANT, "trainer");

        SuggestResponse suggestion = TestCalls.suggest(application, "int size = list.");
        assertThat(suggestion.getDegradationsList()).isEmpty();
        assertThat(suggestion.getReward().hasValue()).isTrue();
        assertThat(suggestion.getCost().hasHarmProbability()).isTrue();
        TestCalls.accept(application, suggestion.getSuggestionId(), "once");

        Run ended = TestCalls.awaitEnd(trainer, TestCalls.create(trainer, RUN));
        assertThat(ended.getState())
            .as("%s", ended.getMessage())
            .isIn(RunState.RUN_STATE_HELD, RunState.RUN_STATE_NO_SOLUTION_FOUND);

        assertThatThrownBy(() -> TestCalls.create(application, RUN))
            .hasMessageStartingWith("PERMISSION_DENIED: app may not call ");
        assertThatThrownBy(
                () ->
                    TestCalls.recorded(
                        as(channel, "other", "another", "application"),
                        suggestion.getSuggestionId()))
            .hasMessageStartingWith("PERMISSION_DENIED: metadata.tenant");
        assertThatThrownBy(() -> TestCalls.suggest(channel, "return "))
            .hasMessageStartingWith("UNAUTHENTICATED");
        assertThatThrownBy(() -> TestCalls.suggest(mesh.channel(), "return "))
            .as("without TLS")
            .hasMessageStartingWith("UNAVAILABLE");
        assertThat(loaded(mesh.port(), trusted)).isZero();
        deleteUser(as(channel, "ops", TENANT, "operator"));
        assertThat(audited(as(channel, "auditor", "*", "auditor")))
            .contains(
                "run.create: trainer by jwt",
                "data.delete: ops by jwt",
                "configuration: the server itself by process")
            .noneMatch(act -> act.endsWith("by database"));
        assertThat(mesh.http("/api/runs")).contains("UNAUTHENTICATED");
      } finally {
        channel.shutdownNow();
      }
    }
  }
}
