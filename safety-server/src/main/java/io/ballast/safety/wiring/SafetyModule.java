package io.ballast.safety.wiring;

import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.triton.PlacedScoring;
import io.ballast.inference.triton.ScoringFleet;
import io.ballast.inference.triton.ScoringPlace;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.safety.adapter.FolderCostModels;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.adapter.TritonCostModels;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.config.SafetyProperties;
import io.ballast.safety.core.cost.CostModelSource;
import io.grpc.BindableService;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The safety-server as a process sees it: models from folders, cost models run here or by Triton,
 * chance from the system.
 */
public final class SafetyModule implements ServerModule {
  private static final String ONNX_CACHE = "onnx";

  /** How often a cost model behind a Triton that was away is looked for. */
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final SafetyConfig config;
  private @Nullable SafetyServer server;
  private @Nullable PlacedScoring placed;

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
            costModels(runtime),
            new FolderGates(runtime.modelFolders()),
            RequestContexts::from,
            new SecureRandom(),
            Thread::sleep);
    server = started;
    return started.services();
  }

  private CostModelSource costModels(MeshRuntime runtime) {
    FolderCostModels folders =
        new FolderCostModels(
            runtime.modelFolders(), runtime.dataFolder().resolve(ONNX_CACHE), config.threads());
    ScoringPlace place = config.triton();
    if (place.isNowhere()) {
      return folders;
    }
    Set<String> usual = new TreeSet<>(Set.of(config.costs().defaultModel()));
    folders.list().forEach(model -> usual.add(model.id().model()));
    PlacedScoring remote =
        new PlacedScoring(
            place,
            open(place),
            ScoringKind.COST,
            usual,
            runtime.modelFolders(),
            peer ->
                new PeerGuard(
                    peer, place.peer(), runtime.clock(), runtime.nanoTime(), runtime.meters()));
    placed = remote;
    return new TritonCostModels(remote, folders);
  }

  private static ScoringFleet open(ScoringPlace place) {
    try {
      return place.open(System::getenv);
    } catch (IllegalArgumentException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED, "ballast.safety.triton." + e.getMessage(), e);
    }
  }

  /**
   * Goes on with tests that were running when their process stopped, and looks from now on for what
   * runs elsewhere and could not be asked.
   */
  @Override
  public void serving() {
    SafetyServer started = server;
    if (started != null) {
      started.resumeTests();
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
    PlacedScoring remote = placed;
    placed = null;
    if (remote != null) {
      remote.close();
    }
  }
}
