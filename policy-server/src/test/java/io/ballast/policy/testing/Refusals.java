package io.ballast.policy.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.ballast.kit.error.Fault;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Asserts how a call is refused: code, words, and the reason that machines read. */
public final class Refusals {
  private Refusals() {}

  /** A request that is wrong at the field that the message begins with. */
  public static void assertRefused(ThrowingCallable call, String message) {
    ErrorInfo info =
        assertFails(call, Status.Code.INVALID_ARGUMENT, Fault.MALFORMED_REQUEST, message);
    assertThat(info.getMetadataMap())
        .containsEntry("field", message.substring(0, message.indexOf(": ")));
  }

  /** Any other failure; returns what machines read. */
  public static ErrorInfo assertFails(
      ThrowingCallable call, Status.Code code, Fault fault, String message) {
    ErrorInfo[] found = {ErrorInfo.getDefaultInstance()};
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getDescription()).isEqualTo(message);
              assertThat(e.getStatus().getCode()).isEqualTo(code);
              found[0] = info(e);
            });
    assertThat(found[0].getReason()).isEqualTo(fault.name());
    assertThat(found[0].getDomain()).isEqualTo("policy-server");
    return found[0];
  }

  /** PostgreSQL is away: the caller may try again. */
  public static void assertDatabaseAway(ThrowingCallable call) {
    var unused =
        assertFails(
            call,
            Status.Code.UNAVAILABLE,
            Fault.DEPENDENCY_DOWN,
            "the database cannot be reached; it is asked again with the next call");
  }

  private static ErrorInfo info(StatusRuntimeException e) {
    com.google.rpc.Status status = StatusProto.fromThrowable(e);
    if (status == null) {
      throw new AssertionError("no details in " + e);
    }
    try {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class);
        }
      }
    } catch (InvalidProtocolBufferException broken) {
      throw new AssertionError(broken);
    }
    throw new AssertionError("no ErrorInfo in " + status);
  }
}
