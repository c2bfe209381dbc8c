package io.ballast.inference.triton;

import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.ConnectionFailures;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Judges what a server says went wrong: by its code, and by its words where the code says less. */
final class TritonErrors {
  private static final Logger LOG = LoggerFactory.getLogger(TritonErrors.class);

  /** Characters of a server's words in the log. */
  private static final int SHOWN_WORDS = 1_024;

  private static final String RAISED = "Failed to process the request(s) for model";
  private static final String MESSAGE = "message: ";
  private static final String OTHER_NUMBER = "Number of InferenceResponse objects do not match";

  private TritonErrors() {}

  /** Returns the failure of a call about {@code subject}, such as a model in quotes. */
  static TritonException of(StatusRuntimeException failure, String subject) {
    return of(failure.getStatus(), subject, failure);
  }

  static TritonException of(Status status, String subject, Throwable cause) {
    if (status.getCode() == Status.Code.CANCELLED
        && status.getCause() instanceof StatusRuntimeException inner) {
      return of(inner.getStatus(), subject, cause); // grpc-java cancels what it cannot take
    }
    String words = words(status);
    if (status.getCause() != null || status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
      LOG.debug("{}: {}", subject, Texts.asLine(words, SHOWN_WORDS), status.getCause());
    }
    return new TritonException(
        reason(status.getCode(), words), subject + ": " + tail(words, status), cause);
  }

  /** Returns the failure that a stream tells of in words alone. */
  static TritonException ofWords(String words, String subject) {
    return new TritonException(
        byWords(words).orElse(refused(words) ? Reason.BAD_REQUEST : Reason.MODEL_FAILED),
        subject + ": " + withoutId(words));
  }

  private static Reason reason(Status.Code code, String words) {
    return switch (code) {
      case DEADLINE_EXCEEDED -> Reason.SILENT;
      case CANCELLED -> Reason.CANCELLED;
      case UNIMPLEMENTED -> Reason.UNSUPPORTED;
      case ALREADY_EXISTS -> Reason.ALREADY_THERE;
      case UNAUTHENTICATED, PERMISSION_DENIED -> Reason.FORBIDDEN;
      case RESOURCE_EXHAUSTED ->
          words.contains("larger than max") || words.contains("exceeds maximum size")
              ? Reason.TOO_LARGE
              : Reason.QUEUE_FULL;
      // the models' own words may be anything, so those of the code's neighbours are not looked for
      case NOT_FOUND -> byWords(words).orElse(Reason.MODEL_FAILED);
      case UNAVAILABLE -> byWords(words).orElse(Reason.UNAVAILABLE);
      case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION ->
          byWords(words).filter(Reason.LOAD_FAILED::equals).orElse(Reason.BAD_REQUEST);
      case INTERNAL, UNKNOWN, ABORTED, DATA_LOSS, OK -> byWords(words).orElse(Reason.SERVER_FAILED);
    };
  }

  /** Whether these are the words in which Triton refuses a request, not those of a model. */
  private static boolean refused(String words) {
    return words.contains("unexpected inference ")
        || words.contains("unexpected shape for input")
        || words.contains("inference request batch-size must be")
        || (words.contains("data-type is ") && words.contains(" expects "))
        || (words.contains("expected ") && words.contains(" inputs but got "));
  }

  private static Optional<Reason> byWords(String words) {
    if (words.contains(RAISED)) {
      return Optional.of(ofModel(words.substring(words.indexOf(RAISED))));
    }
    if (words.contains("Request for unknown model")) {
      return Optional.of(Reason.UNKNOWN_MODEL);
    }
    if (words.contains("Exceeds maximum queue size")) {
      return Optional.of(Reason.QUEUE_FULL);
    }
    if (words.contains("Request timeout expired")) {
      return Optional.of(Reason.EXPIRED);
    }
    if (words.contains("Unable to find shared memory region")
        || words.contains("Unable to find system shared memory region")) {
      return Optional.of(Reason.UNKNOWN_REGION);
    }
    if (words.contains("Stub process") && words.contains("is not healthy")) {
      return Optional.of(Reason.DEAD_STUB);
    }
    if (words.contains("failed to load '") || words.startsWith("load failed for model")) {
      return Optional.of(Reason.LOAD_FAILED);
    }
    if (words.contains("More than one value received")
        || words.contains("More than one responses received")
        || words.contains("No value received")) {
      return Optional.of(Reason.WRONG_ANSWER);
    }
    return Optional.empty();
  }

  /** Judges what follows upon a model's exception: its words, which may be anything. */
  private static Reason ofModel(String words) {
    int message = words.indexOf(MESSAGE);
    return message >= 0 && words.startsWith(OTHER_NUMBER, message + MESSAGE.length())
        ? Reason.WRONG_ANSWER
        : Reason.MODEL_FAILED;
  }

  private static String words(Status status) {
    return Objects.requireNonNullElse(status.getDescription(), "");
  }

  /** What the server said; or of what happened on the way to it, the kind, without its address. */
  private static String tail(String words, Status status) {
    String said = words.isEmpty() ? status.getCode().name() : withoutId(words);
    Throwable cause = status.getCause();
    if (cause != null) {
      return ConnectionFailures.words(said, status.getCode() == Status.Code.UNAVAILABLE, cause);
    }
    return status.getCode() == Status.Code.DEADLINE_EXCEEDED ? ConnectionFailures.late(said) : said;
  }

  /** Triton begins with the request's id, which says nothing where there is none. */
  private static String withoutId(String words) {
    String unknown = "[request id: <id_unknown>] ";
    return words.startsWith(unknown) ? words.substring(unknown.length()) : words;
  }
}
