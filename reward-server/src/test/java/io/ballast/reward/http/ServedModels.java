package io.ballast.reward.http;

import io.ballast.kit.runtime.Role;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The routes before a reward-server with the models that come with the mesh. */
final class ServedModels implements AutoCloseable {
  private static final Path MODELS = Path.of("../models");

  private final FixedRuntime runtime;
  private final RewardModule module;
  private final TestRoutes routes;

  /**
   * @param data an empty folder
   * @param properties with their prefix
   */
  ServedModels(Path data, Map<String, String> properties) throws Exception {
    runtime = new FixedRuntime(Role.REWARD_SERVER, List.of(MODELS), data);
    module = new RewardModule(TestReward.properties(properties));
    routes = new TestRoutes(module.start(runtime));
    module.serving();
  }

  TestRoutes routes() {
    return routes;
  }

  @Override
  public void close() throws Exception {
    routes.close();
    module.close();
    runtime.close();
  }
}
