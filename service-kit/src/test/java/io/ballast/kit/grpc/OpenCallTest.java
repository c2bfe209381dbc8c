package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** A call that the server ends is over, whoever is still there to hear of it. */
class OpenCallTest {
  /** Its connection has gone: nothing can be sent. */
  private static final class Gone extends ServerCall<ScoreRequest, ScoreResponse> {
    @Override
    public void request(int count) {}

    @Override
    public void sendHeaders(Metadata headers) {}

    @Override
    public void sendMessage(ScoreResponse message) {}

    @Override
    public void close(Status status, Metadata trailers) {
      throw new RejectedExecutionException("event executor terminated");
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public MethodDescriptor<ScoreRequest, ScoreResponse> getMethodDescriptor() {
      return RewardServiceGrpc.getScoreMethod();
    }
  }

  @Test
  void aConnectionThatHasGoneKeepsNoCallAndNoWorkForIt() {
    Context.CancellableContext context = Context.ROOT.withCancellation();
    OpenCall<ScoreRequest, ScoreResponse> call = new OpenCall<>(new Gone(), context);
    MeshException why = new MeshException(Fault.DEPENDENCY_DOWN, "the server is shutting down");

    assertThat(call.end(why)).isTrue();
    assertThat(call.isCancelled()).isTrue();
    assertThat(call.end(why)).as("again").isFalse();
  }
}
