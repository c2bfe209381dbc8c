package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Principal.Proof;
import io.ballast.kit.security.Right;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.testing.TestCallers;
import io.grpc.Context;
import io.grpc.Metadata;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server says for whom it calls another, and is believed; nobody else is. */
class BehalfTest {
  private static final Principal ADA =
      new Principal("Ada\nof Zürich", Optional.of("a"), Set.of(Right.OPERATOR), Proof.JWT);

  @TempDir private Path folder;
  private TestCallers callers;
  private SecuredServer server;

  @BeforeEach
  void serve() {
    callers = new TestCallers(folder);
    server = new SecuredServer(callers.door());
  }

  @AfterEach
  void close() {
    server.close();
    callers.close();
  }

  /** What the server hears of who is behind a call, made by {@code role} while it serves Ada. */
  private String heard(String role) throws Exception {
    return heard(
        server.peer(
            "127.0.0.1", Optional.of(callers.token("caller", "*", role)), Optional.empty()));
  }

  private String heard(PeerChannel toServer) throws Exception {
    CallIdentity ofAda = new CallIdentity("r-1");
    ofAda.principal(ADA);
    try (PeerChannel channel = toServer) {
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
  void aServerThatIsNotOfTheMeshIsNotToldThoughItWouldBelieve() throws Exception {
    assertThat(heard(server.stranger(callers.token("caller", "*", "peer")))).isEmpty();
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
