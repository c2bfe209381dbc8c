package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A server that stops says so, and loses no call that was under way. */
class MeshServerStopTest extends MeshServerCase {
  @Test
  void healthSaysServingUntilTheServerIsToStop() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel(server));
    HealthCheckRequest rewards =
        HealthCheckRequest.newBuilder().setService("ballast.reward.v1.RewardService").build();
    assertThat(health.check(rewards).getStatus()).isEqualTo(ServingStatus.SERVING);
    assertThat(health.check(HealthCheckRequest.getDefaultInstance()).getStatus())
        .isEqualTo(ServingStatus.SERVING);
    server.stopServing();
    assertThat(health.check(rewards).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
  }

  @Test
  void aCallUnderWayEndsBeforeTheServerDoes() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var call =
        RewardServiceGrpc.newFutureStub(channel(server)).score(ScoreRequest.getDefaultInstance());
    inside.await();
    Thread stop = Thread.startVirtualThread(server::close);
    release.countDown();
    assertThat(call.get(10, TimeUnit.SECONDS)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(stop.join(Duration.ofSeconds(10))).isTrue();
  }

  @Test
  void whileItDrainsOnlyServersOfThisProcessAreStillAnswered() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    ManagedChannel channel = channel(server);
    var underWay =
        RewardServiceGrpc.newFutureStub(channel).score(ScoreRequest.getDefaultInstance());
    inside.await();
    Thread drain = Thread.startVirtualThread(server::drain);
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);
    while (health.check(HealthCheckRequest.getDefaultInstance()).getStatus()
        == ServingStatus.SERVING) {
      Thread.onSpinWait();
    }
    work = ScoreResponse::getDefaultInstance;
    Metadata own = new Metadata();
    own.put(DrainGate.PROCESS, DrainGate.THIS_PROCESS);
    assertThat(
            RewardServiceGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(own))
                .score(ScoreRequest.getDefaultInstance()))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(drain.isAlive()).isTrue();
    release.countDown();
    assertThat(underWay.get(10, TimeUnit.SECONDS)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(drain.join(Duration.ofSeconds(10))).isTrue();
    assertThatThrownBy(
            () ->
                RewardServiceGrpc.newBlockingStub(channel).score(ScoreRequest.getDefaultInstance()))
        .hasMessage("UNAVAILABLE: the server is stopping; nothing was done");
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aCallThatOutlastsTheDrainIsEndedOnceAndToldWhy() throws Exception {
    MeshServer server = start(draining(Duration.ofMillis(100)));
    CountDownLatch inside = new CountDownLatch(2);
    CountDownLatch cancelled = new CountDownLatch(2);
    work =
        () -> {
          Context.current().addListener(ended -> cancelled.countDown(), Runnable::run);
          inside.countDown();
          cancelled.await();
          return ScoreResponse.getDefaultInstance(); // too late
        };
    var stub = RewardServiceGrpc.newFutureStub(channel(server));
    var first = stub.score(ScoreRequest.getDefaultInstance());
    var second = stub.score(ScoreRequest.getDefaultInstance());
    inside.await();
    assertThat(server.callsUnderWay()).isEqualTo(2);
    Recorded log = Recorded.of(MeshServer.class.getName());
    Recorded grpcJava = Recorded.of("io.grpc.internal.ServerCallImpl");
    try {
      server.drain();
      cancelled.await();
      while (server.callsUnderWay() > 0) { // until their connection has seen them end
        Thread.onSpinWait();
      }
      server.close();
    } finally {
      log.stop();
      grpcJava.stop();
    }
    assertThat(log.messages).singleElement().asString().contains("they are ended");
    for (var call : List.of(first, second)) {
      assertThatThrownBy(call::get)
          .cause()
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> assertThat(PeerFaults.reason(e)).contains(Fault.DEPENDENCY_DOWN))
          .hasMessage(
              "UNAVAILABLE: the server is shutting down; what was not answered within PT0.1S is"
                  + " ended");
    }
    assertThat(grpcJava.messages).isEmpty();
    assertThat(
            meters
                .get("ballast.server.calls")
                .tag("code", "UNAVAILABLE")
                .tag("method", "ballast.reward.v1.RewardService/Score")
                .timer()
                .count())
        .isEqualTo(2);
  }

  @Test
  void whoWatchesHealthIsToldThatTheServerShutsDown() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    CountDownLatch watching = new CountDownLatch(1);
    HealthGrpc.newStub(channel(server))
        .watch(
            HealthCheckRequest.getDefaultInstance(),
            new StreamObserver<>() {
              @Override
              public void onNext(HealthCheckResponse state) {
                watching.countDown();
              }

              @Override
              public void onError(Throwable error) {
                end.complete(error);
              }

              @Override
              public void onCompleted() {
                end.complete(new AssertionError("completed"));
              }
            });
    watching.await();
    server.close();
    assertThat(end.orTimeout(10, TimeUnit.SECONDS).join())
        .hasMessage("UNAVAILABLE: the server is shutting down");
  }

  private static MeshServer.Options draining(Duration drain) {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    return new MeshServer.Options(
        plain.host(),
        0,
        plain.maxMessageBytes(),
        plain.deadlineFloor(),
        drain,
        false,
        Optional.empty());
  }
}
