package io.ballast.orchestrator;

import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Runs that are watched, on a real learner and a real database. */
abstract class RewardWatchCase {
  @TempDir private Path root;
  TestMesh mesh;

  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  static String spec(String watch) {
    return TestSpecs.spec("watched", "watch: " + watch).replace("iterations: 3", "iterations: 6");
  }

  /** Members agree in the first {@code calm} iterations and not after. */
  void comeApartAfter(int calm) {
    mesh.rewards.spread = (call, completion) -> call < calm ? 0.2 : 0.8;
  }
}
