package io.ballast.inference.triton.export;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.ExportOptions.Device;
import io.ballast.inference.triton.export.ExportOptions.Instances;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.ExportOptions.TimeoutAction;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** {@link ExportOptions} names what is out of its range. */
class ExportOptionsTest {
  @Test
  void whatIsOutOfItsRangeIsNamed() {
    assertThatThrownBy(() -> new Batching(4, List.of(2, 5), Duration.ZERO))
        .hasMessage("preferred_batch[1]: 5 (expected: 1 to max_batch, 4)");
    assertThatThrownBy(() -> new Batching(0, List.of(), Duration.ZERO))
        .hasMessage("max_batch: 0 (expected: ≥ 1)");
    assertThatThrownBy(() -> new Batching(4, List.of(), Duration.ofMillis(-1)))
        .hasMessageStartingWith("batch_delay: ");
    assertThatThrownBy(() -> new Instances(Device.CPU, 0, 1))
        .hasMessage("instances: 0 (expected: ≥ 1)");
    assertThatThrownBy(() -> new Instances(Device.CPU, 1, 0))
        .hasMessage("threads: 0 (expected: ≥ 1)");
    assertThatThrownBy(
            () -> new Queue(Optional.of(0), Optional.empty(), TimeoutAction.REJECT, false, false))
        .hasMessage("max_queue: 0 (expected: ≥ 1)");
    assertThatThrownBy(
            () ->
                new Queue(
                    Optional.empty(),
                    Optional.of(Duration.ZERO),
                    TimeoutAction.REJECT,
                    false,
                    false))
        .hasMessageStartingWith("queue_timeout: ");
  }
}
