package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertMalformed;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bad input gets one typed answer, and nothing of it reaches PostgreSQL. */
class BadInputTest {
  private static final String NUL = " is U+0000 (expected: text that a database can keep)";

  private final TestSafety mesh = TestSafety.start(Map.of());

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void metadataThatIsWrongIsNamedByEveryCall() {
    RequestMetadata wrong = RequestMetadata.newBuilder().setTenant("a/b").build();
    String message =
        "metadata.tenant: a/b (allowed: at most 64 characters of [A-Za-z0-9._-], or empty)";

    assertMalformed(
        () ->
            mesh.safety()
                .cost(
                    CostRequest.newBuilder()
                        .addItems(item("", "p", "c"))
                        .setMetadata(wrong)
                        .build()),
        message);
    assertMalformed(
        () -> mesh.safety().startSafetyTest(testOf(prompts(2)).setMetadata(wrong).build()),
        message);
    assertMalformed(
        () ->
            mesh.safety()
                .getSafetyTest(GetSafetyTestRequest.newBuilder().setMetadata(wrong).build()),
        message);
    assertMalformed(
        () ->
            mesh.safety()
                .listSafetyTests(ListSafetyTestsRequest.newBuilder().setMetadata(wrong).build()),
        message);
    assertMalformed(
        () ->
            mesh.safety()
                .getCertificate(GetCertificateRequest.newBuilder().setMetadata(wrong).build()),
        message);
    assertMalformed(
        () ->
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder().setMetadata(wrong).build()),
        message);
    assertMalformed(
        () ->
            mesh.gate()
                .decideGeneration(DecideGenerationRequest.newBuilder().setMetadata(wrong).build()),
        message);
    assertMalformed(
        () ->
            mesh.gate().decideDisplay(DecideDisplayRequest.newBuilder().setMetadata(wrong).build()),
        message);
  }

  @Test
  void whatNoDatabaseCanKeepIsRefusedBeforeItIsAsked() {
    StartSafetyTestRequest.Builder good = testOf(prompts(2));

    assertMalformed(
        () -> start(testOf(prompts(2)).setSpec(good.getSpec().toBuilder().addPrompts("a\0b"))),
        "spec.prompts[2]: character 1" + NUL);
    assertMalformed(
        () ->
            start(
                testOf(prompts(2))
                    .setSpec(
                        good.getSpec().toBuilder()
                            .setSampling(
                                good.getSpec().getSampling().toBuilder().addStopStrings("\0")))),
        "spec.sampling.stop_strings[0]: character 0" + NUL);
    assertMalformed(
        () -> start(testOf(prompts(2)).setRunId("r\0")),
        "run_id: character 1 is U+0000 (expected: no control characters)");
    assertMalformed(
        () -> list(ListSafetyTestsRequest.newBuilder().setRunId("r\0")),
        "run_id: character 1 is U+0000 (expected: no control characters)");
    assertThat(mesh.run(good.build()).getState())
        .as("what was refused has used no prompt")
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
  }

  @Test
  void idsThatAreNoneAreNamed() {
    String shape = "x".repeat(36);
    String loose = "1-1-1-1-000000000000000000000000001a"; // Java reads it, nobody writes it
    for (String id : new String[] {"", "../../etc/passwd", "1-1-1-1-1", shape, loose}) {
      String shown = id.length() == 36 ? "'" + id + "'" : id.length() + " characters";
      String flaw = ": " + shown + " (expected: a UUID)";
      assertMalformed(
          () ->
              mesh.safety().getSafetyTest(GetSafetyTestRequest.newBuilder().setTestId(id).build()),
          "test_id" + flaw);
      assertMalformed(
          () ->
              mesh.safety()
                  .getCertificate(GetCertificateRequest.newBuilder().setCertificateId(id).build()),
          "certificate_id" + flaw);
      assertMalformed(
          () ->
              mesh.safety()
                  .verifyCertificate(
                      VerifyCertificateRequest.newBuilder().setCertificateId(id).build()),
          "certificate_id" + flaw);
    }
  }

  @Test
  void aPageOfNoSizeIsRefused() {
    assertMalformed(
        () -> list(ListSafetyTestsRequest.newBuilder().setPageSize(-1)),
        "page_size: -1 (expected: 1 to 1,000, or 0)");
  }

  @Test
  void halfACharacterFailsAloneAndNulIsTextLikeAnyOther() {
    CostResponse response =
        mesh.safety()
            .cost(
                CostRequest.newBuilder()
                    .addItems(item("half", "p", "a\uD83D"))
                    .addItems(item("nul", "p\0", "a\0"))
                    .build());

    assertThat(response.getResults(0).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_INVALID_INPUT);
    assertThat(response.getResults(0).getFailure().getMessage())
        .isEqualTo("items[0].completion: character 1 is a lone surrogate (expected: valid UTF-8)");
    assertThat(response.getResults(1).hasFailure()).isFalse();
    assertMalformed(
        () ->
            mesh.gate()
                .decideGeneration(DecideGenerationRequest.newBuilder().setPrompt("\uDE00").build()),
        "prompt: character 0 is a lone surrogate (expected: valid UTF-8)");
    assertMalformed(
        () ->
            mesh.gate()
                .decideDisplay(
                    DecideDisplayRequest.newBuilder()
                        .setPrompt("p")
                        .setSuggestion("\uDE00")
                        .build()),
        "suggestion: character 0 is a lone surrogate (expected: valid UTF-8)");
  }

  private void start(StartSafetyTestRequest.Builder request) {
    var unused = mesh.safety().startSafetyTest(request.build());
  }

  private void list(ListSafetyTestsRequest.Builder request) {
    var unused = mesh.safety().listSafetyTests(request.build());
  }
}
