package io.ballast.orchestrator.wiring;

import io.ballast.orchestrator.adapter.TorchTraineeLoader.Memory;
import io.ballast.orchestrator.config.OrchestratorConfig;

/**
 * How what the machine has for weights in training is divided, whether or not it is used: learner
 * sessions have what they may take by their property, at most half of it, and runs the rest. Each
 * session and each run has the same part of its own.
 *
 * @param sessions of all learner sessions that may be open
 * @param runs of all runs that work at a time
 */
record TrainingMemory(Memory sessions, Memory runs) {
  /**
   * Divides.
   *
   * @param machineBytes what there is for all, at least 2
   */
  static TrainingMemory of(long machineBytes, OrchestratorConfig config) {
    long sessions = Math.min(config.learner().maxMemoryBytes(), machineBytes / 2);
    return new TrainingMemory(
        new Memory(sessions, config.learner().maxSessions()),
        new Memory(machineBytes - sessions, config.concurrentRuns()));
  }
}
