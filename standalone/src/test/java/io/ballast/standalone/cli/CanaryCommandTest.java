package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.safety.v1.CanaryMean;
import io.ballast.safety.v1.CanaryTerms;
import io.ballast.safety.v1.CanaryVerdict;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.CanaryWatchState;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** canary shows what is known of those under way, and with --all how others ended. */
class CanaryCommandTest {
  private static final Instant START = Instant.parse("2026-11-28T09:00:00Z");

  private final FakeMesh mesh = new FakeMesh();

  @AfterEach
  void close() {
    mesh.close();
  }

  private static CanaryMean mean(int count, double mean, double lower, double upper) {
    return CanaryMean.newBuilder()
        .setCount(count)
        .setMean(mean)
        .setLowerBound(lower)
        .setUpperBound(upper)
        .build();
  }

  private static CanaryWatch.Builder watch() {
    return CanaryWatch.newBuilder()
        .setModel("java-tiny")
        .setAlias("serving")
        .setCanaryVersion("3")
        .setControlVersion("2")
        .setShare(0.05)
        .setStartTime(Timestamps.of(START))
        .setReadTime(Timestamps.of(START.plusSeconds(60)))
        .setTerms(
            CanaryTerms.newBuilder()
                .setCostModel(ModelVersion.newBuilder().setModel("java-cost").setVersion("2"))
                .setCostLimit(0.25)
                .setAcceptMargin(0.05))
        .setState(CanaryWatchState.CANARY_WATCH_STATE_WATCHING)
        .setVerdict(CanaryVerdict.CANARY_VERDICT_UNDECIDED)
        .setCost(mean(1_200, 0.05125, 0.04, 0.0625))
        .setMissingCostsCount(2)
        .setCanaryAcceptRate(mean(0, 0, 0, 1))
        .setControlAcceptRate(mean(90, 0.5, 0.375, 0.625))
        .setAcceptShortfall(mean(0, 0, -1, 1));
  }

  @Test
  void oneThatIsUnderWayIsShownWithItsBounds() {
    mesh.canaries.add(watch().setTrouble("policy-server: away").build());
    Cli.Result shown = Cli.run(mesh, "canary");
    assertThat(shown.exit()).isZero();
    assertThat(shown.out().lines())
        .containsExactly(
            "java-tiny serving: 3 beside 2, 5.00 % since 2026-11-28T09:00:00Z",
            "                               count    mean    above   below",
            "cost by java-cost/2            1,200  0.0513   0.0400  0.0625  limit 0.2500, 2 missing count as 1",
            "accept rate, canary                0       –   0.0000  1.0000",
            "accept rate, control              90  0.5000   0.3750  0.6250",
            "control over canary, in pairs      0       –  -1.0000  1.0000  margin 0.0500",
            "WATCHING, UNDECIDED",
            "read 2026-11-28T09:01:00Z",
            "trouble: policy-server: away");
    assertThat(mesh.asked(ListCanaryWatchesRequest.class).getUnderWay()).isTrue();
  }

  @Test
  void oneThatEndedSaysByWhat() {
    mesh.canaries.add(
        watch()
            .setState(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK)
            .setVerdict(CanaryVerdict.CANARY_VERDICT_COST_OVER_LIMIT)
            .setReason("it costs too much")
            .setEndMove("canary_roll_back: it costs too much")
            .setEndTime(Timestamps.of(START.plusSeconds(90)))
            .build());
    Cli.Result shown = Cli.run(mesh, "canary", "--all", "--model", "java-tiny");
    assertThat(shown.out().lines())
        .endsWith(
            "ROLLED_BACK, COST_OVER_LIMIT: it costs too much",
            "ended 2026-11-28T09:01:30Z by canary_roll_back: it costs too much");
    ListCanaryWatchesRequest asked = mesh.asked(ListCanaryWatchesRequest.class);
    assertThat(asked.getUnderWay()).isFalse();
    assertThat(asked.getModel()).isEqualTo("java-tiny");
  }

  @Test
  void thereMayBeNone() {
    assertThat(Cli.run(mesh, "canary").out()).isEqualTo("no canary is under way\n");
    assertThat(Cli.run(mesh, "canary", "--all").out()).isEqualTo("no canary was ever watched\n");
    assertThat(Cli.run(mesh, "canary", "--json").json().path("watches")).isEmpty();
  }
}
