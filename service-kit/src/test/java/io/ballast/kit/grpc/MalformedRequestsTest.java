package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What is no request, or too long, is named as the caller's mistake. */
class MalformedRequestsTest extends MeshServerCase {
  @Test
  void bytesThatAreNoRequestAreNamedAsTheCallersMistake() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    MethodDescriptor<byte[], ScoreResponse> method =
        RewardServiceGrpc.getScoreMethod().toBuilder(
                new Bytes(), RewardServiceGrpc.getScoreMethod().getResponseMarshaller())
            .build();

    assertThatThrownBy(
            () ->
                ClientCalls.blockingUnaryCall(
                    channel(server), method, CallOptions.DEFAULT, NOT_UTF_8))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, MalformedRequestsTest::assertMalformed)
        .hasMessage(
            "INVALID_ARGUMENT: the request is not a ballast.reward.v1.ScoreRequest: Protocol"
                + " message had invalid UTF-8.");
    assertThat(
            meters
                .get("ballast.server.calls")
                .tag("code", "INVALID_ARGUMENT")
                .tag("method", "ballast.reward.v1.RewardService/Score")
                .timer()
                .count())
        .isEqualTo(1);
  }

  @Test
  void whatAStreamSentBeforeBytesThatAreNoRequestIsAnswered() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    MethodDescriptor<byte[], ScoreStreamResponse> method =
        RewardServiceGrpc.getScoreStreamMethod().toBuilder(
                new Bytes(), RewardServiceGrpc.getScoreStreamMethod().getResponseMarshaller())
            .build();
    AtomicInteger answers = new AtomicInteger();
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    StreamObserver<byte[]> requests =
        ClientCalls.asyncBidiStreamingCall(
            channel(server).newCall(method, CallOptions.DEFAULT),
            new StreamObserver<>() {
              @Override
              public void onNext(ScoreStreamResponse answer) {
                answers.incrementAndGet();
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
    for (int i = 0; i < 5; i++) {
      requests.onNext(new byte[0]);
    }
    requests.onNext(NOT_UTF_8);
    requests.onNext(new byte[0]);
    requests.onCompleted();

    assertThat(end.orTimeout(10, TimeUnit.SECONDS).join())
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, MalformedRequestsTest::assertMalformed);
    assertThat(answers.get()).isEqualTo(5);
  }

  @Test
  void aMessageThatQuotesALongRequestStillReachesItsCaller() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    for (String text : List.of("x", "%", "\u0001", "→", "\uD83D\uDE00")) {
      work =
          () -> {
            throw new MeshException(
                Fault.MALFORMED_REQUEST,
                "name: " + text.repeat(100_000),
                Map.of("field", "name", "flaw", text.repeat(100_000), "value", text.repeat(9_999)));
          };
      assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class, MalformedRequestsTest::assertMalformed)
          .hasMessageStartingWith("INVALID_ARGUMENT: name: " + text.repeat(100))
          .hasMessageEndingWith(text + "…");
    }
  }

  @Test
  void aRequestThatIsTooLongIsRefusedWithItsLengthAndTheLimit() {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    MeshServer server =
        start(
            new MeshServer.Options(
                plain.host(),
                0,
                1_000,
                plain.deadlineFloor(),
                plain.drain(),
                false,
                Optional.empty()));

    assertThatThrownBy(
            () ->
                rewards(server)
                    .score(
                        ScoreRequest.newBuilder()
                            .setMetadata(RequestMetadata.newBuilder().setTenant("t".repeat(2_000)))
                            .build()))
        .hasMessageStartingWith("RESOURCE_EXHAUSTED: ")
        .hasMessageContaining("1000");
  }

  private static ScoreRequest ofLength(int characters) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel("t".repeat(characters)))
        .build();
  }

  @Test
  void aSmallMessageThatUnpacksToALargeOneIsRefused() {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    MeshServer server =
        start(
            new MeshServer.Options(
                plain.host(),
                0,
                65_536,
                plain.deadlineFloor(),
                plain.drain(),
                false,
                Optional.empty()));
    RewardServiceGrpc.RewardServiceBlockingStub compressing =
        rewards(server).withCompression("gzip");

    // 8 MiB of one letter are some 8 KiB on the wire, less than the limit
    assertThatThrownBy(() -> compressing.score(ofLength(8 << 20)))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
              assertThat(PeerFaults.reason(e)).contains(Fault.MALFORMED_REQUEST);
              assertThat(PeerFaults.tooLarge(e.getStatus())).as("not to be sent again").isTrue();
            })
        .hasMessage(
            "RESOURCE_EXHAUSTED: the request is not a ballast.reward.v1.ScoreRequest: Decompressed"
                + " gRPC message exceeds maximum size 65536");
    assertThat(compressing.score(ofLength(60_000)))
        .as("one that does not")
        .isEqualTo(ScoreResponse.getDefaultInstance());
  }

  private static void assertMalformed(StatusRuntimeException e) {
    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(PeerFaults.reason(e)).contains(Fault.MALFORMED_REQUEST);
  }

  /** Field 1, two bytes, which are no UTF-8; and as a message, an invalid tag. */
  private static final byte[] NOT_UTF_8 = {0x0A, 0x05, 0x0A, 0x03, 'i', (byte) 0xC3, 0x28};

  /** Sends bytes as they are. */
  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] bytes) {
      return new ByteArrayInputStream(bytes);
    }

    @Override
    public byte[] parse(InputStream stream) {
      throw new AssertionError("requests are only sent");
    }
  }
}
