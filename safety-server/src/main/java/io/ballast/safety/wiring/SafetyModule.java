package io.ballast.safety.wiring;

import io.ballast.kit.grpc.RequestContexts;
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

/** The safety-server as a process sees it. */
public final class SafetyModule implements ServerModule {
  private final SafetyProperties properties;
  private @Nullable SafetyServer server;

  public SafetyModule(SafetyProperties properties) {
    this.properties = properties;
  }

  @Override
  public Role role() {
    return Role.SAFETY_SERVER;
  }

  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    SafetyConfig config = SafetyConfig.from(properties);
    SafetyServer started =
        new SafetyServer(
            config,
            runtime,
            new FolderCostModels(
                runtime.modelFolders(), runtime.dataFolder().resolve("onnx"), config.threads()),
            new FolderGates(runtime.modelFolders()),
            RequestContexts::from,
            new SecureRandom(),
            Thread::sleep);
    server = started;
    return started.services();
  }

  @Override
  public void serving() {
    if (server != null) {
      server.resumeTests();
    }
  }

  @Override
  public void close() {
    if (server != null) {
      server.close();
    }
  }
}
