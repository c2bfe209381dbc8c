package io.ballast.reward.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.Code;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.protobuf.StatusProto;
import org.junit.jupiter.api.Test;

/** When a client that was refused is told to come back. */
class ProblemTest {
  @Test
  void whatTheServiceKnowsOfWhenToComeBackIsToldInWholeSeconds() {
    assertThat(refused(4, 200_000_000).retryAfter()).isEqualTo("5");
    assertThat(refused(4, 0).retryAfter()).isEqualTo("4");
    assertThat(refused(0, 50_000_000).retryAfter()).as("no client comes at once").isEqualTo("1");
  }

  @Test
  void whereItKnowsNothingASecondIsTold() {
    Status full = Status.newBuilder().setCode(Code.RESOURCE_EXHAUSTED_VALUE).build();
    assertThat(Problem.of(StatusProto.toStatusRuntimeException(full), "query").retryAfter())
        .isEqualTo("1");
    assertThat(Problem.bodiesAtOnce(1).retryAfter()).isEqualTo("1");
  }

  private static Problem refused(long seconds, int nanos) {
    return Problem.of(
        StatusProto.toStatusRuntimeException(
            Status.newBuilder()
                .setCode(Code.RESOURCE_EXHAUSTED_VALUE)
                .addDetails(
                    Any.pack(
                        RetryInfo.newBuilder()
                            .setRetryDelay(
                                Duration.newBuilder().setSeconds(seconds).setNanos(nanos))
                            .build()))
                .build()),
        "query");
  }
}
