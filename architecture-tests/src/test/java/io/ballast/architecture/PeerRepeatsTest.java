package io.ballast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.kit.security.RpcAccess;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What servers ask of each other again, or of two replicas at a time, changes nothing. */
class PeerRepeatsTest {
  /** They work a model, or wait: two replicas would do all of it twice. */
  private static final List<String> DEAR =
      List.of(
          "ballast.policy.v1.PolicyService/Suggest",
          "ballast.policy.v1.PolicyService/SuggestStream",
          "ballast.policy.v1.PolicyService/Sample",
          "ballast.policy.v1.PolicyService/LogProbs",
          "ballast.reward.v1.RewardService/Score",
          "ballast.reward.v1.RewardService/ScoreStream",
          "ballast.reward.v1.RewardService/Compare",
          "ballast.reward.v1.RewardService/EstimateBestOfN",
          "ballast.safety.v1.SafetyService/Cost",
          "ballast.safety.v1.SafetyService/GetSafetyTest",
          "ballast.safety.v1.SafetyService/ReplayCertificate",
          "ballast.safety.v1.DisplayGateService/DecideGeneration",
          "ballast.safety.v1.DisplayGateService/DecideDisplay");

  private static final Map<String, ?> CONFIG = withHedges().serviceConfig();

  @Test
  void itIsWhatTheProtosSayHasNoSideEffects() {
    assertThat(named("retryPolicy")).isNotEmpty();
    assertThat(named("hedgingPolicy")).isNotEmpty();
    assertThat(Stream.concat(named("retryPolicy"), named("hedgingPolicy")))
        .as("each once: RPCs that lack the option, and RPCs that have it and no policy")
        .containsExactlyInAnyOrderElementsOf(withoutSideEffects());
  }

  @Test
  void ofTwoReplicasOnlyCheapReadsAreAsked() {
    assertThat(RpcAccess.rows().keySet()).containsAll(DEAR);
    assertThat(named("hedgingPolicy"))
        .allMatch(rpc -> rpc.matches(".*/(Get|List)\\w+"))
        .doesNotContainAnyElementsOf(DEAR);
  }

  private static PeerSettings withHedges() {
    PeerSettings usual = PeerSettings.defaults();
    return new PeerSettings(
        usual.callTimeout(),
        usual.maxInFlight(),
        usual.failureRatePercent(),
        usual.slidingWindowCalls(),
        usual.openDuration(),
        usual.maxMessageBytes(),
        usual.answerReserve(),
        new BalancingSettings(
            Optional.of(Duration.ofMillis(20)),
            Duration.ZERO,
            Duration.ofSeconds(1),
            Duration.ZERO));
  }

  /** The full names of the RPCs that have this policy. */
  private static Stream<String> named(String policy) {
    return maps(CONFIG.get("methodConfig"))
        .filter(config -> config.containsKey(policy))
        .flatMap(config -> maps(config.get("name")))
        .flatMap(PeerRepeatsTest::rpcs);
  }

  /** All RPCs of a service where no method is named. */
  private static Stream<String> rpcs(Map<?, ?> name) {
    String service = name.get("service") + "/";
    Object method = name.get("method");
    return method == null
        ? RpcAccess.rows().keySet().stream().filter(rpc -> rpc.startsWith(service))
        : Stream.of(service + method);
  }

  private static Stream<Map<?, ?>> maps(Object list) {
    return ((List<?>) list).stream().<Map<?, ?>>map(each -> (Map<?, ?>) each);
  }

  private static List<String> withoutSideEffects() {
    return UnimplementedTest.bases().stream()
        .flatMap(base -> UnimplementedTest.service(base).getMethods().stream())
        .filter(PeerRepeatsTest::hasNoSideEffects)
        .map(MethodDescriptor::getFullMethodName)
        .toList();
  }

  private static boolean hasNoSideEffects(MethodDescriptor<?, ?> method) {
    return method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier proto
        && proto.getMethodDescriptor().getOptions().getIdempotencyLevel()
            == IdempotencyLevel.NO_SIDE_EFFECTS;
  }
}
