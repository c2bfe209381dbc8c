package io.ballast.standalone.demo.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A mesh that asks for a token gets it. */
class ChannelsTest {
  @Test
  void aGuardedMeshAnswersWhoHasItsToken() {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    MeshServer.Options guarded =
        new MeshServer.Options(
            plain.host(),
            0,
            plain.maxMessageBytes(),
            plain.deadlineFloor(),
            plain.drain(),
            false,
            Optional.of("s3cret"));
    try (MeshServer server =
        MeshServer.start(
            guarded,
            List.of(new Answering()),
            new SimpleMeterRegistry(),
            OpenTelemetry.noop(),
            System::nanoTime)) {
      assertThat(score(server, "s3cret")).isEqualTo(ScoreResponse.getDefaultInstance());
      assertThatThrownBy(() -> score(server, null))
          .isInstanceOf(StatusRuntimeException.class)
          .hasMessageStartingWith("UNAUTHENTICATED");
    }
  }

  private static ScoreResponse score(MeshServer server, @Nullable String token) {
    ManagedChannel channel = Channels.open("127.0.0.1:" + server.port(), token);
    try {
      return RewardServiceGrpc.newBlockingStub(channel).score(ScoreRequest.getDefaultInstance());
    } finally {
      channel.shutdownNow();
    }
  }

  private static final class Answering extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      observer.onNext(ScoreResponse.getDefaultInstance());
      observer.onCompleted();
    }
  }
}
