package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.runtime.Role;
import io.ballast.loadtest.scenario.Fault;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The fault of {@code loadtest/scenarios/faults.yaml} kills the process that it is about. */
class FaultScenarioTest {
  /** What the system says of a process that {@code kill -9} ended: 128 and the signal. */
  private static final int KILLED = 137;

  @TempDir private Path folder = Path.of("");

  @Test
  void theHolderOfTheLockIsKilled() throws IOException, InterruptedException {
    Path data = folder.resolve("a data folder");
    ProcessBuilder fault = fault();
    fault.environment().put("BALLAST_DATA", data.toString());

    assertThatItKillsTheHolder(fault, data);
  }

  @Test
  void withoutAVariableTheLockIsInTheCheckoutsOwnFolder() throws IOException, InterruptedException {
    ProcessBuilder fault = fault().directory(folder.toFile());
    fault.environment().remove("BALLAST_DATA");

    assertThatItKillsTheHolder(fault, folder.resolve(".ballast"));
  }

  /** The command, as {@code loadtest run} starts it. */
  private static ProcessBuilder fault() {
    LoadScenario scenario =
        ScenarioReader.read(
            Path.of("..", "loadtest", "scenarios", "faults.yaml"), List.of("int a = "));
    Fault fault = scenario.faults().getFirst();
    return new ProcessBuilder("sh", "-c", fault.command()).inheritIO();
  }

  private static void assertThatItKillsTheHolder(ProcessBuilder fault, Path data)
      throws IOException, InterruptedException {
    Process holder = new ProcessBuilder("cat").start(); // waits for what nobody writes to it
    try (FolderLock lock = FolderLock.claim(data, Role.REWARD_SERVER, holder.pid(), 9_101, 9_181)) {
      assertThat(lock).isNotNull();
      Process command = fault.start();
      assertThat(command.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(command.exitValue()).isZero();
      assertThat(holder.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(holder.exitValue()).isEqualTo(KILLED);
    } finally {
      holder.destroyForcibly();
    }
  }
}
