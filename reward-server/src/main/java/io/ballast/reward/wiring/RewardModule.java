package io.ballast.reward.wiring;

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
import io.ballast.reward.adapter.FolderEnsembles;
import io.ballast.reward.adapter.TritonEnsembles;
import io.ballast.reward.config.RewardConfig;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.core.EnsembleSource;
import io.grpc.BindableService;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The reward-server as a process sees it: ensembles from model folders, run here or by Triton. */
public final class RewardModule implements ServerModule {
  private static final String ONNX_CACHE = "onnx";

  /** How often an ensemble behind a Triton that was away is looked for. */
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final RewardConfig config;
  private @Nullable RewardServer server;
  private @Nullable PlacedScoring placed;

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
   * and the default one answers NOT_FOUND. So it does without its Triton: what runs there answers
   * UNAVAILABLE, and is looked for each second.
   */
  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    RewardServer started =
        new RewardServer(
            config,
            ensembles(runtime),
            RequestContexts::from,
            runtime.replies(),
            runtime.meters(),
            runtime.nanoTime());
    server = started;
    return started.services();
  }

  private EnsembleSource ensembles(MeshRuntime runtime) {
    FolderEnsembles folders =
        new FolderEnsembles(
            runtime.modelFolders(), runtime.dataFolder().resolve(ONNX_CACHE), config.threads());
    ScoringPlace place = config.triton();
    if (place.isNowhere()) {
      return folders;
    }
    Set<String> usual = new TreeSet<>(Set.of(config.settings().defaultModel()));
    folders.list().forEach(ensemble -> usual.add(ensemble.id().model()));
    PlacedScoring remote =
        new PlacedScoring(
            place,
            open(place),
            ScoringKind.REWARD_ENSEMBLE,
            usual,
            runtime.modelFolders(),
            peer ->
                new PeerGuard(
                    peer, place.peer(), runtime.clock(), runtime.nanoTime(), runtime.meters()));
    placed = remote;
    return new TritonEnsembles(remote, folders);
  }

  private static ScoringFleet open(ScoringPlace place) {
    try {
      return place.open(System::getenv);
    } catch (IllegalArgumentException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED, "ballast.reward.triton." + e.getMessage(), e);
    }
  }

  /** Looks from now on for what runs elsewhere and could not be asked. */
  @Override
  public void serving() {
    RewardServer started = server;
    if (started != null && !config.triton().isNowhere()) {
      started.follow(RETRY);
    }
  }

  @Override
  public Map<String, String> flaws() {
    RewardServer started = server;
    return started == null ? Map.of() : started.flaws();
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
    PlacedScoring remote = placed;
    placed = null;
    if (remote != null) {
      remote.close();
    }
  }
}
