package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a server fails at is never said to be the caller's wish. */
class TritonFaultsTest {
  @ParameterizedTest
  @CsvSource({
    "QUEUE_FULL, OVERLOADED",
    "EXPIRED, OVERLOADED",
    "UNAVAILABLE, UNAVAILABLE",
    "UNKNOWN_MODEL, UNAVAILABLE",
    "SILENT, UNAVAILABLE",
    "DEAD_STUB, UNAVAILABLE",
    "UNSUPPORTED, BROKEN",
    "WRONG_ANSWER, BROKEN",
    "FORBIDDEN, BROKEN",
  })
  void aFailureKeepsWhatItMeansForWhoeverAsksAgain(
      TritonException.Reason told, ModelException.Reason reason) {
    assertThat(TritonFaults.of(new TritonException(told, "m: words")).reason()).isEqualTo(reason);
  }

  @ParameterizedTest
  @EnumSource
  void noneBlamesTheCaller(TritonException.Reason told) {
    assertThat(TritonFaults.of(new TritonException(told, "m: words")).reason())
        .isNotIn(ModelException.Reason.UNSUPPORTED, ModelException.Reason.NO_TOKEN_LEFT);
  }

  @Test
  void theServersWordsAreKept() {
    TritonException told = new TritonException(TritonException.Reason.SILENT, "m: words");

    assertThat(TritonFaults.of(told)).hasMessage("m: words").hasCause(told);
  }
}
