package io.ballast.safety.wiring;

import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.safety.adapter.FolderCostModels;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.config.SafetyProperties;
import io.grpc.BindableService;
import java.security.SecureRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The safety-server as a process sees it: models from folders, chance from the system. */
public final class SafetyModule implements ServerModule {
  private static final String ONNX_CACHE = "onnx";

  private final SafetyConfig config;
  private @Nullable SafetyServer server;

  /**
   * Reads the properties; {@link #start} does the rest.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public SafetyModule(SafetyProperties properties) {
    this.config = SafetyConfig.from(properties);
  }

  @Override
  public Role role() {
    return Role.SAFETY_SERVER;
  }

  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    SafetyServer started =
        new SafetyServer(
            config,
            runtime,
            new FolderCostModels(
                runtime.modelFolders(), runtime.dataFolder().resolve(ONNX_CACHE), config.threads()),
            new FolderGates(runtime.modelFolders()),
            RequestContexts::from,
            new SecureRandom(),
            Thread::sleep);
    server = started;
    return started.services();
  }

  /** Goes on with tests that were running when their process stopped. */
  @Override
  public void serving() {
    SafetyServer started = server;
    if (started != null) {
      started.resumeTests();
    }
  }

  @Override
  public List<ServedModels> models() {
    SafetyServer started = server;
    return started == null ? List.of() : started.models();
  }

  @Override
  public void close() {
    SafetyServer started = server;
    server = null;
    if (started != null) {
      started.close();
    }
  }
}
