package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.spec.SafetyTestSpec;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.NoSolutionReason;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** safety tests a version by hand, as strictly as a run does. */
class SafetyCommandTest {
  private static final String SPEC =
      """
      name: small
      prompts: {inline: ["a", "b", "c", "d"]}
      rollout: {prompts_per_iteration: 2}
      safety_test: {threshold: 0.3, prompts: {inline: ["e", "f"]}}
      """;

  @TempDir Path folder;

  private final FakeMesh mesh = new FakeMesh();
  private Path prompts = Path.of("");

  @BeforeEach
  void write() throws IOException {
    prompts =
        Files.writeString(
            folder.resolve("held-out.jsonl"),
            """
            {"prompt": "int a", "group": "A"}
            {"prompt": "int b", "group": "A"}
            {"prompt": "int c", "group": "C"}
            """);
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void oneThatPassesSaysItsCertificateAndHowToPromote() {
    mesh.looks.add(FakeSafety.begun().toBuilder().setJudgedCount(3).build());
    mesh.looks.add(passed());

    Cli.Result result = test("--optimised", "java-cost/1");

    assertThat(result.err()).isEmpty();
    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains(FakeMesh.TEST_ID + " of java-tiny/2 on 3 prompts, by java-cost/2")
        .contains("sampled and judged: 50 %", "sampled and judged: 100 %")
        .contains("passed: mean cost 0.0800, upper bound 0.0912 ≤ threshold 0.1200, δ = 0.05")
        .contains("1 of 1 at these 6 prompts, δ = 0.1; used up")
        .contains(FakeMesh.CERTIFICATE_ID + ", until 2")
        .contains(
            "./mesh models promote 2 --model java-tiny --alias serving --certificate "
                + FakeMesh.CERTIFICATE_ID);
  }

  @Test
  void itIsCountedInTheAccountOfTheRunThatMadeIt() {
    mesh.looks.add(passed());

    test("--optimised", "java-cost/1", "--optimised", "taste/7");

    StartSafetyTestRequest asked = mesh.asked(StartSafetyTestRequest.class);
    assertThat(asked.getRunId()).isEqualTo(FakeMesh.RUN_ID);
    assertThat(asked.getMetadata().getIdempotencyKey()).isNotEmpty();
    assertThat(asked.getSpec().getCandidate())
        .as("with its weights, so that no others are tested")
        .isEqualTo(FakeMesh.POLICY.toBuilder().setVersion("2").build());
    assertThat(asked.getSpec().getBase()).isEqualTo(version("java-tiny", "1"));
    assertThat(asked.getSpec().getAlias()).isEqualTo("serving");
    assertThat(asked.getSpec().getOptimisedCostModelsList())
        .containsExactly(version("java-cost", "1"), version("taste", "7"));
    assertThat(asked.getSpec().getPromptsList()).containsExactly("int a", "int b", "int c");
    assertThat(asked.getSpec().getGroupsList()).containsExactly("A", "A", "C");
  }

  @Test
  void whatIsNotSaidIsAsInTheSpecOfARun() {
    mesh.looks.add(passed());

    test("--optimised", "none");

    SafetyTestSpec ofRun = new SpecParser().apply(SPEC).safetyTest();
    var asked = mesh.asked(StartSafetyTestRequest.class).getSpec();
    assertThat(asked.getCostModel().getModel()).isEqualTo(ofRun.costModel().model());
    assertThat(asked.getCostModel().getVersion()).isEqualTo(ofRun.costModel().version());
    assertThat(asked.getThreshold()).isEqualTo(ofRun.threshold());
    assertThat(asked.getDelta()).isEqualTo(ofRun.delta());
    assertThat(asked.getBoundMethod().name()).isEqualTo("BOUND_METHOD_" + ofRun.bound().name());
    assertThat(asked.getReuse().name()).isEqualTo("REUSE_RULE_" + ofRun.reuse().name());
    assertThat(asked.getDrawCount()).isEqualTo(ofRun.drawCount());
    assertThat(asked.getSampling().getTemperature()).isEqualTo(ofRun.temperature());
    assertThat(asked.getSampling().getMaxNewTokens()).isEqualTo(ofRun.maxNewTokens());
    assertThat(asked.getSampling().getStopStringsList()).isEqualTo(ofRun.stopStrings());
    assertThat(asked.getMaxPromptTokens()).isEqualTo(ofRun.maxPromptTokens());
    assertThat(asked.getSameCostModel()).isEqualTo(ofRun.sameCostModel());
    assertThat(asked.getOptimisedCostModelsList()).isEmpty();
    assertThat(asked.getLooks()).isZero();
    assertThat(asked.getAccount()).isEmpty();
    assertThat(asked.getAccountLooks()).isZero();
  }

  @Test
  void everythingCanBeSaid() {
    mesh.looks.add(passed());

    test(
        "--optimised java-cost/1 --delta 0.05 --draw 2 --cost-model judge/3 --same-cost-model"
            .split(" "));
    var one = mesh.asked(StartSafetyTestRequest.class).getSpec();
    assertThat(one.getDelta()).isEqualTo(0.05);
    assertThat(one.getDrawCount()).isEqualTo(2);
    assertThat(one.getCostModel().getModel()).isEqualTo("judge");
    assertThat(one.getCostModel().getVersion()).isEqualTo("3");
    assertThat(one.getSameCostModel()).isTrue();

    mesh.requests.clear();
    mesh.looks.add(passed());
    test(
        "--optimised",
        "none",
        "--bound",
        "betting",
        "--looks",
        "4",
        "--account",
        "mine",
        "--account-looks",
        "3",
        "--temperature",
        "0.5",
        "--max-new-tokens",
        "7",
        "--max-prompt-tokens",
        "0",
        "--stop",
        ";",
        "--alias",
        "canary",
        "--key",
        "once");
    StartSafetyTestRequest asked = mesh.asked(StartSafetyTestRequest.class);
    var other = asked.getSpec();
    assertThat(other.getBoundMethod()).isEqualTo(BoundMethod.BOUND_METHOD_BETTING);
    assertThat(other.getReuse()).isEqualTo(ReuseRule.REUSE_RULE_SPLIT);
    assertThat(other.getLooks()).isEqualTo(4);
    assertThat(other.getAccount()).isEqualTo("mine");
    assertThat(other.getAccountLooks()).isEqualTo(3);
    assertThat(other.getSampling().getTemperature()).isEqualTo(0.5);
    assertThat(other.getSampling().getMaxNewTokens()).isEqualTo(7);
    assertThat(other.getSampling().getStopStringsList()).containsExactly(";");
    assertThat(other.getMaxPromptTokens()).isZero();
    assertThat(other.getAlias()).isEqualTo("canary");
    assertThat(other.hasBase()).as("nothing is served by that alias yet").isFalse();
    assertThat(asked.getMetadata().getIdempotencyKey()).isEqualTo("once");
  }

  @Test
  void noSolutionIsRefusedWithItsReason() {
    mesh.looks.add(unsolved(NoSolutionReason.NO_SOLUTION_REASON_OVER_THRESHOLD));

    Cli.Result over = test("--optimised", "none");

    assertThat(over.exit()).isEqualTo(4);
    assertThat(over.out())
        .contains("no solution found: mean cost 0.0800")
        .containsPattern("because +the upper bound is over the threshold")
        .doesNotContain("promote");

    mesh.looks.add(unsolved(NoSolutionReason.NO_SOLUTION_REASON_NO_SPREAD));
    assertThat(test("--optimised", "none").out()).contains("all costs are the same");

    mesh.looks.add(
        unsolved(NoSolutionReason.NO_SOLUTION_REASON_UNSPECIFIED).toBuilder()
            .clearOutcome()
            .setSealed(true)
            .build());
    assertThat(test("--optimised", "none").out())
        .contains("kept back, with all numbers, until the set of its prompts closes");

    mesh.looks.add(unsolved(NoSolutionReason.NO_SOLUTION_REASON_OVER_THRESHOLD));
    Cli.Result json = test("--optimised", "none", "--json");
    assertThat(json.exit()).isEqualTo(4);
    assertThat(json.json().path("state").asText()).isEqualTo("SAFETY_TEST_STATE_NO_SOLUTION_FOUND");
    assertThat(json.json().path("no_solution_reason").asText())
        .isEqualTo("NO_SOLUTION_REASON_OVER_THRESHOLD");
  }

  @Test
  void oneThatFailedSaysNothingOfTheVersion() {
    SafetyTest.Builder failed =
        FakeSafety.begun().toBuilder()
            .setState(SafetyTestState.SAFETY_TEST_STATE_FAILED)
            .setFailureMessage("policy-server: away");
    failed.getLookBuilder().setState(LookState.LOOK_STATE_GIVEN_BACK);
    mesh.looks.add(failed.build());

    Cli.Result result = test("--optimised", "none");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.out()).contains("failed: policy-server: away", "; given back");
  }

