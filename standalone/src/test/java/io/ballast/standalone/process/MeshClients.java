package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.runtime.Role;
import io.ballast.testing.Await;
import java.util.function.ToIntFunction;

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
    return start(role -> mesh.at(role).port(), name);
  }

  /** The same for a mesh of one process. */
  static MeshClients start(BuiltMesh mesh, String name) {
    return start(_ -> mesh.port(), name);
  }

  private static MeshClients start(ToIntFunction<Role> ports, String name) {
    SteadyLoad load = new SteadyLoad();
    SameNumbers numbers = new SameNumbers(load);
    SuggestingClients suggesting =
        new SuggestingClients(load, numbers, ports.applyAsInt(Role.POLICY_SERVER));
    ScoringClients.start(load, numbers, ports.applyAsInt(Role.REWARD_SERVER));
    RunningClient running = new RunningClient(load, name, ports.applyAsInt(Role.ORCHESTRATOR));
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
