package io.ballast.policy.wiring;

import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.call.BearerToken;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.outbox.EventJson;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.redaction.Wordless;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.adapter.DecoderMetrics;
import io.ballast.policy.adapter.FeedbackTelemetry;
import io.ballast.policy.adapter.GrpcCertificateAuthority;
import io.ballast.policy.adapter.GrpcCostOracle;
import io.ballast.policy.adapter.GrpcDecisionReplay;
import io.ballast.policy.adapter.GrpcDisplayGate;
import io.ballast.policy.adapter.GrpcRewardOracle;
import io.ballast.policy.adapter.PolicyEvents;
import io.ballast.policy.adapter.PostgresDecisionStore;
import io.ballast.policy.adapter.PostgresFeedbackStore;
import io.ballast.policy.adapter.PostgresHistoryStore;
import io.ballast.policy.adapter.PostgresMonths;
import io.ballast.policy.adapter.PostgresSuggestionLog;
import io.ballast.policy.adapter.PostgresUserData;
import io.ballast.policy.adapter.PostgresVersionStore;
import io.ballast.policy.adapter.SuggestTelemetry;
import io.ballast.policy.config.PolicyConfig;
import io.ballast.policy.core.feedback.DecisionLog;
import io.ballast.policy.core.feedback.FeedbackLog;
import io.ballast.policy.core.feedback.FeedbackStore;
import io.ballast.policy.core.feedback.UserData;
import io.ballast.policy.core.history.UserHistory;
import io.ballast.policy.core.outage.SpoolReplay;
import io.ballast.policy.core.sample.LogProbsFlow;
import io.ballast.policy.core.sample.SampleFlow;
import io.ballast.policy.core.suggest.CompletionFlow;
import io.ballast.policy.core.suggest.SuggestFlow;
import io.ballast.policy.core.version.AliasMoves;
import io.ballast.policy.core.version.BreakGlassSecret;
import io.ballast.policy.core.version.CanarySplit;
import io.ballast.policy.core.version.DecoderLoader;
import io.ballast.policy.core.version.ServingDecoders;
import io.ballast.policy.core.version.VersionCatalog;
import io.ballast.policy.grpc.BreakGlassHeader;
import io.ballast.policy.grpc.CallMapper;
import io.ballast.policy.grpc.FeedbackGrpcService;
import io.ballast.policy.grpc.FeedbackMapper;
import io.ballast.policy.grpc.KservePolicies;
import io.ballast.policy.grpc.PolicyGrpcService;
import io.ballast.policy.grpc.SuggestMapper;
import io.ballast.policy.grpc.VersionGrpcService;
import io.ballast.policy.grpc.VersionMapper;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.micrometer.core.instrument.Gauge;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A policy-server, built and ready to serve. */
public final class PolicyServer implements AutoCloseable {
  private static final String SCHEMA = "policy";

  /** How often months are made, and what is old is looked for. */
  private static final Duration UPKEEP_INTERVAL = Duration.ofHours(1);

  /** So many users' histories are looked up at a time. */
  private static final int HISTORY_QUERIES = 2;

  private static final Logger LOG = LoggerFactory.getLogger(PolicyServer.class);

