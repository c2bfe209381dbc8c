package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceImplBase;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import org.jboss.logmanager.ExtLogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a caller is told of a peer is one line, and does not say where the peer stands. */
class PeerFaultsTest {
  private static final String PIPELINE = "io exception\nChannel Pipeline: [one, two]";

  private static StatusRuntimeException failed(ManagedChannel channel, long withinMillis) {
    StatusRuntimeException thrown =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                RewardServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(withinMillis, TimeUnit.MILLISECONDS)
                    .score(ScoreRequest.getDefaultInstance()));
    assertThat(thrown).isNotNull();
    return thrown;
  }

  private static MeshException judged(StatusRuntimeException thrown) {
    return (MeshException) PeerFaults.translate(thrown, "reward-server");
  }

  private static ManagedChannel channel(int port) {
    return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
  }

  @Test
  void aPeerThatIsAwayIsRefusingToTheCallerAndHasAnAddressInTheLog() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    List<String> said = new CopyOnWriteArrayList<>();
    Logger logger = Logger.getLogger(PeerFaults.class.getName());
    Level usual = logger.getLevel();
    Handler handler = heard(said);
    logger.setLevel(Level.ALL);
    logger.addHandler(handler);
    ManagedChannel channel = channel(port);
    try {
      MeshException judged = judged(failed(channel, 30_000));

      assertThat(judged.fault()).isEqualTo(Fault.DEPENDENCY_DOWN);
      assertThat(judged).hasMessage("reward-server: connection refused");
      assertThat(said)
          .singleElement()
          .asString()
          .contains("reward-server: io exception", "127.0.0.1:" + port);
    } finally {
      channel.shutdownNow();
      logger.removeHandler(handler);
      logger.setLevel(usual);
    }
  }

  @Test
  void aPeerThatIsLateIsSaidToBeLateOnly() throws IOException {
    Server silent =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .addService(
                new RewardServiceImplBase() {
                  @Override
                  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {}
                })
            .build()
            .start();
    ManagedChannel channel = channel(silent.getPort());
    try {
      StatusRuntimeException thrown = failed(channel, 300);

      assertThat(judged(thrown).fault()).isEqualTo(Fault.DEPENDENCY_DOWN);
      assertThat(judged(thrown).getMessage())
          .matches("reward-server: .*deadline exceeded after [0-9.]+s");
    } finally {
      channel.shutdownNow();
      silent.shutdownNow();
    }
  }

  static Stream<Arguments> kinds() {
    return Stream.of(
        Arguments.of(
            new ConnectException("finishConnect(..) failed: Connection refused: /10.0.3.7:9100"),
            "connection refused"),
        Arguments.of(
            new ConnectException("connection timed out after 20000 ms: /10.0.3.7:9100"),
            "connection timed out"),
        Arguments.of(
            new ConnectException("Network is unreachable: /10.0.3.7:9100"),
            "network is unreachable"),
        Arguments.of(new ConnectException("/10.0.3.7:9100"), "no connection"),
        Arguments.of(new NoRouteToHostException("/10.0.3.7:9100"), "no route to its host"),
        Arguments.of(new UnknownHostException("reward.internal"), "its host is not known"),
        Arguments.of(
            new SSLHandshakeException("No name matching reward.internal found"), "TLS failed"),
        Arguments.of(new SocketException("Connection reset"), "connection broken off"),
        Arguments.of(new IOException("Broken pipe: /10.0.3.7:9100"), "connection broken off"),
        Arguments.of(
            new IllegalStateException("of /10.0.3.7:9100"), "io exception, IllegalStateException"));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theKindOfFailureIsTold(Exception cause, String words) {
    assertThat(
            judged(
                Status.UNAVAILABLE
                    .withDescription(PIPELINE)
                    .withCause(new IOException("outer: /10.0.3.7:9100", cause))
                    .asRuntimeException()))
        .hasMessage("reward-server: " + words);
  }

  @Test
  void whatAPeerSaysOfItselfIsItsFirstLine() {
    assertThat(judged(Status.NOT_FOUND.withDescription("no model x\nat y").asRuntimeException()))
        .hasMessage("reward-server: no model x");
    assertThat(judged(Status.INTERNAL.asRuntimeException())).hasMessage("reward-server: INTERNAL");
    assertThat(
            judged(
                Status.DEADLINE_EXCEEDED
                    .withDescription(
                        "CallOptions deadline exceeded after 0.299s. Name resolution delay 0.001"
                            + " seconds. [closed=[], open=[[remote_addr=/10.0.3.7:9100]]]")
                    .asRuntimeException()))
        .hasMessage("reward-server: CallOptions deadline exceeded after 0.299s");
  }

  private static Handler heard(List<String> said) {
    return new Handler() {
      @Override
      public void publish(LogRecord entry) {
        StringBuilder all =
            new StringBuilder(
                entry instanceof ExtLogRecord formatted
                    ? formatted.getFormattedMessage()
                    : entry.getMessage());
        for (Throwable cause = entry.getThrown(); cause != null; cause = cause.getCause()) {
          all.append(' ').append(cause.getMessage());
        }
        said.add(all.toString());
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    };
  }
}
