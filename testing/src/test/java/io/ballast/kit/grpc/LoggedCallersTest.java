package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.security.EdgeSecurity;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.testing.HeardLog;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.util.Optional;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Log lines say who makes the call that they are of, and on whose behalf; never what was shown. */
class LoggedCallersTest {
  private final HeardLog access = HeardLog.of("io.ballast.access", Level.FINE);

  @AfterEach
  void close() {
    access.close();
  }

  private static ScoreResponse score(SecuredServer server, String token) {
    Metadata headers = new Metadata();
    headers.put(ServerEdge.AUTHORIZATION, "Bearer " + token);
    return RewardServiceGrpc.newBlockingStub(server.server().inside())
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .score(
            ScoreRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant("shop"))
                .build());
  }

  @Test
  void whoIsKnownIsNamedInEachLine() {
    try (SecuredServer server = new SecuredServer(EdgeSecurity.token(Optional.of("s3cret")))) {
      assertThat(score(server, "s3cret")).isEqualTo(ScoreResponse.getDefaultInstance());

      assertThat(server.logged.get())
          .containsEntry("principal", "the mesh's token")
          .containsEntry("tenant", "shop")
          .containsKey("request_id");
      assertThat(access.messages())
          .singleElement()
          .asString()
          .contains("the mesh's token", "shop", "OK")
          .doesNotContain("s3cret");
    }
  }

  @Test
  void whoIsRefusedIsNobody() {
    try (SecuredServer server = new SecuredServer(EdgeSecurity.token(Optional.of("s3cret")))) {
      assertThatThrownBy(() -> score(server, "guessed")).hasMessageStartingWith("UNAUTHENTICATED");

      assertThat(server.asked).hasNullValue();
      assertThat(access.messages())
          .singleElement()
          .asString()
          .contains("principal=-", "tenant=-", "UNAUTHENTICATED")
          .doesNotContain("guessed");
    }
  }

  @Test
  void whereNobodyIsAskedTheTenantIsNamed() {
    try (SecuredServer server = new SecuredServer(EdgeSecurity.token(Optional.empty()))) {
      assertThat(score(server, "any")).isEqualTo(ScoreResponse.getDefaultInstance());

      assertThat(server.logged.get())
          .containsEntry("principal", "-")
          .containsEntry("tenant", "shop");
      assertThat(access.messages())
          .singleElement()
          .asString()
          .contains("principal=-", "tenant=shop");
    }
  }
}
