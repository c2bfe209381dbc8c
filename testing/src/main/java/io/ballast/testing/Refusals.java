package io.ballast.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Asserts that a call is refused, how, and with which words. */
public final class Refusals {
  private Refusals() {}

  public static void assertRefused(ThrowingCallable call, Status.Code code, String words) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refusal -> {
              assertThat(refusal.getStatus().getDescription()).contains(words);
              assertThat(refusal.getStatus().getCode()).isEqualTo(code);
            });
  }

  /** Returns how a call is refused. */
  public static StatusRuntimeException refusal(ThrowingCallable call) {
    return catchThrowableOfType(StatusRuntimeException.class, call);
  }

  /** Returns the reason that machines read of how a call is refused. */
  public static Fault fault(ThrowingCallable call) {
    return PeerFaults.reason(refusal(call)).orElseThrow();
  }

  /** A request that is wrong at the field that the message begins with. */
  public static void assertMalformed(ThrowingCallable call, String message) {
    assertFails(call, Status.Code.INVALID_ARGUMENT, Fault.MALFORMED_REQUEST, message);
  }

  /** PostgreSQL is away: the caller may try again. */
  public static void assertDatabaseAway(ThrowingCallable call) {
    assertFails(
        call,
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "the database cannot be reached; it is asked again with the next call");
  }

  /** Any failure, with the reason that machines read. */
  public static void assertFails(
      ThrowingCallable call, Status.Code code, Fault fault, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refusal -> {
              assertThat(refusal.getStatus().getDescription()).isEqualTo(message);
              assertThat(refusal.getStatus().getCode()).isEqualTo(code);
              assertThat(PeerFaults.reason(refusal)).contains(fault);
            });
  }
}
