package io.ballast.reward.wiring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.audit.ServingTurns;
import io.ballast.kit.audit.TurnTrail;
import io.ballast.kit.batching.BatchedAnswers;
import io.ballast.kit.batching.SharedAnswers;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.shadow.ShadowTraffic;
import io.ballast.kit.swap.ServingFile;
import io.ballast.kit.telemetry.SharingMetrics;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.adapter.CatalogTokens;
import io.ballast.reward.adapter.ScoreTelemetry;
import io.ballast.reward.adapter.ShadowedScorer;
import io.ballast.reward.component.CompositeCatalog;
import io.ballast.reward.component.CompositeFlow;
import io.ballast.reward.component.CompositeSource;
import io.ballast.reward.component.Outside;
import io.ballast.reward.component.Tools;
import io.ballast.reward.config.RewardConfig;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleCatalog;
import io.ballast.reward.core.RewardFlow;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.RewardSettings;
import io.ballast.reward.grpc.KserveRewards;
import io.ballast.reward.grpc.RewardGrpcService;
import io.ballast.reward.grpc.RewardMapper;
import io.grpc.BindableService;
import io.grpc.Context;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A reward-server, built and ready to serve. */
public final class RewardServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RewardServer.class);

  /** What a process gives: what completes answers, where numbers and traces go, and the time. */
  public record Surroundings(
      Replies replies,
      MeterRegistry meters,
      OpenTelemetry telemetry,
      InstantSource clock,
      LongSupplier nanoTime) {}

  private final EnsembleCatalog catalog;
  private final RewardGrpcService service;
  private final ServedModels models;
  private final Optional<ShadowTraffic> shadow;
  private final Optional<ServingFile> serving;
  private final ServingTurns turns;
  private final ExecutorService components =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("reward-component-", 0).factory());

  /**
   * Builds every part and loads the default ensemble if it is there.
   *
   * @param composites where they come from
   * @param outside what components may ask; stays its owner's
   * @param contexts validates the metadata of requests
   * @param trail told of each turn of the serving file
   * @throws io.ballast.kit.error.MeshException if the default ensemble cannot be loaded
   */
  public RewardServer(
      RewardConfig config,
      ScoringSource<Ensemble, CompletionScores> source,
      CompositeSource composites,
      Outside outside,
      Function<RequestMetadata, RequestContext> contexts,
      TurnTrail trail,
      Surroundings surroundings) {
    MeterRegistry meters = surroundings.meters();
    LongSupplier nanoTime = surroundings.nanoTime();
    catalog = new EnsembleCatalog(source, config.settings(), config.queue(), nanoTime);
    SharedAnswers<TokenIds, TokenIds, CompletionScores> scores =
        new SharedAnswers<>(
            new BatchedAnswers(
                config.settings().modelTimeout(), config.settings().deadlineReserve(), nanoTime),
            CompletionScores.sharing(),
            config.cacheBytes());
    RewardFlow flow = new RewardFlow(catalog, config.settings(), config.items(), scores, nanoTime);
    RewardSettings settings = config.settings();
    CompositeCatalog made =
        new CompositeCatalog(composites, settings.defaultModel(), settings.servingVersion());
    Function<RewardScorer, RewardScorer> composing =
        learned ->
            new CompositeFlow(
                made,
                new Tools(learned, new CatalogTokens(catalog), outside),
                config.items(),
                new CompositeFlow.Patience(settings.modelTimeout(), settings.deadlineReserve()),
                Context.currentContextExecutor(components),
                nanoTime);
    RewardScorer scorer =
        composing.apply(
            new ScoreTelemetry(flow, meters, surroundings.telemetry(), surroundings.clock()));
    shadow =
        config
            .shadow()
            .map(
                target ->
                    new ShadowTraffic(
                        target,
                        "ballast.reward.shadow",
                        () -> catalog.waitingTokens() > config.queue().batchWeight(),
                        meters));
    RewardScorer asked =
        shadow
            .map(traffic -> shadowing(scorer, composing.apply(flow), config, traffic))
            .orElse(scorer);
    service =
        new RewardGrpcService(
            flow, asked, catalog, made, new RewardMapper(contexts), surroundings.replies());
    models = new KserveRewards(flow, catalog, config.items().items());
    var unused =
        Gauge.builder("ballast.reward.waiting.tokens", catalog, EnsembleCatalog::waitingTokens)
            .register(meters);
    SharingMetrics.register(meters, "ballast.reward", scores);
    turns = new ServingTurns(trail);
    serving = config.servingFile().map(file -> new ServingFile(file, this::turn));
    try {
      serving.ifPresent(ServingFile::look);
      if (made.find(VersionSelector.alias("", VersionSelector.SERVING)).isEmpty()) {
        catalog.warmUp().ifPresent(LOG::warn);
      }
      warnOfRulesOfNobody(config);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Lets these versions serve, and tells the trail; returns what keeps some from it. */
  private Map<String, String> turn(Map<String, String> versions) {
    Set<String> models = turns.models(versions.keySet());
    Map<String, PinnedVersion> before = catalog.serving(models);
    Map<String, String> flaws = new TreeMap<>(catalog.turn(versions));
    flaws.putAll(turns.tell(before, catalog.serving(models)));
    return flaws;
  }

  private static RewardScorer shadowing(
      RewardScorer scorer, RewardScorer unwatched, RewardConfig config, ShadowTraffic traffic) {
    return new ShadowedScorer(
        scorer,
        unwatched,
        traffic.target(),
        config.settings().defaultModel(),
        config.settings().modelTimeout(),
        traffic);
  }

  /** What an operator demands of an ensemble must not be lost on a name that is misspelt. */
  private void warnOfRulesOfNobody(RewardConfig config) {
    Set<String> known = new TreeSet<>();
    catalog.list().forEach(ensemble -> known.add(ensemble.id().model()));
    for (String name : config.settings().rulesOfNobody(known)) {
      LOG.warn(
          "ballast.reward.ensembles.\"{}\": there is no reward ensemble of this name (there are:"
              + " {}); the rule holds if one comes",
          name,
          known.isEmpty() ? "none" : String.join(", ", known));
    }
  }

  /** Looks from now on, each {@code interval}, which versions are to serve. */
  public void followServingFile(Duration interval) {
    serving.ifPresent(file -> file.follow(interval));
  }

  /** Looks once which versions are to serve. */
  public void lookAtServingFile() {
    serving.ifPresent(ServingFile::look);
  }

  /** Looks from now on, each {@code interval}, for ensembles elsewhere that could not be asked. */
  public void follow(Duration interval) {
    catalog.follow(interval);
  }

  /** What keeps ensembles from being asked now, by name and version. */
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>(catalog.flaws());
    serving.ifPresent(file -> flaws.putAll(file.flaws()));
    return flaws;
  }

  /** The tokens that wait to be scored, of all ensembles. */
  public int waitingTokens() {
    return catalog.waitingTokens();
  }

  /** The services of the reward API. */
  public List<BindableService> services() {
    return List.of(service);
  }

  /** The ensembles as KServe clients see them. */
  public ServedModels models() {
    return models;
  }

  @Override
  public void close() {
    serving.ifPresent(ServingFile::close);
    shadow.ifPresent(ShadowTraffic::close);
    components.shutdownNow();
    catalog.close();
  }
}
