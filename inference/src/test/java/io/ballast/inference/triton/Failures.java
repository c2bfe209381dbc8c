package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.ballast.inference.triton.TritonException.Reason;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Says in a test how a call fails. */
final class Failures {
  private Failures() {}

  /** Asserts that {@code call} fails for {@code reason}, and returns what it says. */
  static String failure(Reason reason, ThrowingCallable call) {
    Throwable thrown = catchThrowable(call);
    assertThat(thrown).as("what was thrown").isInstanceOf(TritonException.class);
    assertThat(((TritonException) thrown).reason()).as(thrown.getMessage()).isEqualTo(reason);
    return String.valueOf(thrown.getMessage());
  }
}