  @Test
  void whatIsSpentIsNamedForMachinesToo() {
    mesh.refusedTest = refused("PROMPTS_SPENT", "spec.prompts: 3 of 3 were used before");

    Cli.Result result = test("--optimised", "none", "--json");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.err()).contains("mesh: spec.prompts: 3 of 3 were used before");
    assertThat(result.json().path("error").path("reason").asText()).isEqualTo("PROMPTS_SPENT");

    mesh.refusedTest = refused("SAME_COST_MODEL", "spec.cost_model: java-cost 2 is …");
    Cli.Result same = test("--optimised", "java-cost/2", "--json");
    assertThat(same.exit()).isEqualTo(4);
    assertThat(same.json().path("error").path("reason").asText()).isEqualTo("SAME_COST_MODEL");

    mesh.refusedTest = refused("", "nothing can be signed here");
    assertThat(test("--optimised", "none", "--json").json().path("error").path("reason").asText())
        .isEqualTo("PRECONDITION_FAILED");
  }

  @Test
  void anUnknownVersionIsNamedWithItsMendAndNothingIsStarted() {
    Cli.Result result =
        Cli.run(
            mesh,
            "safety",
            "test",
            "99",
            "--prompts",
            prompts.toString(),
            "--threshold",
            "0.3",
            "--optimised",
            "none");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err())
        .contains("no version 99; ./mesh models register makes a published folder known");
    assertThat(mesh.requests).noneMatch(StartSafetyTestRequest.class::isInstance);
  }

  @Test
  void whatWasOptimisedAgainstMustBeSaid() {
    assertThat(test().exit()).isEqualTo(2);
    assertThat(test().err()).contains("--optimised");
    assertThat(test("--optimised", "none", "--optimised", "java-cost/1").err())
        .contains("--optimised: none beside others (expected: it alone)");
    assertThat(test("--optimised", "java-cost").err())
        .contains("--optimised: 'java-cost' (expected: NAME/VERSION)");
    assertThat(test("--optimised", "none", "--cost-model", "judge/").err())
        .contains("--cost-model: 'judge/' (expected: NAME/VERSION)");
    assertThat(mesh.requests).isEmpty();
  }

  @Test
  void aBadRowIsNamedBeforeAnythingIsAsked() throws IOException {
    Files.writeString(prompts, "\"int a\"\n{\"text\": 1}\n");

    Cli.Result result = test("--optimised", "none");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains(prompts + ": row 2: no text but nothing");
    assertThat(mesh.requests).isEmpty();
  }

  @Test
  void aDetachedOneIsComeBackTo() {
    Cli.Result begun = test("--optimised", "none", "--detach");

    assertThat(begun.exit()).isZero();
    assertThat(begun.out()).contains("./mesh safety watch " + FakeMesh.TEST_ID);
    assertThat(mesh.requests).noneMatch(GetSafetyTestRequest.class::isInstance);

    mesh.looks.add(FakeSafety.begun());
    mesh.looks.add(passed());
    Cli.Result watched = Cli.run(mesh, "safety", "watch", FakeMesh.TEST_ID);
    assertThat(watched.exit()).isZero();
    assertThat(watched.out()).contains(FakeMesh.CERTIFICATE_ID);
    assertThat(mesh.allAsked(GetSafetyTestRequest.class))
        .extracting(GetSafetyTestRequest::getWait)
        .containsExactly(false, true);
  }

  @Test
  void testsAreListedWithThoseOfRuns() {
    Cli.Result result = Cli.run(mesh, "safety", "list", "--run", "7", "--limit", "3");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("java-tiny/2", "passed", FakeMesh.CERTIFICATE_ID);
    ListSafetyTestsRequest asked = mesh.asked(ListSafetyTestsRequest.class);
    assertThat(asked.getRunId()).isEqualTo("7");
    assertThat(asked.getPageSize()).isEqualTo(3);
    assertThat(Cli.run(mesh, "safety").out()).contains("java-tiny/2");
  }

  @Test
  void aFolderIsRegisteredUnderTheVersionThatItWasTrainedFrom() {
    Cli.Result result = Cli.run(mesh, "models", "register", "java-tiny", "mine", "--parent", "1");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("java-tiny/mine registered, weights abab");
    assertThat(mesh.asked(RegisterVersionRequest.class).getParentVersion()).isEqualTo("1");
  }

  private Cli.Result test(String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("safety", "test", "2", "--prompts", prompts.toString(), "--threshold", "0.3"));
    args.addAll(List.of(more));
    return Cli.run(mesh, args.toArray(String[]::new));
  }

  private static SafetyTest passed() {
    return FakeSafety.begun().toBuilder()
        .setState(SafetyTestState.SAFETY_TEST_STATE_PASSED)
        .setJudgedCount(6)
        .setOutcome(FakeSafety.outcome())
        .setCertificateId(FakeMesh.CERTIFICATE_ID)
        .build();
  }

  private static SafetyTest unsolved(NoSolutionReason reason) {
    return FakeSafety.begun().toBuilder()
        .setState(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND)
        .setJudgedCount(6)
        .setOutcome(FakeSafety.outcome().toBuilder().setUpperBound(0.2))
        .setNoSolutionReason(reason)
        .build();
  }

  private static StatusRuntimeException refused(String refusal, String message) {
    ErrorInfo.Builder info = ErrorInfo.newBuilder().setReason("PRECONDITION_FAILED");
    if (!refusal.isEmpty()) {
      info.putMetadata("refusal", refusal);
    }
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Code.FAILED_PRECONDITION_VALUE)
            .setMessage(message)
            .addDetails(Any.pack(info.build()))
            .build());
  }

  private static ModelVersion version(String model, String version) {
    return ModelVersion.newBuilder().setModel(model).setVersion(version).build();
  }
}
