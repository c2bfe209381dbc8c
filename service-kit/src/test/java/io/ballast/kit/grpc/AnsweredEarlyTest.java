package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.Identities;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.netty.handler.codec.http2.Http2Error;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A call that is answered before its request has come whole leaves nothing on its connection. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class AnsweredEarlyTest extends MeshServerCase {
  private static final int LONG = 8 << 20;
  private static final int AT_ONCE = 3;
  private static final int MOST_RESETS = 20;
  private static final int CALL = 1;
  private static final String TOKEN = "a-token-that-is-long-enough";
  private static final byte[] WHOLE = new byte[5]; // an empty message, behind its prefix
  private static final byte[] TOO_LONG = {0, 127, 0, 0, 0, 1};
  private static final byte[] BEGUN = {0, 0, 0, 1, 0, 1}; // one byte of 256

  private static ConnectionLimits limits() {
    return new ConnectionLimits(
        16,
        16,
        16 << 10,
        AT_ONCE,
        MOST_RESETS,
        Duration.ofSeconds(20),
        Optional.empty(),
        Duration.ofMinutes(10));
  }

  private MeshServer secured() {
    return start(limits(), Identities.token(TOKEN));
  }

  private static void assertAnswered(RawClient.Frame answer) {
    assertThat(answer.type()).isEqualTo(RawClient.HEADERS);
    assertThat(answer.flags() & RawClient.END_STREAM).isNotZero();
  }

  private static void assertEnded(RawClient.Frame end) {
    assertThat(end.type()).isEqualTo(RawClient.RST_STREAM);
    assertThat(end.payload().getInt(0)).isEqualTo((int) Http2Error.NO_ERROR.code());
  }

  @Test
  void whatIsOnItsWayOfARefusedRequestIsLetComeAndThenItIsEnded() throws Exception {
    try (RawClient client = new RawClient(secured())) {
      client.call(CALL).add(RawClient.DATA, 0, CALL, BEGUN).send();
      assertAnswered(client.nextOf(CALL));

      for (int i = 0; i <= MOST_RESETS; i++) {
        client.add(RawClient.DATA, 0, CALL, new byte[1]);
      }
      client.ping(1).send();
      assertThat(client.untilAnswered(1))
          .as("nothing, and it does not go away")
          .extracting(RawClient.Frame::type)
          .containsExactly(RawClient.PING);

      assertEnded(client.nextOf(CALL));
    }
  }

  @Test
  void aWholeRequestIsAnsweredAndThatIsAll() throws Exception {
    try (RawClient client = new RawClient(secured())) {
      client.call(CALL).add(RawClient.DATA, RawClient.END_STREAM, CALL, WHOLE).send();
      assertAnswered(client.nextOf(CALL));
      client.call(CALL + 2).add(RawClient.DATA, 0, CALL + 2, BEGUN).send();
      assertAnswered(client.nextOf(CALL + 2));

      RawClient.Frame next = client.next();
      assertThat(next.stream()).as("whose end comes").isEqualTo(CALL + 2);
      assertEnded(next);
    }
  }

  @Test
  void aMessageThatIsTooLongIsAnsweredAndEnded() throws Exception {
    try (RawClient client = new RawClient(start(limits()))) {
      client.call(CALL).add(RawClient.DATA, 0, CALL, TOO_LONG).send();

      assertAnswered(client.nextOf(CALL));
      assertEnded(client.nextOf(CALL));
    }
  }

  @Test
  void longRequestsThatWereRefusedTakeNoPlaceOfOthers() throws Exception {
    ManagedChannel channel = channel(secured());
    ScoreRequest request =
        ScoreRequest.newBuilder()
            .setRewardModel(ModelSelector.newBuilder().setModel("m".repeat(LONG)))
            .build();
    List<Future<ScoreResponse>> refused = new ArrayList<>();
    for (int i = 0; i < 2 * AT_ONCE; i++) { // handed over whole before there is a connection
      refused.add(RewardServiceGrpc.newFutureStub(channel).score(request));
    }

    for (Future<ScoreResponse> each : refused) {
      assertThat(each)
          .failsWithin(Duration.ofSeconds(20))
          .withThrowableOfType(ExecutionException.class)
          .havingCause()
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED));
    }
    Metadata shown = new Metadata();
    shown.put(ServerEdge.AUTHORIZATION, "Bearer " + TOKEN);
    for (int i = 0; i < AT_ONCE; i++) {
      assertThat(
              RewardServiceGrpc.newBlockingStub(channel)
                  .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(shown))
                  .withDeadlineAfter(20, TimeUnit.SECONDS)
                  .score(request))
          .isEqualTo(ScoreResponse.getDefaultInstance());
    }
  }
}
