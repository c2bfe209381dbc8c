package io.ballast.loadtest.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.loadtest.report.FaultResult;
import io.ballast.loadtest.scenario.Fault;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A fault is done when its time has come, and what became of it is told, done or not. */
class FaultScriptTest {
  @TempDir private Path folder = Path.of("");

  /** One that leaves a file of its name when it begins. */
  private Fault fault(String name, Duration at, Duration timeout, String command) {
    return new Fault(name, at, "touch " + folder.resolve(name) + "; " + command, timeout);
  }

  @Test
  void whatBecameOfEachIsTold() throws InterruptedException {
    Duration aMinute = Duration.ofMinutes(1);
    List<Fault> faults =
        List.of(
            fault("good", Duration.ZERO, aMinute, "printf done"),
            fault("bad", Duration.ZERO, aMinute, "echo no >&2; exit 7"),
            fault("endless", Duration.ZERO, Duration.ofMillis(200), "exec tail -f /dev/null"),
            fault("late", Duration.ofHours(1), aMinute, "true"));
    try (FaultScript script = new FaultScript(faults)) {
      for (String begun : List.of("good", "bad", "endless")) {
        while (!Files.exists(folder.resolve(begun))) {
          Thread.onSpinWait();
        }
      }
      assertThat(script.finish())
          .extracting(FaultResult::name, FaultResult::exitCode, FaultResult::output)
          .containsExactlyInAnyOrder(
              tuple("good", 0, "done"),
              tuple("bad", 7, "no"),
              tuple("endless", -1, ""),
              tuple("late", -1, "the load was over before"));
    }
    assertThat(folder.resolve("late")).doesNotExist();
  }
}
