package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.kit.security.Identities;
import io.ballast.kit.security.IdentitySettings;
import io.ballast.kit.security.JwtSettings;
import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Principal.Proof;
import io.ballast.kit.security.RateLimits;
import io.ballast.kit.security.Right;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.testing.TestIssuer;
import io.grpc.Context;
import io.grpc.Metadata;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server says for whom it calls another, and is believed; nobody else is. */
class BehalfTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Principal ADA =
      new Principal("Ada\nof Zürich", Optional.of("a"), Set.of(Right.OPERATOR), Proof.JWT);

  @TempDir private Path folder;
  private final TestIssuer issuer = new TestIssuer("k1");
  private Identities identities = Identities.open();
  private SecuredServer server;

  @BeforeEach
  void serve() {
    JwtSettings jwt =
        new JwtSettings(
            TestIssuer.ISSUER,
            TestIssuer.AUDIENCE,
            issuer.write(folder.resolve("keys.json")).toString(),
            Duration.ofDays(1),
            Duration.ZERO,
            "sub",
            "tenant",
            "roles",
            Map.of("trainer", Right.TRAINER, "peer", Right.PEER),
            20);
    identities =
        Identities.of(
            new IdentitySettings(Optional.empty(), Map.of(), Optional.of(jwt), "secret"),
            Optional.empty(),
            () -> NOW);
    server =
        new SecuredServer(
            new EdgeSecurity(
                identities, RateLimits.none(), ConnectionLimits.usual(), Optional.empty()));
  }

  @AfterEach
  void close() {
    server.close();
    identities.close();
  }

  /** What the server hears of who is behind a call, made by {@code role} while it serves Ada. */
  private String heard(String role) throws Exception {
    String token = issuer.sign(TestIssuer.claims("caller", "*", NOW.plusSeconds(60), role).build());
    CallIdentity ofAda = new CallIdentity("r-1");
    ofAda.principal(ADA);
    try (PeerChannel channel = server.peer("127.0.0.1", Optional.of(token), Optional.empty())) {
      Callable<ScoreResponse> call =
          ofAda.in(Context.current()).wrap(() -> SecuredServer.score(channel));
      assertThat(call.call()).isEqualTo(ScoreResponse.getDefaultInstance());
    }
    assertThat(server.principal.get().orElseThrow().name()).isEqualTo("caller");
    return server.behalf.get();
  }

  @Test
  void aServerIsBelieved() throws Exception {
    assertThat(heard("peer")).isEqualTo("Ada\\u000aof Zürich by jwt");
  }

  @Test
  void aTrainerIsNot() throws Exception {
    assertThat(heard("trainer")).isEmpty();
  }

  @Test
  void whomItWasCalledForIsSaidOn() {
    CallIdentity call = new CallIdentity("r-1");
    assertThat(call.behalfOfOthers()).isEmpty();
    call.principal(ADA);
    assertThat(call.behalfOfOthers()).isEqualTo("Ada\nof Zürich by jwt");
    Metadata headers = new Metadata();
    headers.put(CallIdentity.BEHALF, "Grace by jwt".getBytes(StandardCharsets.UTF_8));
    call.behalf(headers);
    assertThat(call.behalfOfOthers()).isEqualTo("Grace by jwt");
  }
}
