package io.ballast.orchestrator.wiring;

import io.ballast.inference.torch.HandedCopies;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.TenantCalls;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.orchestrator.config.OrchestratorConfig;
import io.ballast.orchestrator.config.OrchestratorProperties;
import io.grpc.BindableService;
import java.security.SecureRandom;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The orchestrator as a process sees it. */
public final class OrchestratorModule implements ServerModule {
  private final OrchestratorConfig config;
  private final Optional<HandedCopies> copies;
  private @Nullable OrchestratorServer server;

  /**
   * Reads the properties; {@link #start} does the rest.
   *
   * @param copies where a policy-server of this process finds weights without a folder; empty if
   *     there is none
   * @throws IllegalArgumentException if a property is out of its range, naming it
   */
  public OrchestratorModule(OrchestratorProperties properties, Optional<HandedCopies> copies) {
    this.config = OrchestratorConfig.from(properties);
    this.copies = copies;
  }

  @Override
  public Role role() {
    return Role.ORCHESTRATOR;
  }

  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    OrchestratorServer started =
        new OrchestratorServer(
            config,
            runtime,
            new OrchestratorServer.Surroundings(
                new TenantCalls(RequestContexts::from, runtime.meters(), role().label()),
                new SecureRandom(),
                () -> UUID.randomUUID().toString(),
                Thread::sleep),
            copies);
    server = started;
    return started.services();
  }

  /** Takes up the runs that were under way. */
  @Override
  public void serving() {
    OrchestratorServer started = server;
    if (started != null) {
      started.open();
    }
  }

  @Override
  public List<AuditTrail> audits() {
    OrchestratorServer started = server;
    return started == null ? List.of() : List.of(started.audit());
  }

  @Override
  public void close() {
    OrchestratorServer started = server;
    server = null;
    if (started != null) {
      started.close();
    }
  }
}
