package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RunWorkersTest {
  @TempDir private Path temporary;

  static Stream<Arguments> errors() {
    return Stream.of(
        Arguments.of(
            new OutOfMemoryError("Cannot allocate new FloatPointer"),
            "the orchestrator has no memory left: Cannot allocate new FloatPointer"),
        Arguments.of(
            new UnsatisfiedLinkError("no jnitorch"),
            "internal error; the orchestrator's log says more"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void aRunWhoseWorkerMeetsAnErrorFailsAndFreesItsPlace(Error error, String message)
      throws InterruptedException {
    LoopWorld world = new LoopWorld(temporary.resolve("world"));
    world.broken = error;
    try (RunWorkers workers = world.workers()) {
      workers.open();

      Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it never ended");

      assertThat(left.state()).isEqualTo(RunState.FAILED);
      assertThat(left.progress().message()).isEqualTo(message);
    }
  }
}
