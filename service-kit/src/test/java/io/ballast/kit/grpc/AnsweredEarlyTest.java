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
  private static final int CALL = 1;
  private static final String TOKEN = "a-token-that-is-long-enough";
  private static final byte[] WHOLE = new byte[5]; // an empty message, behind its prefix
  private static final byte[] BEGUN = {0, 0, 0, 1, 0, 1}; // one byte of 256

  private MeshServer secured() {
    return start(
        new ConnectionLimits(
            16,
            16,
            16 << 10,
            AT_ONCE,
            20_000,
            Duration.ofSeconds(20),
            Optional.empty(),
            Duration.ofMinutes(10)),
        Identities.token(TOKEN));
  }

  private static List<RawClient.Frame> of(int stream, List<RawClient.Frame> frames) {
    return frames.stream().filter(frame -> frame.stream() == stream).toList();
  }

  @Test
  void whatIsLeftOfARequestThatWasRefusedIsWantedNoMore() throws Exception {
    try (RawClient client = new RawClient(secured())) {
      client.call(CALL).add(RawClient.DATA, 0, CALL, BEGUN).ping(1).send();
      List<RawClient.Frame> said = new ArrayList<>(client.untilAnswered(1));
      client.ping(2).send(); // its end may have come behind the first answer
      said.addAll(client.untilAnswered(2));

      List<RawClient.Frame> answer = of(CALL, said);
      assertThat(answer)
          .extracting(RawClient.Frame::type)
          .containsExactly(RawClient.HEADERS, RawClient.RST_STREAM);
      assertThat(answer.getFirst().flags() & RawClient.END_STREAM).isNotZero();
      assertThat(answer.getLast().payload().getInt(0)).isEqualTo((int) Http2Error.NO_ERROR.code());
    }
  }

  @Test
  void aWholeRequestIsAnsweredAndThatIsAll() throws Exception {
    try (RawClient client = new RawClient(secured())) {
      client.call(CALL).add(RawClient.DATA, RawClient.END_STREAM, CALL, WHOLE).ping(1).send();
      List<RawClient.Frame> said = new ArrayList<>(client.untilAnswered(1));
      client.ping(2).send();
      said.addAll(client.untilAnswered(2));

      assertThat(of(CALL, said))
          .extracting(RawClient.Frame::type)
          .containsExactly(RawClient.HEADERS);
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
