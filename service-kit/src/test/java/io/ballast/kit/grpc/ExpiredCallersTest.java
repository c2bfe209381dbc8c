package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.Identities;
import io.ballast.kit.security.IdentitySettings;
import io.ballast.kit.security.Known;
import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Principal.Proof;
import io.ballast.kit.security.Right;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a call whose caller showed what has expired since. */
class ExpiredCallersTest {
  private static final Instant EXPIRES = Instant.parse("2026-01-01T00:01:00Z");
  private static final Known TRAINER =
      new Known(
          new Principal("someone", Optional.of("a"), Set.of(Right.TRAINER), Proof.JWT), EXPIRES);

  private final AtomicReference<Instant> now = new AtomicReference<>(EXPIRES.minusMillis(1));
  private final RefusedCalls refused = new RefusedCalls(() -> 0);
  private final OpenConnections connections =
      new OpenConnections(ConnectionLimits.usual(), refused, new SimpleMeterRegistry());
  private final ExpiringStreams streams =
      new ExpiringStreams(
          Identities.of(
              new IdentitySettings(Optional.of("token"), Map.of(), Optional.empty(), "secret"),
              Optional.empty(),
              now::get),
          connections);

  /** A call of one type that keeps how it ended. */
  private static final class Ending extends ServerCall<ScoreRequest, ScoreResponse> {
    private final MethodDescriptor<ScoreRequest, ScoreResponse> method;
    @Nullable Status end;

    Ending(MethodType type) {
      method = RewardServiceGrpc.getScoreMethod().toBuilder().setType(type).build();
    }

    @Override
    public void request(int count) {}

    @Override
    public void sendHeaders(Metadata headers) {}

    @Override
    public void sendMessage(ScoreResponse message) {}

    @Override
    public void close(Status status, Metadata trailers) {
      end = status;
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public MethodDescriptor<ScoreRequest, ScoreResponse> getMethodDescriptor() {
      return method;
    }
  }

  @AfterEach
  void close() {
    streams.close();
    connections.close();
    refused.close();
  }

  @ParameterizedTest
  @CsvSource({
    "UNARY, 0",
    "CLIENT_STREAMING, 0",
    "SERVER_STREAMING, 1",
    "BIDI_STREAMING, 1",
  })
  void aCallThatHasOneAnswerIsLetFinishHoweverItsRequestsCome(MethodType type, int ended) {
    Ending call = new Ending(type);
    var unused =
        streams.open(TRAINER, call, new Metadata(), (_, _) -> new ServerCall.Listener<>() {});
    streams.look();
    assertThat(call.end).as("while it is good").isNull();
    assertThat(streams.size()).isEqualTo(ended);

    now.set(EXPIRES);
    streams.look();

    assertThat(Optional.ofNullable(call.end).map(Status::getCode))
        .isEqualTo(ended == 0 ? Optional.empty() : Optional.of(Status.Code.UNAUTHENTICATED));
    assertThat(streams.size()).isZero();
  }
}
