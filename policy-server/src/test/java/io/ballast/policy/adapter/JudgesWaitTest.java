package io.ballast.policy.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.Durations;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.resilience.LimitSettings;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.mesh.v1.Timing;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a suggestion waited at its judges is known to the limit of the server that asked them. */
class JudgesWaitTest {
  private static final LimitSettings LIMITS =
      new LimitSettings(
          16, 1, 16, Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(5));

  private final MeterRegistry meters = new SimpleMeterRegistry();

  @Test
  void theLongerWaitOfTheTwoCounts() {
    try (MeshServer judges = serve(List.of(new Rewards(), new Costs()))) {
      ManagedChannel toJudges = channel(judges);
      try (MeshServer policy = serve(List.of(new Policy(toJudges)))) {
        ManagedChannel toPolicy = channel(policy);
        try {
          var unused =
              PolicyServiceGrpc.newBlockingStub(toPolicy)
                  .suggest(SuggestRequest.getDefaultInstance());
        } finally {
          toPolicy.shutdownNow();
        }
      } finally {
        toJudges.shutdownNow();
      }
    }

    assertThat(
            meters
                .get("ballast.limit.wait")
                .tags("server", "policy", "lane", "interactive")
                .timer()
                .totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(70);
  }

  private MeshServer serve(List<BindableService> services) {
    return MeshServer.start(
        MeshServer.Options.loopback(0),
        EdgeSecurity.token(Optional.empty()),
        Optional.of(LIMITS),
        services,
        meters,
        OpenTelemetry.noop(),
        System::nanoTime);
  }

  private static ManagedChannel channel(MeshServer server) {
    return NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
  }

  private static Timing queued(long millis) {
    return Timing.newBuilder()
        .setQueueDuration(Durations.fromMillis(millis))
        .setInferDuration(Durations.fromMillis(900))
        .build();
  }

  private static final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      observer.onNext(ScoreResponse.newBuilder().setTiming(queued(30)).build());
      observer.onCompleted();
    }
  }

  private static final class Costs extends SafetyServiceGrpc.SafetyServiceImplBase {
    @Override
    public void cost(CostRequest request, StreamObserver<CostResponse> observer) {
      observer.onNext(CostResponse.newBuilder().setTiming(queued(70)).build());
      observer.onCompleted();
    }
  }

  /** Asks both judges about nothing. */
  private static final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    private static final Caller CALLER = new Caller("request", "tenant", Lane.INTERACTIVE, "");

    private final GrpcRewardOracle rewards;
    private final GrpcCostOracle costs;

    Policy(ManagedChannel judges) {
      rewards = new GrpcRewardOracle(judges, Duration.ofSeconds(10));
      costs = new GrpcCostOracle(judges, Duration.ofSeconds(10));
    }

    @Override
    public void suggest(SuggestRequest request, StreamObserver<SuggestResponse> observer) {
      rewards
          .score(CALLER, "a", List.of())
          .thenCombine(
              costs.judge(CALLER, "a", List.of()),
              (scored, judged) -> SuggestResponse.getDefaultInstance())
          .whenComplete(
              (answer, thrown) -> {
                if (thrown == null) {
                  observer.onNext(answer);
                  observer.onCompleted();
                } else {
                  observer.onError(thrown);
                }
              });
    }
  }
}
