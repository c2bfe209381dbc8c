package io.ballast.inference.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.ModelException.Reason;
import io.ballast.kit.error.Fault;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each reason why a model cannot be opened is the fault that other servers make of it. */
class ScoringFaultsTest {
  @ParameterizedTest
  @CsvSource({
    "CORRUPT_WEIGHTS, CORRUPT_WEIGHTS",
    "INVALID_FOLDER, UNKNOWN_MODEL",
    "OVERLOADED, OVERLOADED",
    "UNAVAILABLE, DEPENDENCY_DOWN",
    "BROKEN, DEPENDENCY_BROKEN",
  })
  void aReasonIsAFault(Reason reason, Fault fault) {
    assertThat(ScoringFaults.of(reason)).isEqualTo(fault);
  }
}
