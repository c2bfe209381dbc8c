package io.ballast.orchestrator.wiring;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.adapter.TorchTraineeLoader.Memory;
import io.ballast.orchestrator.config.OrchestratorConfig;
import io.ballast.orchestrator.testing.TestMesh;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Sessions that nobody opened take nothing of a run's memory beyond what is theirs. */
class TrainingMemoryTest {
  private static OrchestratorConfig config(String sessionBytes, String sessions, String runs) {
    return OrchestratorConfig.from(
        TestMesh.properties(
            Map.of(
                "learner-memory-bytes", sessionBytes,
                "learner-sessions", sessions,
                "concurrent-runs", runs)));
  }

  @Test
  void sessionsHaveTheirPropertyAndRunsTheRest() {
    TrainingMemory memory = TrainingMemory.of(10_000, config("2000", "4", "1"));
    assertThat(memory.sessions()).isEqualTo(new Memory(2_000, 4));
    assertThat(memory.runs()).isEqualTo(new Memory(8_000, 1));
  }

  @Test
  void onASmallMachineSessionsHaveHalf() {
    TrainingMemory memory = TrainingMemory.of(3_001, config("2000", "2", "1"));
    assertThat(memory.sessions()).isEqualTo(new Memory(1_500, 2));
    assertThat(memory.runs()).isEqualTo(new Memory(1_501, 1));
  }

  @Test
  void sessionsAreAdmittedWithinWhatIsTheirs() {
    OrchestratorConfig config = config("2000", "2", "1");
    long theirs = TrainingMemory.of(3_001, config).sessions().bytes();
    assertThat(config.learner().within(theirs).maxMemoryBytes()).isEqualTo(1_500);
    assertThat(config.learner().within(9_999).maxMemoryBytes()).isEqualTo(2_000);
  }

  @Test
  void howManySessionsMayBeOpenIsNothingToARun() {
    assertThat(TrainingMemory.of(10_000, config("2000", "64", "1")).runs())
        .isEqualTo(TrainingMemory.of(10_000, config("2000", "1", "1")).runs());
  }

  @Test
  void runsShareWhatIsTheirs() {
    TrainingMemory memory = TrainingMemory.of(10_000, config("2000", "2", "4"));
    assertThat(memory.runs()).isEqualTo(new Memory(8_000, 4));
  }
}
