package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.CanaryArm;
import io.ballast.safety.testing.FakeCanaries;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.StartSafetyTestRequest;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/**
 * Canaries of the version "a" beside "b", by a certificate with τ 0.3 of java-cost 2, to which
 * completions cost {@code HARMLESS} or, with an H, {@code HARMFUL}; α is 0.05.
 */
abstract class CanaryCase {
  static final CanaryArm CANARY = CanaryArm.CANARY_ARM_CANARY;
  static final CanaryArm CONTROL = CanaryArm.CANARY_ARM_CONTROL;

  final TestSafety mesh;
  final FakeCanaries canaries;

  CanaryCase(Map<String, String> properties) {
    mesh = TestSafety.start(properties);
    canaries = mesh.policy.canaries;
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  /** Begins a canary as a promotion does, and returns the alias's revision since. */
  long begin() {
    return begin(BoundMethod.BOUND_METHOD_STUDENT_T);
  }

  long begin(BoundMethod method) {
    StartSafetyTestRequest.Builder request = testOf(prompts(30));
    request
        .getSpecBuilder()
        .setBase(FakePolicyServer.candidate("b"))
        .setAlias("serving")
        .setBoundMethod(method);
    String certificate = mesh.run(request.build()).getCertificateId();
    assertThat(certificate).isNotEmpty();
    var unused =
        mesh.safety()
            .redeemCertificate(
                RedeemCertificateRequest.newBuilder()
                    .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey("begin"))
                    .setCertificateId(certificate)
                    .setAlias("serving")
                    .setCandidate(pinned("a"))
                    .setCandidateFolderSha256(FakePolicyServer.folder("a"))
                    .setBase(pinned("b"))
                    .setAliasRevision(1)
                    .build());
    return canaries.begin("a", certificate);
  }

  private static ModelVersion pinned(String version) {
    return FakePolicyServer.candidate(version).toBuilder()
        .setWeightsSha256(version.repeat(64))
        .build();
  }

  /** So many decisions of the canary that nobody answers. */
  void show(int count, String text) {
    for (int i = 0; i < count; i++) {
      canaries.shown(CANARY, text, null);
    }
  }

  /** So many pairs of answers, the control's first. */
  void answer(int pairs, boolean control, boolean canary) {
    for (int i = 0; i < pairs; i++) {
      canaries.shown(CONTROL, "= 1;", control);
      canaries.shown(CANARY, "= 1;", canary);
    }
  }

  void advance(Duration duration) {
    canaries.clock.advance(duration);
    mesh.clock.advance(duration);
  }

  CanaryWatch look() {
    return look(mesh);
  }

  /** Looks by one of several servers, and returns what is known of the newest canary then. */
  CanaryWatch look(TestSafety server) {
    server.lookAtCanaries();
    return watch(server);
  }

  CanaryWatch watch(TestSafety server) {
    return server
        .safety()
        .listCanaryWatches(ListCanaryWatchesRequest.getDefaultInstance())
        .getWatches(0);
  }

  double counted(String metric, String... tags) {
    return mesh.meters.get(metric).tags(tags).counter().count();
  }

  double unwatched() {
    return unwatched(mesh);
  }

  double unwatched(TestSafety server) {
    return server.meters.get("ballast.safety.canary.unwatched").gauge().value();
  }

  double unasked() {
    return mesh.meters.get("ballast.safety.canary.unasked").gauge().value();
  }
}
