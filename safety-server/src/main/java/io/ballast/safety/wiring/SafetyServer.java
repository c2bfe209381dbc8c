package io.ballast.safety.wiring;

import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.audit.ServingTurns;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.shadow.ShadowTraffic;
import io.ballast.kit.swap.ServingFile;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.adapter.FolderLabels;
import io.ballast.safety.adapter.GrpcAliasRecord;
import io.ballast.safety.adapter.GrpcCanaryDecisions;
import io.ballast.safety.adapter.GrpcCandidateSampler;
import io.ballast.safety.adapter.GrpcDriftSource;
import io.ballast.safety.adapter.GrpcPolicyCanaries;
import io.ballast.safety.adapter.JwsSeal;
import io.ballast.safety.adapter.PostgresCanaryStore;
import io.ballast.safety.adapter.PostgresSafetyTestStore;
import io.ballast.safety.adapter.SafetyTelemetry;
import io.ballast.safety.adapter.ShadowedCosts;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.core.SafetyMonitor;
import io.ballast.safety.core.canary.CanaryWatcher;
import io.ballast.safety.core.cost.CostCatalog;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.CostScorer;
import io.ballast.safety.core.cost.HeadScores;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateFlow;
import io.ballast.safety.core.gate.GateSource;
import io.ballast.safety.core.gatefit.DriftWatch;
import io.ballast.safety.core.safetytest.CandidateSampler;
import io.ballast.safety.core.safetytest.CertificateClock;
import io.ballast.safety.core.safetytest.CertificateDesk;
import io.ballast.safety.core.safetytest.CertificateIssuer;
import io.ballast.safety.core.safetytest.CertificateRedemptions;
import io.ballast.safety.core.safetytest.CertificateReplay;
import io.ballast.safety.core.safetytest.CertificateSeal;
import io.ballast.safety.core.safetytest.LookLedger;
import io.ballast.safety.core.safetytest.Pause;
import io.ballast.safety.core.safetytest.SafetyTestStore;
import io.ballast.safety.core.safetytest.SafetyTests;
import io.ballast.safety.core.safetytest.SigningKeys;
import io.ballast.safety.core.safetytest.TestRunner;
import io.ballast.safety.core.safetytest.Verdicts;
import io.ballast.safety.grpc.CallContexts;
import io.ballast.safety.grpc.DisplayGateGrpcService;
import io.ballast.safety.grpc.KserveCosts;
import io.ballast.safety.grpc.KserveGates;
import io.ballast.safety.grpc.SafetyGrpcService;
import io.grpc.BindableService;
import io.micrometer.core.instrument.Gauge;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A safety-server, built and ready to serve. */
public final class SafetyServer implements AutoCloseable {
  private static final String SCHEMA = "safety";
  private static final Logger LOG = LoggerFactory.getLogger(SafetyServer.class);

  private final PostgresAudit audit;
  private final CostCatalog catalog;
  private final Optional<ShadowTraffic> shadow;
  private final Optional<ServingFile> serving;
  private final ServingTurns turns;
  private final GateFlow gates;
  private final TestRunner runner;
  private final CanaryWatcher canaries;
  private final DriftWatch drift;
  private final List<BindableService> services;
  private final List<ServedModels> models;

