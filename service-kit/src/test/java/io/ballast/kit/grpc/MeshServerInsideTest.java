package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A call from within the process passes what a call over the network passes. */
@Timeout(60)
class MeshServerInsideTest extends MeshServerCase {
  private static RewardServiceBlockingStub inside(MeshServer server) {
    return RewardServiceGrpc.newBlockingStub(server.inside());
  }

  @Test
  void itNeedsTheTokenAndIsCountedAndNamed() {
    MeshServer server =
        start(
            new MeshServer.Options(
                "127.0.0.1",
                0,
                1 << 20,
                Duration.ofMillis(1),
                Duration.ofSeconds(1),
                false,
                Optional.of("secret")));
    Metadata headers = new Metadata();
    headers.put(ServerEdge.AUTHORIZATION, "Bearer secret");
    headers.put(CallIdentity.HEADER, "mine");
    AtomicReference<Metadata> trailers = new AtomicReference<>();

    assertThatThrownBy(() -> inside(server).score(ScoreRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNAUTHENTICATED");
    ScoreResponse answer =
        inside(server)
            .withInterceptors(
                MetadataUtils.newAttachHeadersInterceptor(headers),
                MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers))
            .score(ScoreRequest.getDefaultInstance());

    assertThat(answer).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(trailers.get().get(CallIdentity.HEADER)).isEqualTo("mine");
    assertThat(meters.get("ballast.server.calls").tag("code", "OK").timer().count()).isEqualTo(1);
    assertThat(meters.get("ballast.server.calls").tag("code", "UNAUTHENTICATED").timer().count())
        .isEqualTo(1);
  }

  @Test
  void itsDeadlineIsTheServers() {
    AtomicReference<Context> seen = new AtomicReference<>();
    MeshServer server = start(MeshServer.Options.loopback(0));
    work =
        () -> {
          seen.set(Context.current());
          return ScoreResponse.getDefaultInstance();
        };

    inside(server).withDeadlineAfter(1, TimeUnit.HOURS).score(ScoreRequest.getDefaultInstance());

    assertThat(seen.get().getDeadline()).isNotNull();
    assertThat(seen.get().getDeadline().timeRemaining(TimeUnit.MINUTES)).isBetween(50L, 60L);
  }

  @Test
  void aStopWaitsForItAndTakesNoOther() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          entered.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var underWay =
        RewardServiceGrpc.newFutureStub(server.inside()).score(ScoreRequest.getDefaultInstance());
    entered.await();
    assertThat(server.callsUnderWay()).isEqualTo(1);
    Thread drain = Thread.startVirtualThread(server::drain);
    release.countDown();

    assertThat(underWay.get(10, TimeUnit.SECONDS)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(drain.join(Duration.ofSeconds(10))).isTrue();
    assertThatThrownBy(() -> inside(server).score(ScoreRequest.getDefaultInstance()))
        .hasMessage("UNAVAILABLE: the server is stopping; nothing was done");
  }
}
