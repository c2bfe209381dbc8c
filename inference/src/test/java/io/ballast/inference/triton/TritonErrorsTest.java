package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.TritonException.Reason;
import io.grpc.Status;
import java.io.IOException;
import java.net.ConnectException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server's words decide where its code says less; a model's own words decide nothing. */
class TritonErrorsTest {
  private static final String RAISED =
      "Failed to process the request(s) for model 'm_0_0', message: ";

  private static Reason reason(Status.Code code, String words) {
    Status status = code.toStatus().withDescription(words);
    return TritonErrors.of(status, "model 'm'", status.asRuntimeException()).reason();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "NOT_FOUND | Request for unknown model: 'm' is not found | UNKNOWN_MODEL",
        "NOT_FOUND | asked to fail | MODEL_FAILED",
        "NOT_FOUND | Unable to find shared memory region: 'r' | UNKNOWN_REGION",
        "UNAVAILABLE | Exceeds maximum queue size | QUEUE_FULL",
        "UNAVAILABLE | Request timeout expired | EXPIRED",
        "UNAVAILABLE | io exception | UNAVAILABLE",
        "INTERNAL | Stub process 'm_0_0' is not healthy. | DEAD_STUB",
        "INTERNAL | No value received for unary call | WRONG_ANSWER",
        "INTERNAL | anything | SERVER_FAILED",
        "INVALID_ARGUMENT | anything | BAD_REQUEST",
        "RESOURCE_EXHAUSTED | gRPC message exceeds maximum size 4: 5 | TOO_LARGE",
        "RESOURCE_EXHAUSTED | busy | QUEUE_FULL",
        "UNAUTHENTICATED | who asks? | FORBIDDEN",
        "ALREADY_EXISTS | shared memory region 'r' already in manager | ALREADY_THERE",
        "DEADLINE_EXCEEDED | anything | SILENT",
        "CANCELLED | anything | CANCELLED",
        "UNIMPLEMENTED | anything | UNSUPPORTED",
      })
  void codesAndWordsAreJudged(Status.Code code, String words, Reason reason) {
    assertThat(reason(code, words)).isEqualTo(reason);
    assertThat(reason(code, "[request id: <id_unknown>] " + words)).isEqualTo(reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "ValueError: Request for unknown model: 'other' is not found",
        "RuntimeError: Exceeds maximum queue size",
        "RuntimeError: Request timeout expired",
        "KeyError: Unable to find shared memory region",
        "OSError: Stub process 'x' is not healthy",
        "OSError: failed to load 'weights.bin'",
        "AssertionError: No value received",
        "ValueError: Number of InferenceResponse objects do not match",
      })
  void whatAModelsExceptionSaysIsTheModels(String raised) {
    assertThat(reason(Status.Code.INTERNAL, RAISED + raised)).isEqualTo(Reason.MODEL_FAILED);
    assertThat(TritonErrors.ofWords(RAISED + raised, "model 'm'").reason())
        .isEqualTo(Reason.MODEL_FAILED);
  }

  @Test
  void anotherNumberOfAnswersIsAWrongAnswer() {
    assertThat(
            reason(
                Status.Code.INTERNAL,
                RAISED
                    + "Number of InferenceResponse objects do not match the number of"
                    + " InferenceRequest objects."))
        .isEqualTo(Reason.WRONG_ANSWER);
  }

  @Test
  void aServerThatIsNotReachedIsToldByTheKindOfFailureWithoutItsAddress() {
    assertThat(
            TritonErrors.of(
                Status.UNAVAILABLE
                    .withDescription("io exception\nChannel Pipeline: [one, two]")
                    .withCause(new ConnectException("Connection refused: /10.0.3.7:8001"))
                    .asRuntimeException(),
                "model 'm'"))
        .hasMessage("model 'm': connection refused");
    assertThat(
            TritonErrors.of(
                Status.DEADLINE_EXCEEDED
                    .withDescription(
                        "CallOptions deadline exceeded after 0.299s. Name resolution delay 0.001"
                            + " seconds. [closed=[], open=[[remote_addr=/10.0.3.7:8001]]]")
                    .asRuntimeException(),
                "model 'm'"))
        .hasMessage("model 'm': CallOptions deadline exceeded after 0.299s");
    assertThat(
            TritonErrors.of(
                Status.INTERNAL
                    .withDescription("no message")
                    .withCause(new IOException("from /10.0.3.7:8001"))
                    .asRuntimeException(),
                "model 'm'"))
        .hasMessage("model 'm': no message, IOException");
  }

  @Test
  void aStreamsWordsAreJudgedWithoutACode() {
    assertThat(TritonErrors.ofWords("asked to fail", "model 'm'").reason())
        .isEqualTo(Reason.MODEL_FAILED);
    assertThat(
            TritonErrors.ofWords(
                "[request id: <id_unknown>] unexpected inference input 'X' for model 'm'",
                "model 'm'"))
        .hasMessage("model 'm': unexpected inference input 'X' for model 'm'")
        .extracting("reason")
        .isEqualTo(Reason.BAD_REQUEST);
  }
}
