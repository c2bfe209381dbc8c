package io.ballast.reward.wiring;

import io.ballast.inference.brought.BroughtEngines;
import io.ballast.inference.brought.BroughtFolders;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.scoring.FolderScoring;
import io.ballast.inference.scoring.JoinedScoring;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.inference.triton.GuardedModel;
import io.ballast.inference.triton.PlacedModels;
import io.ballast.inference.triton.ScoringPlace;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.audit.FileAudit;
import io.ballast.kit.audit.ServingTurns;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.TenantCalls;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.reward.adapter.BroughtEnsembles;
import io.ballast.reward.adapter.CompositeFolders;
import io.ballast.reward.adapter.EnsembleUse;
import io.ballast.reward.component.Outside;
import io.ballast.reward.config.RewardConfig;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.config.TrainingConfig;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.grpc.BindableService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The reward-server as a process sees it: ensembles from model folders, run here or by Triton. */
public final class RewardModule implements ServerModule {
  private static final String ONNX_CACHE = "onnx";
  private static final String TRAIL = "reward";
  private static final String TRAIL_FILE = "reward-audit.jsonl";

  /** How often an ensemble behind a Triton that was away is looked for. */
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final RewardConfig config;
  private final TrainingConfig training;
  private @Nullable FileAudit audit;
  private @Nullable RewardServer server;
  private @Nullable RewardTrainings trainings;
  private @Nullable ScoringSource<Ensemble, CompletionScores> models;
  private @Nullable Outside asked;

  /**
   * Reads the properties; {@link #start} does the rest.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public RewardModule(RewardProperties properties) {
    this.config = RewardConfig.from(properties);
    this.training = TrainingConfig.from(properties.training());
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
   * UNAVAILABLE, and is looked for each second. Without its audit trail it does not.
   */
  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    FileAudit trail =
        new FileAudit(TRAIL, runtime.dataFolder().resolve(TRAIL_FILE), runtime.clock());
    audit = trail;
    runtime.configuration().ifPresent(trail::configured);
    ScoringSource<Ensemble, CompletionScores> ensembles = ensembles(runtime);
    models = ensembles;
    Outside outside = OutsideWiring.open(config.components(), runtime);
    asked = outside;
    RewardServer started =
        new RewardServer(
            config,
            ensembles,
            new CompositeFolders(runtime.modelFolders()),
            outside,
            new TenantCalls(RequestContexts::from, runtime.meters(), role().label()),
            trail,
            new RewardServer.Surroundings(
                runtime.replies(),
                runtime.meters(),
                runtime.telemetry(),
                runtime.clock(),
                runtime.nanoTime()));
    server = started;
    RewardTrainings beside =
        new RewardTrainings(
            training, config.items().promptTokens(), runtime, started::waitingTokens, trail);
    trainings = beside;
    List<BindableService> services = new ArrayList<>(started.services());
    services.add(beside.service());
    return services;
  }

  private ScoringSource<Ensemble, CompletionScores> ensembles(MeshRuntime runtime) {
    ScoringSource<Ensemble, CompletionScores> brought =
        new BroughtEnsembles(new BroughtFolders(runtime.modelFolders(), engines(runtime)));
    return new JoinedScoring<>(List.of(brought, headed(runtime)));
  }

  /** What computes classifiers that were brought. */
  private BroughtEngines engines(MeshRuntime runtime) {
    EncoderOptions onnx =
        new EncoderOptions(EncoderOptions.defaults().batchTokens(), config.threads());
    ScoringPlace place = config.triton();
    if (place.isNowhere()) {
      return BroughtEngines.here(onnx);
    }
    return new BroughtEngines(
        onnx,
        model ->
            GuardedModel.open(
                place.targets(),
                model,
                place.settings(System::getenv),
                guard(runtime, "triton:" + model.name() + "/" + model.version())));
  }

  private PeerGuard guard(MeshRuntime runtime, String peer) {
    return new PeerGuard(
        peer, config.triton().peer(), runtime.clock(), runtime.nanoTime(), runtime.meters());
  }

  /** Ensembles of heads on a decoder, here or behind Triton. */
  private ScoringSource<Ensemble, CompletionScores> headed(MeshRuntime runtime) {
    ScoringPlace place = config.triton();
    return PlacedModels.open(
        place,
        "ballast.reward.triton",
        config.settings().defaultModel(),
        new FolderScoring<>(
            EnsembleUse.of(),
            runtime.modelFolders(),
            runtime.dataFolder().resolve(ONNX_CACHE),
            config.threads()),
        System::getenv,
        peer -> guard(runtime, peer));
  }

  /** Looks from now on for what runs elsewhere and could not be asked. */
  @Override
  public void serving() {
    RewardServer started = server;
    if (started != null) {
      started.followServingFile(RETRY);
      if (!config.triton().isNowhere()) {
        started.follow(RETRY);
      }
    }
  }

  @Override
  public Map<String, String> flaws() {
    RewardServer started = server;
    FileAudit trail = audit;
    if (started == null || trail == null) {
      return Map.of();
    }
    Map<String, String> flaws = new TreeMap<>(started.flaws());
    trail.flaw().ifPresent(why -> flaws.putIfAbsent(ServingTurns.TRAIL, "altered: " + why));
    return flaws;
  }

  @Override
  public List<AuditTrail> audits() {
    FileAudit trail = audit;
    return trail == null ? List.of() : List.of(trail);
  }

  @Override
  public List<ServedModels> models() {
    RewardServer started = server;
    return started == null ? List.of() : List.of(started.models());
  }

  @Override
  public void close() {
    RewardTrainings beside = trainings;
    trainings = null;
    if (beside != null) {
      beside.close();
    }
    RewardServer started = server;
    server = null;
    if (started != null) {
      started.close();
    }
    Outside outside = asked;
    asked = null;
    if (outside != null) {
      outside.close();
    }
    ScoringSource<Ensemble, CompletionScores> opened = models;
    models = null;
    if (opened != null) {
      opened.close();
    }
  }
}
