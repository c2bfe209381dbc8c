package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.CanaryPlan;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.CanaryVerdict;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.CanaryWatchState;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * A certified version of the built mesh serves a part of the tenants, does more harm than the
 * operator allows a canary, and is gone again without anybody's hand.
 */
@Timeout(value = 300, threadMode = ThreadMode.SEPARATE_THREAD)
class CanaryIT {
  private static final String MODEL = "java-tiny";
  private static final int MOST_SUGGESTIONS = 3_000;

  /** Statements that are cut off are harm to the judge, and eight tokens cut most of them off. */
  private static final Map<String, String> STRICT =
      Map.of(
          "ballast.safety.canary.cost-limit", "0.05",
          "ballast.safety.canary.interval", "PT0.2S",
          "ballast.policy.alias-refresh", "PT0.1S");

  @TempDir private Path data = Path.of(".");

  @Test
  void aCanaryThatBreaksItsLimitIsRolledBack() throws IOException {
    copy(
        BuiltMesh.home().resolve("models/java-tiny/1"),
        data.resolve("models").resolve(MODEL).resolve("2"));
    try (BuiltMesh mesh = BuiltMesh.start(data, STRICT)) {
      VersionServiceBlockingStub versions = VersionServiceGrpc.newBlockingStub(mesh.channel());
      SafetyServiceBlockingStub safety = SafetyServiceGrpc.newBlockingStub(mesh.channel());
      var registered =
          versions.registerVersion(
              RegisterVersionRequest.newBuilder().setModel(MODEL).setVersion("2").build());
      assertThat(registered.getVersion().getVersion().getVersion()).isEqualTo("2");
      promote(versions, certified(safety));

      PolicyServiceBlockingStub policy = PolicyServiceGrpc.newBlockingStub(mesh.channel());
      int suggested = 0;
      while (alias(versions).hasCanary() && suggested < MOST_SUGGESTIONS) {
        var unused = policy.suggest(suggestion(suggested++));
      }

      PolicyAlias alias = alias(versions);
      AliasMove move = alias.getMoves(0);
      assertThat(move.getKind())
          .as("after %d suggestions", suggested)
          .isEqualTo("canary_roll_back");
      assertThat(alias.getVersion()).isEqualTo("1");
      assertThat(move.getCanaryVersion()).isEqualTo("2");
      assertThat(move.getReason()).startsWith("the canary's mean cost is over the limit 0.0500 ");
      assertThat(move.getCanaryNumbers().getCanaryDecisionsCount()).isPositive();
      assertThat(move.getCanaryNumbers().getCanaryMeanCost()).isGreaterThan(0.05);
      assertThat(move.getCanaryNumbers().getAlpha()).isEqualTo(0.05);

      CanaryWatch watch = watch(safety);
      while (!watch.hasEndTime()) { // its row follows the move by one round trip
        watch = watch(safety);
      }
      assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
      assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_COST_OVER_LIMIT);
      assertThat(watch.getReason()).isEqualTo(move.getReason());
      assertThat(watch.getCost().getCount())
          .isEqualTo(move.getCanaryNumbers().getCanaryDecisionsCount())
          .isLessThan(suggested);
      assertThat(policy.suggest(suggestion(suggested)).getPolicyVersion().getVersion())
          .isEqualTo("1");
      assertThat(mesh.http("/q/metrics"))
          .contains("ballast_safety_canary_roll_backs_total{")
          .contains("verdict=\"cost_over_limit\"");
    }
  }

  /** A certificate for version 2 in place of 1, by a judge that it was not optimised against. */
  private static String certified(SafetyServiceBlockingStub safety) {
    SafetyTestSpec.Builder spec =
        SafetyTestSpec.newBuilder()
            .setCandidate(version("2"))
            .setBase(version("1"))
            .setAlias("serving")
            .setCostModel(ModelSelector.newBuilder().setModel("java-cost").setVersion("2"))
            .setThreshold(0.95)
            .setDelta(0.1)
            .setBoundMethod(BoundMethod.BOUND_METHOD_BETTING)
            .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(24).addStopStrings("\n"));
    for (int i = 0; i < 40; i++) {
      spec.addPrompts("int held%d = ".formatted(i));
    }
    SafetyTest started =
        safety.startSafetyTest(StartSafetyTestRequest.newBuilder().setSpec(spec).build()).getTest();
    SafetyTest ended =
        safety
            .withDeadlineAfter(120, TimeUnit.SECONDS)
            .getSafetyTest(
                GetSafetyTestRequest.newBuilder()
                    .setTestId(started.getTestId())
                    .setWait(true)
                    .build())
            .getTest();
    assertThat(ended.getState())
        .as("%s", ended)
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    return ended.getCertificateId();
  }

  private static ModelVersion version(String version) {
    return ModelVersion.newBuilder().setModel(MODEL).setVersion(version).build();
  }

  private static void promote(VersionServiceBlockingStub versions, String certificate) {
    PolicyAlias alias =
        versions
            .promoteAlias(
                PromoteAliasRequest.newBuilder()
                    .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey("canary"))
                    .setExpectedVersion("1")
                    .setNewVersion("2")
                    .setCertificateId(certificate)
                    .setCanary(CanaryPlan.newBuilder().setShare(0.5))
                    .build())
            .getAlias();
    assertThat(alias.getVersion()).isEqualTo("1");
    assertThat(alias.getCanary().getVersion()).isEqualTo("2");
  }

  /** Each of a tenant of its own, so that about half of them are the canary's. */
  private static SuggestRequest suggestion(int number) {
    return SuggestRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setTenant("tenant-" + number))
        .setPrompt("    for (int i = 0; i < list.size(); i++) {\n      int a" + number + " = ")
        .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(8).setSeed(number))
        .setGateMode(GateMode.GATE_MODE_OFF)
        .build();
  }

  private static PolicyAlias alias(VersionServiceBlockingStub versions) {
    return versions.listAliases(ListAliasesRequest.getDefaultInstance()).getAliasesList().stream()
        .filter(each -> each.getAlias().equals("serving"))
        .findFirst()
        .orElseThrow();
  }

  private static CanaryWatch watch(SafetyServiceBlockingStub safety) {
    return safety.listCanaryWatches(ListCanaryWatchesRequest.getDefaultInstance()).getWatches(0);
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }
}
