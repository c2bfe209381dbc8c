package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A server answers every call, whatever its service does. */
class MeshServerTest extends MeshServerCase {
  @Test
  void aThrownMistakeIsAnswered() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    work =
        () -> {
          throw new IllegalStateException("private");
        };
    assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
              assertThat(e.getMessage()).doesNotContain("private");
            });
    assertThat(
            meters
                .get("ballast.server.calls")
                .tag("code", "INTERNAL")
                .tag("method", "ballast.reward.v1.RewardService/Score")
                .timer()
                .count())
        .isEqualTo(1);
  }

  @Test
  void theAnswerCarriesTheRequestIdOfTheMetadata() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    AtomicReference<Metadata> trailers = new AtomicReference<>();
    var stub =
        RewardServiceGrpc.newBlockingStub(
            ClientInterceptors.intercept(
                channel(server),
                MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers)));
    stub.score(
        ScoreRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setRequestId("mine-1"))
            .build());
    assertThat(trailers.get().get(CallIdentity.HEADER)).isEqualTo("mine-1");
    stub.score(ScoreRequest.getDefaultInstance());
    assertThat(trailers.get().get(CallIdentity.HEADER)).isNotBlank().isNotEqualTo("mine-1");
  }

  @Test
  void moreCallsThanTheLimitAreRefusedAtOnce() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var stub = RewardServiceGrpc.newFutureStub(channel(server));
    var first = stub.score(ScoreRequest.getDefaultInstance());
    var second = stub.score(ScoreRequest.getDefaultInstance());
    inside.await();
    assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
        .hasMessageStartingWith("RESOURCE_EXHAUSTED: 2 calls are under way");
    release.countDown();
    assertThat(first.get()).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(second.get()).isEqualTo(ScoreResponse.getDefaultInstance());
  }

  @Test
  void aStreamOfRequestsIsAnsweredEachAndCompleted() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CompletableFuture<Integer> answers = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(channel(server))
            .scoreStream(
                new StreamObserver<>() {
                  private int count;

                  @Override
                  public void onNext(ScoreStreamResponse answer) {
                    count++;
                  }

                  @Override
                  public void onError(Throwable error) {
                    answers.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    answers.complete(count);
                  }
                });
    for (int i = 0; i < 20; i++) {
      requests.onNext(ScoreStreamRequest.getDefaultInstance());
    }
    requests.onCompleted();
    assertThat(answers.orTimeout(10, TimeUnit.SECONDS).join()).isEqualTo(20);
  }

  @Test
  void aServiceThatIsReadLenientlyIsStillListedByReflection() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CompletableFuture<String> found = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(channel(server))
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse answer) {
                    found.complete(answer.getMessageResponseCase().name());
                  }

                  @Override
                  public void onError(Throwable error) {
                    found.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(
        ServerReflectionRequest.newBuilder()
            .setFileContainingSymbol("ballast.reward.v1.RewardService")
            .build());
    assertThat(found.get(10, TimeUnit.SECONDS)).isEqualTo("FILE_DESCRIPTOR_RESPONSE");
    requests.onCompleted();
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aCallerThatLeftIsNoMistakeOfTheServer() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch left = new CountDownLatch(1);
    work =
        () -> {
          Context.current().addListener(gone -> left.countDown(), Runnable::run);
          inside.countDown();
          left.await();
          return ScoreResponse.getDefaultInstance();
        };
    Recorded grpcJava = Recorded.of("io.grpc.internal.ServerCallImpl");
    try {
      var call =
          RewardServiceGrpc.newFutureStub(channel(server)).score(ScoreRequest.getDefaultInstance());
      inside.await();
      call.cancel(true);

      // the call is over once it is counted
      while (meters.find("ballast.server.calls").timer() == null) {
        Thread.onSpinWait();
      }
      assertThat(meters.get("ballast.server.calls").timer().getId().getTag("code"))
          .isEqualTo("CANCELLED");
    } finally {
      grpcJava.stop();
    }
    assertThat(grpcJava.messages).isEmpty();
  }

  @Test
  void aPortInUseIsNamedWithTheMend() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    assertThatThrownBy(() -> start(MeshServer.Options.loopback(server.port())))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage(
            "port %d is in use; choose another with --port or stop what listens there"
                .formatted(server.port()));
  }

  @Test
  void aTokenIsDemandedWhereOneIsSet() {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    MeshServer server =
        start(
            new MeshServer.Options(
                plain.host(),
                0,
                plain.maxMessageBytes(),
                plain.deadlineFloor(),
                plain.drain(),
                false,
                Optional.of("s3cret")));
    assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNAUTHENTICATED");
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer s3cret");
    assertThat(
            rewards(server)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .score(ScoreRequest.getDefaultInstance()))
        .isEqualTo(ScoreResponse.getDefaultInstance());
  }
}
