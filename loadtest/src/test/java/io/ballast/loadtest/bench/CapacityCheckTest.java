package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.bench.CapacityCheck.Row;
import io.ballast.loadtest.capacity.CallKind;
import io.ballast.loadtest.capacity.OneMachine;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What {@code capacity measure --check} prints. */
class CapacityCheckTest {
  @Test
  void measuredAndSimulatedStandSideBySide() {
    assertThat(
            CapacityCheck.table(
                List.of(
                    new Row(
                        0.4,
                        52.25,
                        CallKind.SUGGESTION,
                        80.04,
                        210,
                        new OneMachine.Times(79.96, 190)))))
        .isEqualTo(
            """
            | Load | Calls/s | Call | p50 measured, ms | simulated | p99 measured, ms | simulated |
            |---|---|---|---|---|---|---|
            | 40 % | 52.3 | suggestion | 80.0 | 80.0 | 210.0 | 190.0 |
            """);
  }
}
