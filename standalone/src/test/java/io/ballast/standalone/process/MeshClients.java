package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.runtime.Role;
import io.ballast.testing.Await;

/** All clients of a mesh together. */
record MeshClients(
    SteadyLoad load, SameNumbers numbers, SuggestingClients suggesting, RunningClient running)
    implements AutoCloseable {
  /**
   * Starts them, until the mesh has everything at hand.
   *
   * @param name of their runs, which no others' have
   */
  static MeshClients start(SplitMesh mesh, String name) {
    SteadyLoad load = new SteadyLoad();
    SameNumbers numbers = new SameNumbers(load);
    SuggestingClients suggesting =
        new SuggestingClients(load, numbers, mesh.at(Role.POLICY_SERVER).port());
    ScoringClients.start(load, numbers, mesh.at(Role.REWARD_SERVER).port());
    RunningClient running = new RunningClient(load, name, mesh.at(Role.ORCHESTRATOR).port());
    Await.until(suggesting::isWarm);
    return new MeshClients(load, numbers, suggesting, running);
  }

  /** Fails if any was told what nobody may be, or a number that was another before. */
  void check() {
    assertThat(load.wrong()).isEmpty();
    assertThat(numbers.different()).isEmpty();
  }

  @Override
  public void close() {
    load.close();
  }
}
