package io.ballast.reward.wiring;

import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.reward.adapter.FolderEnsembles;
import io.ballast.reward.config.RewardConfig;
import io.ballast.reward.config.RewardProperties;
import io.grpc.BindableService;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The reward-server as a process sees it: ensembles from model folders. */
public final class RewardModule implements ServerModule {
  private static final String ONNX_CACHE = "onnx";

  private final RewardConfig config;
  private @Nullable RewardServer server;

  /**
   * Reads the properties; {@link #start} does the rest.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public RewardModule(RewardProperties properties) {
    this.config = RewardConfig.from(properties);
  }

  @Override
  public Role role() {
    return Role.REWARD_SERVER;
  }

  /**
   * {@inheritDoc}
   *
   * <p>Without the default ensemble the server starts all the same: other ensembles can be asked,
   * and the default one answers NOT_FOUND.
   */
  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    RewardServer started =
        new RewardServer(
            config,
            new FolderEnsembles(
                runtime.modelFolders(), runtime.dataFolder().resolve(ONNX_CACHE), config.threads()),
            RequestContexts::from,
            runtime.replies(),
            runtime.meters(),
            runtime.nanoTime());
    server = started;
    return started.services();
  }

  @Override
  public List<ServedModels> models() {
    RewardServer started = server;
    return started == null ? List.of() : List.of(started.models());
  }

  @Override
  public void close() {
    RewardServer started = server;
    server = null;
    if (started != null) {
      started.close();
    }
  }
}
