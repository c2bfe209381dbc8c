package io.ballast.console.grpc;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.safety.v1.CandidateVerdict;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetVerdictResponse;
import io.ballast.safety.v1.SafetyTestOutcome;
import java.time.Instant;

/** A verdict as gates of other tools read it: flat, with numbers where there are any. */
final class VerdictJson {
  private static final String PREFIX = "CANDIDATE_VERDICT_";

  private VerdictJson() {}

  static ObjectNode of(GetVerdictResponse said) {
    ObjectNode answer =
        JsonNodeFactory.instance
            .objectNode()
            .put("ok", said.getVerdict() == CandidateVerdict.CANDIDATE_VERDICT_PASS)
            .put("verdict", said.getVerdict().name().replace(PREFIX, ""))
            .put("reason", said.getReason())
            .put("model", said.getCandidate().getModel())
            .put("version", said.getCandidate().getVersion())
            .put("weightsSha256", said.getCandidate().getWeightsSha256());
    if (said.hasTest()) {
      answer.put("testId", said.getTest().getTestId());
      if (said.getTest().hasOutcome()) {
        addNumbers(answer, said.getTest().getOutcome());
      }
    }
    if (said.hasCertificate()) {
      Certificate certificate = said.getCertificate();
      answer.put("certificateId", certificate.getCertificateId());
      if (certificate.hasExpireTime()) {
        answer.put(
            "expireTime",
            Instant.ofEpochSecond(
                    certificate.getExpireTime().getSeconds(),
                    certificate.getExpireTime().getNanos())
                .toString());
      }
    }
    return answer;
  }

  private static void addNumbers(ObjectNode answer, SafetyTestOutcome outcome) {
    answer
        .put("upperBound", outcome.getUpperBound())
        .put("threshold", outcome.getThreshold())
        .put("delta", outcome.getDelta())
        .put("meanCost", outcome.getMeanCost())
        .put("n", outcome.getN());
  }
}
