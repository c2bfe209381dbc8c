package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.ConnectionLimits;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import io.netty.handler.codec.http2.Http2Error;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A client that begins calls only to reset them is told to be calm, and nobody else is. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class ResetCallsTest extends MeshServerCase {
  private static final int MOST = 5;

  private static final ConnectionLimits FEW =
      new ConnectionLimits(
          16,
          16,
          16 << 10,
          4_096,
          MOST,
          Duration.ofSeconds(20),
          Optional.empty(),
          Duration.ofMinutes(10));

  @Test
  void oneResetTooManyEndsItsConnectionAndCallsOfAnotherGoOn() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    MeshServer server = start(FEW);
    ManagedChannel another = channel(server);
    var underWay =
        RewardServiceGrpc.newFutureStub(another).score(ScoreRequest.getDefaultInstance());
    inside.await();

    try (RawClient rapid = new RawClient(server)) {
      reset(rapid, MOST + 1).send();

      assertThat(rapid.goingAway())
          .as("its reason")
          .isEqualTo((int) Http2Error.ENHANCE_YOUR_CALM.code());
    }

    release.countDown();
    assertThat(underWay.get()).isEqualTo(ScoreResponse.getDefaultInstance());
  }

  @Test
  void asManyAsAreAllowedEndNothing() throws Exception {
    MeshServer server = start(FEW);

    try (RawClient client = new RawClient(server)) {
      reset(client, MOST).ping(1).send();

      assertThat(client.untilAnswered(1))
          .extracting(RawClient.Frame::type)
          .doesNotContain(RawClient.GOAWAY);
    }
  }

  /** So many calls that are begun and reset. */
  private static RawClient reset(RawClient client, int count) throws IOException {
    byte[] reason = ByteBuffer.allocate(4).putInt((int) Http2Error.CANCEL.code()).array();
    for (int i = 0; i < count; i++) {
      int stream = 2 * i + 1;
      client.call(stream).add(RawClient.RST_STREAM, 0, stream, reason);
    }
    return client;
  }
}