  private final ServingDecoders serving;
  private final VersionCatalog catalog;
  private final List<BindableService> services;
  private final ServedModels models;
  private final AuditTrail audit;
  private final UserData data;
  private final ScheduledExecutorService background;
  private final ExecutorService histories;
  private final PostgresMonths months;
  private final InstantSource clock;
  private final Optional<Duration> retention;
  private final ScheduledExecutorService upkeep =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("policy-upkeep").factory());
  private final OutageHandling outage;
  private final SpoolReplay replay;

  /**
   * Builds every part, migrates nothing itself, loads what the aliases point to.
   *
   * @param contexts validates the metadata of requests
   * @param random draws ids and seeds; must be safe for use by many threads
   * @throws io.ballast.kit.error.MeshException if a model cannot be loaded; one that another server
   *     runs, which is away, is loaded when it is back
   */
  public PolicyServer(
      PolicyConfig config,
      MeshRuntime runtime,
      DecoderLoader loader,
      Function<RequestMetadata, RequestContext> contexts,
      RandomGenerator random) {
    Database database = runtime.database(SCHEMA);
    Channel safety = runtime.peer(Role.SAFETY_SERVER);
    Channel reward = runtime.peer(Role.REWARD_SERVER);
    TimeOrderedIds ids = new TimeOrderedIds(runtime.clock(), random);
    ChangeSignal changes = new ChangeSignal();
    outage = new OutageHandling(config.outage(), runtime, database);
    CallMapper calls = new CallMapper(contexts);
    PolicyEvents events =
        new PolicyEvents(
            runtime.outbox(Role.POLICY_SERVER, database),
            new PolicyEvents.Words(
                command -> EventJson.of(FeedbackMapper.event(command)),
                alias -> EventJson.of(new VersionMapper(calls).latest(alias))),
            UUID::randomUUID);

    serving = new ServingDecoders(loader, config.maxPinnedVersions());
    catalog =
        new VersionCatalog(
            new PostgresVersionStore(database, events),
            loader,
            serving,
            runtime.clock(),
            config.defaultModel(),
            new CanarySplit(config.canarySticky()));
    AliasMoves moves =
        catalog.moves(
            new GrpcCertificateAuthority(
                safety, config.timeouts().certificate(), config.promotion(), runtime.clock()),
            new BreakGlassSecret(
                BearerToken.read(
                    "ballast.policy.break-glass-",
                    config.breakGlassTokenFile(),
                    Optional.empty(),
                    variable -> null)));
    histories =
        Executors.newFixedThreadPool(
            HISTORY_QUERIES, Thread.ofPlatform().daemon().name("policy-history-", 0).factory());
    UserHistory history =
        new UserHistory(
            outage.over(new PostgresHistoryStore(database)),
            histories,
            runtime.clock(),
            config.history().users(),
            config.history().refresh());
    SuggestMapper suggestMapper = new SuggestMapper(calls);
    PostgresSuggestionLog suggestionLog =
        new PostgresSuggestionLog(database, suggestMapper::encode, changes);
    SuggestFlow suggestions =
        new SuggestFlow(
            catalog,
            new SuggestFlow.Peers(
                new GrpcDisplayGate(safety, config.timeouts().gate()),
                new GrpcRewardOracle(reward, config.timeouts().judge()),
                new GrpcCostOracle(safety, config.timeouts().judge()),
                config::policyOf),
            new SuggestFlow.Memory(
                outage.over(suggestionLog, suggestMapper::encode), history, SuggestMapper::encode),
            new SuggestTelemetry(runtime.meters(), runtime.telemetry(), runtime.clock()),
            config.limits(),
            new SuggestFlow.Chance(ids, random, runtime.clock()),
            runtime.nanoTime());
    FeedbackStore feedbackStore =
        new FeedbackTelemetry(new PostgresFeedbackStore(database, events), runtime.meters());
    FeedbackLog feedback =
        new FeedbackLog(outage.over(feedbackStore), ids, changes, history, config.followInterval());
    replay =
        outage.replay(
            suggestionLog,
            new FeedbackLog(feedbackStore, ids, changes, history, config.followInterval()));
    PostgresAudit trail = new PostgresAudit(SCHEMA, database);
    audit = trail;
    data =
        new UserData(
            new PostgresUserData(database, trail),
            history,
            runtime.clock(),
            config.retention(),
            outage::waiting);
    months = new PostgresMonths(database);
    clock = runtime.clock();
    retention = config.retention();
    keepMonths(); // before anybody writes into them
    runtime.configuration().ifPresent(trail::configured);
    services =
        List.of(
            new PolicyGrpcService(
                suggestions,
                new SampleFlow(
                    catalog, config.limits(), config.sampleWindow(), random, runtime.nanoTime()),
                new LogProbsFlow(catalog, config.limits(), runtime.nanoTime()),
                calls,
                runtime.replies(),
                runtime.nanoTime()),
            BreakGlassHeader.readBy(
                new VersionGrpcService(catalog, moves, calls, runtime.replies())),
            new FeedbackGrpcService(
                feedback,
                new DecisionLog(
                    new PostgresDecisionStore(database),
                    runtime.clock(),
                    changes,
                    config.followInterval()),
                new GrpcDecisionReplay(safety, config.timeouts().gate()),
                data,
                new FeedbackMapper(
                    calls,
                    runtime.clock(),
                    config.allTenantsDecisions().orElse(runtime.ownsDatabase())),
                runtime.replies()));
    models =
        new KservePolicies(
            new CompletionFlow(catalog, config.limits(), random), catalog, runtime.nanoTime());
    var unused =
        Gauge.builder("ballast.policy.loaded.versions", serving, ServingDecoders::loadedCount)
            .register(runtime.meters());
    DecoderMetrics.register(runtime.meters(), serving::statistics);
    background =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("policy-aliases").factory());
    try {
      catalog
          .start(config.firstVersion())
          .ifPresent(
              away ->
                  LOG.warn(
                      "what \"serving\" of {} means is away, and is asked for again by each call:"
                          + " {}",
                      config.defaultModel(),
                      away.getMessage()));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The three services of the policy API. */
  public List<BindableService> services() {
    return services;
  }

  /** The registered versions as KServe clients see them. */
  public ServedModels models() {
    return models;
  }

  /** What was done for good. */
  public AuditTrail audit() {
    return audit;
  }

  /** Which aliases do not serve, and why. */
  public Map<String, String> flaws() {
    return catalog.flaws();
  }

  /** Looks from now on for aliases that other replicas moved, and for a database that was away. */
  public void follow(PolicyConfig config) {
    outage.follow(this::replay);
    long nanos = config.aliasRefresh().toNanos();
    var unused =
        background.scheduleWithFixedDelay(this::refreshAliases, nanos, nanos, TimeUnit.NANOSECONDS);
    long interval = UPKEEP_INTERVAL.toNanos();
    var atOnce = upkeep.submit(this::deleteOld); // months were kept before the port opened
    var often =
        upkeep.scheduleWithFixedDelay(
            () -> {
              keepMonths();
              deleteOld();
            },
            interval,
            interval,
            TimeUnit.NANOSECONDS);
  }

  /**
   * Makes the months that suggestions and events come into, and drops those that retention emptied;
   * on failure the next look goes on, and the default partitions take what has no month.
   */
  public void keepMonths() {
    Instant now = clock.instant();
    try {
      int made = months.make(now);
      int dropped = retention.map(time -> months.dropEmpty(now.minus(time))).orElse(0);
      if (made + dropped > 0) {
        LOG.info("made the partitions of {} months, dropped those of {}", made, dropped);
      }
    } catch (RuntimeException e) {
      LOG.warn("the partitions of months could not be kept: {}", Wordless.of(e).toString());
    }
  }

  /** Deletes what is older than it is kept; on failure the next look goes on. */
  public void deleteOld() {
    try {
      int deleted = data.deleteOld();
      if (deleted > 0) {
        LOG.info("deleted {} suggestions and events that were older than they are kept", deleted);
      }
    } catch (RuntimeException e) {
      LOG.warn("what is old could not be deleted: {}", Wordless.of(e).toString());
    }
  }

  /** Turns to where other replicas moved aliases; on failure what is served stays served. */
  public void refreshAliases() {
    try {
      catalog.refresh();
    } catch (RuntimeException e) { // what is served stays served; the next look may succeed
      LOG.warn("aliases could not be refreshed: {}", e.getMessage());
    }
  }

  /** Brings what waits into the database, as far as that takes it. */
  public void replay() {
    replay.run();
  }

  @Override
  public void close() {
    background.shutdownNow();
    upkeep.shutdownNow();
    outage.close();
    histories.shutdownNow();
    serving.close();
  }
}
