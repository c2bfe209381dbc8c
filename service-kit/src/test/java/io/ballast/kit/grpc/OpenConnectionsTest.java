package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.security.ConnectionLimits;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A server takes so many connections and watches of its health; those that it has go on. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class OpenConnectionsTest extends MeshServerCase {
  private static ConnectionLimits limits(int open, int watches) {
    return new ConnectionLimits(
        open,
        watches,
        16 << 10,
        4_096,
        20_000,
        Duration.ofSeconds(20),
        Optional.empty(),
        Duration.ofMinutes(10));
  }

  private double gauge(String name) {
    return meters.get(name).gauge().value();
  }

  private void await(String name, int value) {
    while (gauge(name) != value) {
      Thread.onSpinWait();
    }
  }

  private static ScoreResponse score(ManagedChannel channel) {
    return RewardServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .score(ScoreRequest.getDefaultInstance());
  }

  private static Iterator<HealthCheckResponse> watch(ManagedChannel channel) {
    return HealthGrpc.newBlockingStub(channel).watch(HealthCheckRequest.getDefaultInstance());
  }

  @Test
  void oneTooManyIsClosedAndTheOthersGoOn() throws Exception {
    MeshServer server = start(limits(2, 16));
    ManagedChannel first = channel(server);
    ManagedChannel second = channel(server);
    score(second);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var underWay = RewardServiceGrpc.newFutureStub(first).score(ScoreRequest.getDefaultInstance());
    inside.await();
    assertThat(gauge("ballast.connections.open")).isEqualTo(2);
    Recorded log = Recorded.of(RefusedCalls.LOGGER);

    try (Socket third = new Socket("127.0.0.1", server.port())) {
      assertThat(third.getInputStream().read()).as("closed without a byte").isEqualTo(-1);
    } finally {
      log.stop();
    }
    assertThat(log.messages)
        .containsExactly(
            "INFO reason=connections method=- tenant=- count=1 seconds=0 principal=-"
                + " from=127.0.0.1 request_id=- refused, the last: 2 connections are open, the"
                + " limit");
    assertThatThrownBy(() -> score(channel(server)))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    assertThat(meters.get("ballast.connections.refused").counter().count())
        .as("a channel may try again")
        .isGreaterThanOrEqualTo(2);
    assertThat(gauge("ballast.connections.open")).isEqualTo(2);

    release.countDown();
    assertThat(underWay.get()).isEqualTo(ScoreResponse.getDefaultInstance());
    work = ScoreResponse::getDefaultInstance;
    assertThat(score(first)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(score(second)).isEqualTo(ScoreResponse.getDefaultInstance());
  }

  @Test
  void oneThatLeavesMakesRoom() {
    MeshServer server = start(limits(1, 16));
    ManagedChannel first = channel(server);
    score(first);
    first.shutdownNow();
    await("ballast.connections.open", 0);

    assertThat(score(channel(server))).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(meters.get("ballast.connections.refused").counter().count()).isZero();
    assertThat(gauge("ballast.connections.limit")).isEqualTo(1);
  }

  @Test
  void aConnectionThatSaysNothingCountsToo() throws Exception {
    MeshServer server = start(limits(1, 16));
    try (Socket silent = new Socket("127.0.0.1", server.port())) {
      await("ballast.connections.open", 1);
      assertThatThrownBy(() -> score(channel(server))).hasMessageStartingWith("UNAVAILABLE");
      assertThat(silent.isConnected()).isTrue();
    }
    await("ballast.connections.open", 0);
  }

  @Test
  void aClientThatAnswersNoPingIsGone() throws Exception {
    MeshServer server =
        start(new MeshServer.KeepAlive(Duration.ofMillis(20), Duration.ofMillis(20)));
    try (Socket vanished = new Socket("127.0.0.1", server.port())) {
      try {
        OutputStream out = vanished.getOutputStream();
        out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        out.write(new byte[] {0, 0, 0, 4, 0, 0, 0, 0, 0}); // SETTINGS, with none in it
        out.flush();

        vanished.getInputStream().readAllBytes(); // pings among them; ends when the server closes
      } catch (SocketException e) {
        // on a busy machine it is closed before all of this is written, and is gone all the same
      }
      await("ballast.connections.open", 0);
    }
  }

  @Test
  void aClientThatAnswersPingsStaysHoweverLittleItAsks() {
    MeshServer server =
        start(new MeshServer.KeepAlive(Duration.ofMillis(1), Duration.ofSeconds(30)));
    Iterator<HealthCheckResponse> kept = watch(channel(server));
    assertThat(kept.next().getStatus()).isEqualTo(ServingStatus.SERVING);

    server.stopServing();
    assertThat(kept.next().getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
    assertThat(gauge("ballast.connections.open")).isEqualTo(1);
  }

  @Test
  void aStreamEndsWithItsConnectionsGrace() throws Exception {
    MeshServer server =
        start(
            new ConnectionLimits(
                16,
                16,
                16 << 10,
                4_096,
                20_000,
                Duration.ofSeconds(20),
                Optional.of(Duration.ofSeconds(1)), // gRPC's shortest
                Duration.ofMillis(1)));
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(channel(server))
            .scoreStream(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ScoreStreamResponse answer) {}

                  @Override
                  public void onError(Throwable error) {
                    end.complete(error);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(ScoreStreamRequest.getDefaultInstance());

    assertThat(end.get()).hasMessageStartingWith("UNAVAILABLE");
  }

  @Test
  void aCallOnOneThatIsMadeAnewHasTheGrace() {
    EmbeddedChannel connection =
        new EmbeddedChannel(
            new Http2ConnectionHandlerBuilder()
                .server(true)
                .frameListener(new Http2FrameAdapter())
                .build());
    connection.freezeTime();
    connection.writeInbound(
        Http2CodecUtil.connectionPrefaceBuf(),
        Unpooled.wrappedBuffer(new byte[] {0, 0, 0, 4, 0, 0, 0, 0, 0}), // SETTINGS, none in it
        Unpooled.wrappedBuffer( // HEADERS of call 1, GET https:/, which has no answer yet
            new byte[] {0, 0, 3, 1, 5, 0, 0, 0, 1, (byte) 0x82, (byte) 0x87, (byte) 0x84}));

    OpenConnections.end(connection, Duration.ofMinutes(10));

    connection.advanceTimeBy(599, TimeUnit.SECONDS);
    connection.runScheduledPendingTasks();
    assertThat(connection.isOpen()).as("while its call may still end").isTrue();
    connection.advanceTimeBy(1, TimeUnit.SECONDS);
    connection.runScheduledPendingTasks();
    assertThat(connection.isOpen()).isFalse();
    connection.finishAndReleaseAll();
  }

  @Test
  void oneWatchTooManyIsRefusedAndAnybodyMayAskOnce() {
    MeshServer server = start(limits(16, 3));
    ManagedChannel first = channel(server);
    ManagedChannel second = channel(server);
    Iterator<HealthCheckResponse> kept = watch(first);
    assertThat(kept.next().getStatus()).isEqualTo(ServingStatus.SERVING);
    assertThat(watch(second).next().getStatus()).isEqualTo(ServingStatus.SERVING);
    assertThat(gauge("ballast.health.watches")).isEqualTo(2);

    assertThatThrownBy(() -> watch(channel(server)).next())
        .hasMessage(
            "RESOURCE_EXHAUSTED: this address has 2 streams that watch health, and the room for 1"
                + " more is for others; ask by Check");
    assertThat(
            HealthGrpc.newBlockingStub(channel(server))
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);

    second.shutdownNow();
    await("ballast.health.watches", 1);
    assertThat(watch(channel(server)).next().getStatus()).isEqualTo(ServingStatus.SERVING);
    server.stopServing();
    assertThat(kept.next().getStatus()).as("of the first").isEqualTo(ServingStatus.NOT_SERVING);
  }

  @Test
  void oneConnectionDoesNotTakeTheWatchesOfAll() {
    MeshServer server = start(limits(16, 4_096));
    ManagedChannel greedy = channel(server);
    List<Iterator<HealthCheckResponse>> kept = new ArrayList<>();
    for (int i = 0; i < HealthWatches.MOST_OF_ONE; i++) {
      Iterator<HealthCheckResponse> one = watch(greedy);
      assertThat(one.next().getStatus()).isEqualTo(ServingStatus.SERVING);
      kept.add(one);
    }

    assertThatThrownBy(() -> watch(greedy).next())
        .hasMessage(
            "RESOURCE_EXHAUSTED: this connection has 32 streams that watch health, the limit; ask"
                + " by Check");
    assertThat(kept).hasSize(32);
    assertThat(watch(channel(server)).next().getStatus()).isEqualTo(ServingStatus.SERVING);
  }
}
