package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.JudgeDependence;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import java.io.IOException;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A judge that was optimised against certifies only if the spec says so, and then signs that. */
class SameCostModelTest extends SafetyTestsCase {
  @Test
  void itIsSignedAndSaidByWhoeverVerifies() throws IOException {
    VerifyCertificateResponse answer = passedBy("java-cost", "1");

    assertThat(answer.getReason()).isEmpty();
    assertThat(answer.getFindingsList())
        .contains(
            "cost_model: one that the candidate's run optimised against; its spec allows the same"
                + " (same_cost_model)");
    assertThat(answer.getCertificate().getSameCostModel())
        .isEqualTo(JudgeDependence.newBuilder().setOptimised(true).build());
    assertThat(signed(answer).get("same_cost_model").toString())
        .isEqualTo("{\"optimised\":true,\"common_labels\":0,\"unsaid_models\":0}");
  }

  @Test
  void aCopyUnderAnotherNameIsTheSame() {
    assertThat(passedBy("copied", "9").getCertificate().getSameCostModel().getOptimised()).isTrue();
  }

  @Test
  void anotherModelIsSaidToBeAnother() {
    VerifyCertificateResponse answer = passedBy("java-cost", "2");

    assertThat(answer.getReason()).isEmpty();
    assertThat(answer.getCertificate().getSameCostModel())
        .as("no folder here says what taught them")
        .isEqualTo(JudgeDependence.newBuilder().setUnsaidModelsCount(1).build());
  }

  @Test
  void whereTheSpecSaysNothingTheCertificateIsAsItWas() throws IOException {
    String id = mesh.run(testOf(prompts(60)).build()).getCertificateId();

    VerifyCertificateResponse answer = verify(id);
    assertThat(answer.getReason()).isEmpty();
    assertThat(answer.getCertificate().hasSameCostModel()).isFalse();
    assertThat(signed(answer).has("same_cost_model")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "update certificate set same_cost_model = false | signature: altered: same_cost_model",
        "update certificate set common_labels = 7 | signature: altered: same_cost_model.common_labels",
        "update certificate set judge_was_optimised = false | cost_model: one that the candidate's run",
        "update certificate set cost_version = '2', cost_sha256 = repeat('2', 64)"
            + " | cost_model: it says that it is one that the candidate's run optimised against"
      })
  void whatIsAlteredIsSeen(String alteration, String finding) {
    String id = passedBy("java-cost", "1").getCertificate().getCertificateId();
    mesh.database.alter(alteration);

    assertThat(String.join("; ", verify(id).getFindingsList())).contains(finding);
  }

  private VerifyCertificateResponse passedBy(String model, String version) {
    StartSafetyTestRequest request =
        spec(
            testOf(prompts(60)),
            s ->
                s.setCostModel(ModelSelector.newBuilder().setModel(model).setVersion(version))
                    .setSameCostModel(true)
                    .setBoundMethod(BoundMethod.BOUND_METHOD_HOEFFDING));
    return verify(mesh.run(request).getCertificateId());
  }

  private VerifyCertificateResponse verify(String id) {
    return mesh.safety()
        .verifyCertificate(VerifyCertificateRequest.newBuilder().setCertificateId(id).build());
  }

  private static JsonNode signed(VerifyCertificateResponse answer) throws IOException {
    String payload = answer.getCertificate().getJws().split("\\.", -1)[1];
    return new ObjectMapper().readTree(Base64.getUrlDecoder().decode(payload));
  }
}
