package io.ballast.console.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.console.grpc.MeshQuestions;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The safety verdict in the shapes that other gates ask for it. Both take the same verdict: nothing
 * is decided here.
 *
 * <p>Argo Rollouts' web metric reads JSON at a path and takes a status over 299 for an error, not
 * for a failure. Flagger's webhooks read the status alone: up to 202 is yes. Its rollback hook asks
 * the other way round: yes means roll back.
 */
final class Hooks {
  private static final int YES = 200;
  private static final int NO = 403;

  private final MeshQuestions questions;

  Hooks(MeshQuestions questions) {
    this.questions = questions;
  }

  /**
   * Argo's answer: {@code {"data": {"ok": …, "verdict": …}}}, for {@code successCondition:
   * result.ok}. A version that is not there is not safe; a server that is away is an error.
   */
  Answer argo(@Nullable String model, @Nullable String version, @Nullable String alias) {
    ObjectNode data;
    try {
      data =
          questions.verdict(
              required("model", model),
              required("version", version),
              Optional.ofNullable(alias).orElse(""));
    } catch (MeshException e) {
      if (e.fault() != Fault.UNKNOWN_MODEL) {
        throw e;
      }
      data =
          JsonNodeFactory.instance
              .objectNode()
              .put("ok", false)
              .put("verdict", "UNKNOWN")
              .put("reason", String.valueOf(e.getMessage()));
    }
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    answer.set("data", data);
    return new Answer(YES, answer);
  }

  /** Whether Flagger may begin, go on or promote. */
  Answer confirm(FlaggerBody asked) {
    ObjectNode verdict = questions.verdict(asked.model(), asked.version(), asked.alias());
    return new Answer(verdict.get("ok").booleanValue() ? YES : NO, verdict);
  }

  /**
   * Whether Flagger shall roll back: a certificate was revoked, or a test found no solution. What
   * only expired served with a certificate, and one whose test runs or could not be carried out is
   * held.
   */
  Answer rollBack(FlaggerBody asked) {
    ObjectNode verdict = questions.verdict(asked.model(), asked.version(), asked.alias());
    String said = verdict.get("verdict").textValue();
    return new Answer(
        said.equals("REVOKED") || said.equals("NO_SOLUTION_FOUND") ? YES : NO, verdict);
  }

  private static String required(String name, @Nullable String value) {
    if (value == null || value.isEmpty()) {
      throw new MeshException(
          Fault.MALFORMED_REQUEST,
          name + ": missing (expected: a parameter of the query)",
          Map.of("field", name));
    }
    return value;
  }
}
