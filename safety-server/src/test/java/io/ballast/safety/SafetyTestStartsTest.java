package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** One look is one look; and what cannot be tested so is refused before it begins. */
class SafetyTestStartsTest extends SafetyTestsCase {
  @Test
  void theSameKeyStartsOneTest() {
    StartSafetyTestRequest keyed =
        testOf(prompts(6))
            .setMetadata(RequestMetadata.newBuilder().setTenant("t").setIdempotencyKey("k"))
            .build();

    SafetyTest first = mesh.run(keyed);
    SafetyTest again = mesh.safety().startSafetyTest(keyed).getTest();

    assertThat(again).isEqualTo(first);
    assertRefused(
        () -> mesh.safety().startSafetyTest(spec(keyed.toBuilder(), s -> s.setThreshold(0.4))),
        Status.Code.INVALID_ARGUMENT,
        "metadata.idempotency_key: used for another safety test, " + first.getTestId());
  }

  @Test
  void aSecondLookIsRefusedEvenOverOnePromptAndOfAnotherCandidate() {
    SafetyTest first = mesh.run(testOf(prompts(6)).build());
    List<String> overlapping = new ArrayList<>(List.of("new one", "new two"));
    overlapping.add(prompts(6).get(3));

    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(overlapping).build()),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 1 of 3 were used before, in test " + first.getTestId());
    assertRefused(
        () ->
            mesh.safety()
                .startSafetyTest(
                    spec(
                        testOf(prompts(6)),
                        s -> s.setCandidate(FakePolicyServer.candidate("a-renamed")))),
        Status.Code.FAILED_PRECONDITION,
        "6 of 6");
    assertRefused(
        () ->
            mesh.safety()
                .startSafetyTest(
                    spec(testOf(prompts(6)), s -> s.setCandidate(FakePolicyServer.candidate("b")))),
        Status.Code.FAILED_PRECONDITION,
        "6 of 6 were used before, in test %s; one look, whatever the candidate"
            .formatted(first.getTestId()));
    // what was refused spent nothing
    assertThat(mesh.run(testOf(List.of("new one", "new two")).build()).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
  }

  @Test
  void everyTestHasASeedThatNobodyChose() {
    List<Long> seeds = new ArrayList<>();
    for (String version : List.of("a", "b")) {
      mesh.policy.samples.clear();
      SafetyTest test =
          mesh.run(
              spec(
                  testOf(List.of(version + " p", version + " q")),
                  s -> s.setCandidate(FakePolicyServer.candidate(version))));
      long seed = mesh.policy.samples.getFirst().getSampling().getSeed();
      assertThat(
              mesh.safety()
                  .getCertificate(
                      GetCertificateRequest.newBuilder()
                          .setCertificateId(test.getCertificateId())
                          .build())
                  .getCertificate()
                  .getSampling()
                  .getSeed())
          .isEqualTo(seed);
      seeds.add(seed);
    }
    assertThat(seeds).doesNotHaveDuplicates();
  }

