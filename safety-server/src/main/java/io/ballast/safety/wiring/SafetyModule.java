package io.ballast.safety.wiring;

import io.ballast.inference.scoring.FolderScoring;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.inference.triton.PlacedModels;
import io.ballast.inference.triton.ScoringPlace;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.TenantCalls;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.safety.adapter.CostUse;
import io.ballast.safety.adapter.FileSigningKeys;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.adapter.FolderSigningKeys;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.config.SafetyProperties;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.HeadScores;
import io.ballast.safety.core.safetytest.SigningKeys;
import io.grpc.BindableService;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The safety-server as a process sees it: models from folders, cost models run here or by Triton,
 * chance from the system.
 */
public final class SafetyModule implements ServerModule {
  private static final String ONNX_CACHE = "onnx";
  private static final String KEYS = "signing-keys";

  /** How often a cost model behind a Triton that was away is looked for. */
  private static final Duration RETRY = Duration.ofSeconds(1);

  private static final Logger LOG = LoggerFactory.getLogger(SafetyModule.class);

  private final SafetyConfig config;
  private final Optional<Boolean> allTenantsDecisions;
  private @Nullable SafetyServer server;
  private @Nullable ScoringSource<CostModel, HeadScores> models;

  /**
   * Reads the properties; {@link #start} does the rest.
   *
   * @param allTenantsDecisions whether policy-servers with this process's properties let decisions
   *     for all tenants be read; absent: where the mesh has a PostgreSQL of its own
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public SafetyModule(SafetyProperties properties, Optional<Boolean> allTenantsDecisions) {
    this.config = SafetyConfig.from(properties);
    this.allTenantsDecisions = allTenantsDecisions;
  }

  @Override
  public Role role() {
    return Role.SAFETY_SERVER;
  }

  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    if (config.canary().watch() && !allTenantsDecisions.orElse(runtime.ownsDatabase())) {
      LOG.warn(
          "canaries are watched (ballast.safety.canary.watch), but"
              + " ballast.policy.all-tenants-decisions is off: if it is off at the policy-server"
              + " too, no canary can be read, and each is rolled back after {}",
          config.canary().maxBlind());
    }
    ScoringSource<CostModel, HeadScores> costModels = costModels(runtime);
    models = costModels;
    SafetyServer started =
        new SafetyServer(
            config,
            runtime,
            costModels,
            new FolderGates(runtime.modelFolders()),
            keys(runtime),
            new TenantCalls(RequestContexts::from, runtime.meters(), role().label()),
            new SecureRandom(),
            Thread::sleep);
    server = started;
    return started.services();
  }

  private SigningKeys keys(MeshRuntime runtime) {
    Optional<Path> folder = config.certificates().signingKeys();
    if (folder.isPresent()) {
      return new FolderSigningKeys(folder.get());
    }
    return runtime.ownsDatabase()
        ? FileSigningKeys.openOrMake(runtime.dataFolder().resolve(KEYS), new SecureRandom())
        : FileSigningKeys.none();
  }

  private ScoringSource<CostModel, HeadScores> costModels(MeshRuntime runtime) {
    ScoringPlace place = config.triton();
    return PlacedModels.open(
        place,
        "ballast.safety.triton",
        config.costs().defaultModel(),
        new FolderScoring<>(
            CostUse.of(),
            runtime.modelFolders(),
            runtime.dataFolder().resolve(ONNX_CACHE),
            config.threads()),
        System::getenv,
        peer ->
            new PeerGuard(
                peer, place.peer(), runtime.clock(), runtime.nanoTime(), runtime.meters()));
  }

  /**
   * Goes on with tests that were running when their process stopped, and from now on watches
   * canaries and looks for what runs elsewhere and could not be asked.
   */
  @Override
  public void serving() {
    SafetyServer started = server;
    if (started != null) {
      started.resumeTests();
      started.watchCanaries();
      started.watchDrift();
      started.followServingFile(RETRY);
      if (!config.triton().isNowhere()) {
        started.follow(RETRY);
      }
    }
  }

  @Override
  public Map<String, String> flaws() {
    SafetyServer started = server;
    return started == null ? Map.of() : started.flaws();
  }

  @Override
  public List<AuditTrail> audits() {
    SafetyServer started = server;
    return started == null ? List.of() : List.of(started.audit());
  }

  @Override
  public List<ServedModels> models() {
    SafetyServer started = server;
    return started == null ? List.of() : started.models();
  }

  /** Costs and the display gate go on. */
  @Override
  public boolean servesWithoutDatabase() {
    return true;
  }

  @Override
  public void close() {
    SafetyServer started = server;
    server = null;
    if (started != null) {
      started.close();
    }
    ScoringSource<CostModel, HeadScores> opened = models;
    models = null;
    if (opened != null) {
      opened.close();
    }
  }
}
