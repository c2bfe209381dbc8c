package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Held-out prompts of one file are one observation: the safety test is told which are. */
class PromptGroupsTest extends RunServiceCase {
  private static final String INLINE = "{inline: [\"long x\", \"long y\", \"long z\"]}";
  private static final String FOUR =
      "{inline: [\"long x\", \"long y\", \"long z\", \"long w\"], groups: [A, A, B, B]}";

  @Test
  void linesOfAFileSayTheirGroup() throws IOException {
    Files.writeString(
        mesh.prompts("held-out.jsonl"),
        """
        {"prompt": "long x", "group": "A.java"}
        {"group": "A.java", "prompt": "long y"}

        {"prompt": "long z", "group": "B.java"}
        """);

    SafetyTestSpec asked =
        tested(TestSpecs.spec("lines").replace(INLINE, "{file: prompts/held-out.jsonl}"));

    assertThat(asked.getPromptsList()).containsExactly("long x", "long y", "long z");
    assertThat(asked.getGroupsList()).containsExactly("A.java", "A.java", "B.java");
  }

  @Test
  void promptsInTheSpecHaveGroupsBesideThem() {
    SafetyTestSpec asked = tested(TestSpecs.spec("inline").replace(INLINE, FOUR));

    assertThat(asked.getGroupsList()).containsExactly("A", "A", "B", "B");
  }

  @Test
  void withoutGroupsNoneAreSent() {
    assertThat(tested(TestSpecs.spec("none")).getGroupsList()).isEmpty();
  }

  private SafetyTestSpec tested(String spec) {
    String runId = mesh.create(spec).getRunId();
    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    return mesh.safety.test(runId).getSpec();
  }

  @Test
  void eachOfSeveralConstraintsHasAPartOfEachGroup() {
    String several =
        TestSpecs.spec(
                "parts",
                """
                constraints:
                  - {name: breaks, test: {cost_model: {model: breaks, version: 2}, threshold: 0.3}}
                  - {name: secrets, test: {cost_model: {model: secrets, version: 2}, threshold: 0.3}}
                """)
            .replace("  threshold: 0.4\n", "");
    String runId = mesh.create(several.replace(INLINE, FOUR)).getRunId();
    mesh.awaitEnd(runId);

    SafetyTestSpec secrets = mesh.safety.test(runId + "-secrets").getSpec();
    assertThat(secrets.getPromptsList()).containsExactly("long y", "long w");
    assertThat(secrets.getGroupsList()).containsExactly("A", "B");
    malformed(
        several.replace(INLINE, FOUR.replace("A, A, B, B", "A, B, A, B")),
        "safety_test.prompts: 1 group in the test of breaks (expected: 2 or more)");
  }

  @Test
  void freshPromptsAreAsThoseBefore() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String spec =
        TestSpecs.spec("again")
            .replace(INLINE, FOUR)
            .replace("  threshold: 0.4\n", "  threshold: 0.4\n  attempts: 2\n");
    String runId = mesh.create(spec).getRunId();
    mesh.awaitEnd(runId);
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_PASSED;

    assertThatThrownBy(() -> resume(runId, List.of("long a", "long b"), List.of()))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "test_prompts: no groups (expected: as those before, which have groups)"));
    assertThatThrownBy(() -> resume(runId, List.of("long a", "long b"), List.of("C")))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "test_prompts.groups: 1 (expected: one for each of the 2 prompts, or none)"));

    resume(runId, List.of("long a", "long b"), List.of("C", "D"));

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.safety.test(runId + "-1").getSpec().getGroupsList()).containsExactly("C", "D");
  }

  private void resume(String runId, List<String> prompts, List<String> groups) {
    var unused =
        mesh.runs()
            .resumeRun(
                ResumeRunRequest.newBuilder()
                    .setRunId(runId)
                    .addAllTestPrompts(prompts)
                    .addAllTestGroups(groups)
                    .build());
  }

  @Test
  void whatTheSafetyServerWouldRefuseAfterAllLearningIsRefusedBefore() throws IOException {
    malformed(
        groups("A, A, B"),
        "safety_test.prompts.groups: 3 (expected: one for each of the 4 prompts");
    malformed(groups("A, A, A, A"), "safety_test.prompts: 1 group in the test of harm");
    malformed(
        groups("A, \"\", B, B"),
        "safety_test.prompts[1].group: absent (expected: a group of every prompt, or of none)");
    malformed(
        groups("A, A, B, " + "b".repeat(129)), "safety_test.prompts[3].group: 129 characters");
    malformed(
        groups("A, A, B, B")
            .replace("  threshold: 0.4\n", "  threshold: 0.4\n  bound: CLOPPER_PEARSON\n")
            .replace("kl:", "constraint: {target: 0.3}\nkl:"),
        "safety_test.prompts: 2 groups of 4 prompts (expected: of one each under CLOPPER_PEARSON");
    malformed(
        TestSpecs.spec("both").replace(INLINE, "{file: prompts/some.jsonl, groups: [A]}"),
        "safety_test.prompts.groups: beside file (expected: none: each line of the file says its");
    malformed(
        TestSpecs.spec("training").replace("\"int e\"]}", "\"int e\"], groups: [A]}"),
        "prompts.groups: unknown key");

    Files.writeString(
        mesh.prompts("some.jsonl"),
        "{\"prompt\": \"long x\", \"group\": \"A\"}\n\"long y\"\n\"long z\"\n");
    String spec = TestSpecs.spec("some").replace(INLINE, "{file: prompts/some.jsonl}");
    malformed(spec, "safety_test.prompts[1].group: absent");
    Files.writeString(mesh.prompts("some.jsonl"), "{\"prompt\": \"long x\", \"group\": 3}\n");
    malformed(
        spec,
        "safety_test.prompts.file: 1 bad row, row 1: group: a number (expected: text, the group's name)");
  }

  private static String groups(String groups) {
    return TestSpecs.spec("groups").replace(INLINE, FOUR.replace("A, A, B, B", groups));
  }

  private void malformed(String spec, String message) {
    assertThatThrownBy(() -> mesh.create(spec))
        .satisfies(thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, message));
  }
}