  @Test
  void noSolutionFoundHasUsedItsLook() {
    assertThat(mesh.run(testOf(List.of("H1", "H2")).build()).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);

    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(List.of("H1", "H2")).build()),
        Status.Code.FAILED_PRECONDITION,
        "2 of 2 were used");
  }

  @Test
  void ofConcurrentStartsOnOnePromptOneWins() throws Exception {
    List<Callable<SafetyTest>> starts = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      List<String> prompts = new ArrayList<>(prompts(50));
      Collections.rotate(prompts, i * 5);
      prompts.add("own " + i);
      starts.add(() -> mesh.safety().startSafetyTest(testOf(prompts).build()).getTest());
    }
    int started = 0;
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (Future<SafetyTest> start : threads.invokeAll(starts)) {
        try {
          mesh.await(start.get().getTestId());
          started++;
        } catch (java.util.concurrent.ExecutionException e) {
          assertThat(Status.fromThrowable(e.getCause()).getCode())
              .isEqualTo(Status.Code.FAILED_PRECONDITION);
        }
      }
    }
    assertThat(started).isEqualTo(1);
  }

  @Test
  void ofConcurrentStartsUnderOneKeyOneTestComes() throws Exception {
    StartSafetyTestRequest keyed =
        testOf(prompts(20))
            .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey("k"))
            .build();
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      Callable<String> start = () -> mesh.safety().startSafetyTest(keyed).getTest().getTestId();
      List<String> ids = new ArrayList<>();
      for (Future<String> id : threads.invokeAll(Collections.nCopies(8, start))) {
        ids.add(id.get());
      }
      assertThat(ids).containsOnly(ids.getFirst());
      mesh.await(ids.getFirst());
    }
  }

  @Test
  void aModelWithoutABoundaryMayNotJudge() {
    assertRefused(
        () -> mesh.safety().startSafetyTest(judgedBy("ordered", "1")),
        Status.Code.FAILED_PRECONDITION,
        "spec.cost_model: ordered 1 has no boundary between safe and unsafe");
  }

  @Test
  void theModelThatTheRunOptimisedAgainstMayNotJudge() {
    assertRefused(
        () -> mesh.safety().startSafetyTest(judgedBy("java-cost", "1")),
        Status.Code.FAILED_PRECONDITION,
        "spec.cost_model: java-cost 1 is spec.optimised_cost_models[0]");
    // the same weights under another name
    assertRefused(
        () -> mesh.safety().startSafetyTest(judgedBy("copied", "9")),
        Status.Code.FAILED_PRECONDITION,
        "spec.cost_model: copied 9 is spec.optimised_cost_models[0]");
    // "serving" is java-cost 1 too
    assertRefused(
        () ->
            mesh.safety()
                .startSafetyTest(
                    spec(testOf(prompts(2)), s -> s.setCostModel(ModelSelector.newBuilder()))),
        Status.Code.FAILED_PRECONDITION,
        "java-cost 1");
  }

  @Test
  void anUnknownCandidateOrCostModelIsNotFound() {
    assertRefused(
        () ->
            mesh.safety()
                .startSafetyTest(
                    spec(
                        testOf(prompts(2)),
                        s -> s.setCandidate(FakePolicyServer.candidate("nobody")))),
        Status.Code.NOT_FOUND,
        "spec.candidate: the policy-server knows no version 'nobody' of java-tiny");
    assertRefused(
        () -> mesh.safety().startSafetyTest(judgedBy("java-cost", "7")),
        Status.Code.NOT_FOUND,
        "cost_model.version: '7'");
    assertRefused(
        () ->
            mesh.safety()
                .startSafetyTest(
                    spec(
                        testOf(prompts(2)),
                        s ->
                            s.setCandidate(
                                FakePolicyServer.candidate("a").toBuilder()
                                    .setWeightsSha256("b".repeat(64))))),
        Status.Code.FAILED_PRECONDITION,
        "the policy-server has " + "a".repeat(64));
  }

  @Test
  void wrongSpecsAreNamed() {
    assertMalformed(s -> s.clearPrompts(), "spec.prompts: 0 prompts (expected: 2 to 10,000)");
    assertMalformed(
        s -> s.clearPrompts().addAllPrompts(prompts(10_001)), "spec.prompts: 10,001 prompts");
    assertMalformed(s -> s.addPrompts(""), "spec.prompts[2]: empty");
    assertMalformed(s -> s.addPrompts("int x0 = "), "spec.prompts[2]: the same as spec.prompts[0]");
    assertMalformed(
        s -> s.addPrompts("x".repeat(65_537)), "spec.prompts[2]: 65,537 bytes, limit 65,536");
    for (double threshold : new double[] {-0.1, 1, 1.5, Double.NaN}) {
      assertMalformed(
          s -> s.setThreshold(threshold),
          "spec.threshold: " + threshold + " (expected: 0 to below 1)");
    }
    for (double delta : new double[] {0, 1, Double.NaN}) {
      assertMalformed(
          s -> s.setDelta(delta), "spec.delta: " + delta + " (expected: above 0, below 1)");
    }
    assertMalformed(
        s -> s.setBoundMethodValue(9), "spec.bound_method: 9 (expected: STUDENT_T, HOEFFDING, ");
    assertMalformed(s -> s.clearCandidate(), "spec.candidate.model: ''");
    assertMalformed(
        s -> s.setCandidate(FakePolicyServer.candidate("../a")), "spec.candidate.version: '../a'");
    assertMalformed(
        s -> s.setCandidate(FakePolicyServer.candidate("a").toBuilder().setWeightsSha256("abc")),
        "spec.candidate.weights_sha256: 3 characters");
    assertMalformed(
        s -> s.addOptimisedCostModels(ModelVersion.newBuilder().setModel("m")),
        "spec.optimised_cost_models[1].version: ''");
    assertMalformed(s -> s.setMaxPromptTokens(-1), "spec.max_prompt_tokens: -1");
    assertMalformed(
        s -> s.setSampling(SamplingOptions.newBuilder().setTemperature(11)),
        "spec.sampling.temperature: 11.0 (expected: 0, or 0.01 to 10)");
    assertMalformed(
        s -> s.setSampling(SamplingOptions.newBuilder().setMaxNewTokens(0)),
        "spec.sampling.max_new_tokens: 0");
    assertMalformed(
        s -> s.setSampling(SamplingOptions.newBuilder().setTopP(0)), "spec.sampling.top_p: 0");
    assertMalformed(
        s -> s.setSampling(SamplingOptions.newBuilder().setSeed(41)),
        "spec.sampling.seed: 41 (expected: none: the server draws it with the look)");
    assertMalformed(
        s -> s.setSampling(SamplingOptions.newBuilder().setRegex("a")),
        "spec.sampling.regex: not supported here");
    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(prompts(2)).setRunId("r".repeat(129)).build()),
        Status.Code.INVALID_ARGUMENT,
        "run_id: 129 characters");
  }

  @Test
  void aPolicyServerThatIsAwayRefusesTheStart() {
    mesh.policy.failures.set(1);

    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(prompts(2)).build()),
        Status.Code.UNAVAILABLE,
        "policy-server");
  }

  private void assertMalformed(UnaryOperator<SafetyTestSpec.Builder> change, String words) {
    assertRefused(
        () -> mesh.safety().startSafetyTest(spec(testOf(prompts(2)), change)),
        Status.Code.INVALID_ARGUMENT,
        words);
  }
}