  /**
   * Builds every part and loads the default models that are there. Without them the server starts
   * all the same, and says NOT_FOUND where one is asked.
   *
   * @param keys sign certificates, and verify them
   * @param contexts validates the metadata of requests
   * @param random draws ids and seeds; must be safe for use by many threads
   * @param pause waits between attempts of background work
   * @throws io.ballast.kit.error.MeshException if the default cost model cannot be loaded
   */
  public SafetyServer(
      SafetyConfig config,
      MeshRuntime runtime,
      ScoringSource<CostModel, HeadScores> costModels,
      GateSource gateModels,
      SigningKeys keys,
      Function<RequestMetadata, RequestContext> contexts,
      RandomGenerator random,
      Pause pause) {
    SafetyTelemetry monitor =
        new SafetyTelemetry(runtime.meters(), runtime.telemetry(), runtime.clock());
    CallContexts calls = new CallContexts(contexts);
    catalog = new CostCatalog(costModels, config.costs(), config.queue(), runtime.nanoTime());
    CostFlow costs =
        new CostFlow(catalog, config.costs(), config.items(), monitor, runtime.nanoTime());
    shadow =
        config
            .shadow()
            .map(
                target ->
                    new ShadowTraffic(
                        target,
                        "ballast.safety.shadow",
                        () -> catalog.waitingTokens() > config.queue().batchWeight(),
                        runtime.meters()));
    CostScorer answered =
        shadow.<CostScorer>map(traffic -> shadowing(costs, config, runtime, traffic)).orElse(costs);
    gates = new GateFlow(gateModels, config.gate(), monitor);
    Database database = runtime.database(SCHEMA);
    audit = new PostgresAudit(SCHEMA, database);
    turns = new ServingTurns(audit);
    runtime.configuration().ifPresent(audit::configured);
    SafetyTestStore store = new PostgresSafetyTestStore(database);
    CandidateSampler sampler =
        new GrpcCandidateSampler(
            runtime.peer(Role.POLICY_SERVER),
            config.timeouts().sample(),
            config.timeouts().version());
    TimeOrderedIds ids = new TimeOrderedIds(runtime.clock(), random);
    ChangeSignal changes = new ChangeSignal();
    CertificateSeal seal = new JwsSeal(keys);
    CertificateClock time =
        new CertificateClock(store, config.certificates().clockSkew(), runtime.clock());
    CertificateIssuer issuer =
        new CertificateIssuer(
            seal, config.certificates().validity(), CodeVersion.built().toString(), ids, time);
    runner =
        new TestRunner(
            store,
            sampler,
            costs,
            config.tests(),
            monitor,
            changes,
            issuer,
            runtime.clock(),
            pause);
    SafetyTests tests =
        new SafetyTests(
            store,
            sampler,
            catalog,
            new FolderLabels(runtime.modelFolders()),
            issuer,
            runner,
            config.tests(),
            changes,
            ids,
            runtime.clock(),
            random);
    canaries =
        new CanaryWatcher(
            new PostgresCanaryStore(database),
            new GrpcPolicyCanaries(
                runtime.peer(Role.POLICY_SERVER),
                config.timeouts().version(),
                config.timeouts().sample()),
            new GrpcCanaryDecisions(runtime.peer(Role.POLICY_SERVER), config.timeouts().sample()),
            costs,
            config.items().items(),
            config.canary(),
            monitor,
            ids,
            runtime.clock());
    drift =
        new DriftWatch(
            new GrpcDriftSource(runtime.peer(Role.POLICY_SERVER)), config.drift(), runtime.clock());
    CertificateDesk desk = new CertificateDesk(store, seal, time);
    services =
        List.of(
            new SafetyGrpcService(
                answered,
                tests,
                desk,
                new CertificateRedemptions(
                    store, desk, config.certificates().redemption(), ids, time, runtime.clock()),
                new Verdicts(
                    store,
                    sampler,
                    new GrpcAliasRecord(
                        runtime.peer(Role.POLICY_SERVER), config.timeouts().version()),
                    desk),
                new CertificateReplay(store, desk, sampler, costs, config.tests()),
                new LookLedger(store),
                canaries,
                calls,
                runtime.replies()),
            new DisplayGateGrpcService(gates, calls, runtime.replies()));
    models =
        List.of(
            new KserveCosts(costs, catalog, config.items().items()),
            new KserveGates(gates, runtime.nanoTime()));
    var unused =
        Gauge.builder("ballast.safety.waiting.tokens", catalog, CostCatalog::waitingTokens)
            .register(runtime.meters());
    var alsoUnused =
        Gauge.builder(
                "ballast.safety.canary.unread.seconds", canaries, CanaryWatcher::unreadSeconds)
            .register(runtime.meters());
    var unusedToo =
        Gauge.builder("ballast.safety.canary.unwatched", canaries, CanaryWatcher::unwatched)
            .register(runtime.meters());
    var unusedBesides =
        Gauge.builder("ballast.safety.canary.unasked", canaries, CanaryWatcher::unasked)
            .register(runtime.meters());
    var unusedHere =
        Gauge.builder("ballast.safety.gate.drift.alarms", drift, DriftWatch::alarms)
            .register(runtime.meters());
    var unusedAsWell =
        Gauge.builder("ballast.safety.gate.drift.unread.seconds", drift, DriftWatch::unreadSeconds)
            .register(runtime.meters());
    serving = config.servingFile().map(file -> new ServingFile(file, this::turn));
    try {
      serving.ifPresent(ServingFile::look);
      catalog.warmUp().ifPresent(LOG::warn);
      gates.warmUp().forEach(flaw -> LOG.error("the gate cannot decide: {}", flaw.getMessage()));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** What was done for good. */
  public AuditTrail audit() {
    return audit;
  }

  /** Lets these versions serve, and tells the trail; returns what keeps some from it. */
  private Map<String, String> turn(Map<String, String> versions) {
    Map<String, String> costs = new TreeMap<>(versions);
    costs.keySet().removeIf(gates::isOf);
    Set<String> models = turns.models(versions.keySet());
    Map<String, PinnedVersion> before = servingOf(models);
    Map<String, String> flaws = new TreeMap<>(catalog.turn(costs));
    flaws.putAll(gates.turn(versions));
    flaws.putAll(turns.tell(before, servingOf(models)));
    return flaws;
  }

  /** What serves of these models, those that there are. */
  private Map<String, PinnedVersion> servingOf(Set<String> models) {
    Map<String, PinnedVersion> serving = catalog.serving(models);
    for (AcceptModel gate : gates.models()) {
      if (models.contains(gate.id().model())) {
        serving.put(gate.id().model(), gate.id());
      }
    }
    return serving;
  }

  /** Looks from now on, each {@code interval}, which versions are to serve. */
  public void followServingFile(Duration interval) {
    serving.ifPresent(file -> file.follow(interval));
  }

  /** Looks once which versions are to serve. */
  public void lookAtServingFile() {
    serving.ifPresent(ServingFile::look);
  }

  private CostScorer shadowing(
      CostScorer costs, SafetyConfig config, MeshRuntime runtime, ShadowTraffic traffic) {
    return new ShadowedCosts(
        costs,
        new CostFlow(
            catalog, config.costs(), config.items(), SafetyMonitor.nobody(), runtime.nanoTime()),
        traffic.target(),
        config.costs(),
        traffic);
  }

  /** The services of the safety API. */
  public List<BindableService> services() {
    return services;
  }

  /** The cost models and the gate's as KServe clients see them. */
  public List<ServedModels> models() {
    return models;
  }

  /**
   * Looks from now on, each {@code interval}, for cost models elsewhere that could not be asked.
   */
  public void follow(Duration interval) {
    catalog.follow(interval);
  }

  /** What keeps cost models from being asked now, by name and version. */
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>(catalog.flaws());
    serving.ifPresent(file -> flaws.putAll(file.flaws()));
    return flaws;
  }

  /** Goes on with tests that were running when their process stopped. Peers may be called now. */
  public void resumeTests() {
    runner.resume();
  }

  /** Watches canaries from now on, or counts those that nobody does. Peers may be called now. */
  public void watchCanaries() {
    canaries.start();
  }

  /** Watches whether what gates say comes true from now on. Peers may be called now. */
  public void watchDrift() {
    drift.start();
  }

  /**
   * Looks at every canary once.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if the database is away
   */
  public void lookAtCanaries() {
    canaries.look();
  }

  @Override
  public void close() {
    serving.ifPresent(ServingFile::close);
    drift.close();
    canaries.close();
    runner.close();
    shadow.ifPresent(ShadowTraffic::close);
    catalog.close();
    gates.close();
  }
}
