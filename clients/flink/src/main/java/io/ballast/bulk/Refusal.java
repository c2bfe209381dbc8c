package io.ballast.bulk;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;

/**
 * What a call that failed says.
 *
 * @param code its code
 * @param words for a person
 * @param retryAfter how long the mesh asks to wait; zero: it does not say
 * @param mayPass whether another attempt may succeed: Score is idempotent
 */
record Refusal(Status.Code code, String words, Duration retryAfter, boolean mayPass) {
  static Refusal of(Throwable failure) {
    Status status = Status.fromThrowable(failure);
    String words = status.getDescription() == null ? failure.toString() : status.getDescription();
    Duration wait = Duration.ZERO;
    com.google.rpc.Status details = StatusProto.fromThrowable(failure);
    boolean typed = false;
    if (details != null) {
      for (Any detail : details.getDetailsList()) {
        typed = true;
        if (detail.is(RetryInfo.class)) {
          wait = wait(detail);
        }
      }
    }
    boolean mayPass =
        switch (status.getCode()) {
          case UNAVAILABLE, DEADLINE_EXCEEDED -> true;
          // gRPC itself refuses a message that is too long by the same code, without details
          case RESOURCE_EXHAUSTED ->
              typed
                  || !(words.contains("larger than max") || words.contains("exceeds maximum size"));
          default -> false;
        };
    return new Refusal(status.getCode(), words, wait, mayPass);
  }

  private static Duration wait(Any detail) {
    try {
      com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
      return Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
    } catch (InvalidProtocolBufferException e) {
      return Duration.ZERO; // a wait that cannot be read is one that was not asked for
    }
  }

  /** The reason that rows are written with which got no answer. */
  String reason() {
    return switch (code) {
      case RESOURCE_EXHAUSTED -> "OVERLOADED";
      case DEADLINE_EXCEEDED -> "DEADLINE";
      default -> code.name();
    };
  }

  @Override
  public String toString() {
    return code + ": " + words;
  }
}
