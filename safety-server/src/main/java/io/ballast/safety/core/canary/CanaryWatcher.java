package io.ballast.safety.core.canary;

import io.ballast.kit.call.Texts;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.safety.core.canary.CanaryLook.Tools;
import io.ballast.safety.core.canary.CanaryStore.Promise;
import io.ballast.safety.core.canary.PolicyCanaries.WatchedAlias;
import io.ballast.safety.core.cost.CostFlow;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches every canary that began by a certificate of this server: looks for new ones, then at each
 * that is under way. Of several replicas one looks at a canary at a time, whichever comes first.
 */
public final class CanaryWatcher implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CanaryWatcher.class);
  private static final Duration LEASE = Duration.ofMinutes(2);

  /** Decisions of a page: each may have a prompt of 64 KiB, and a judge is given a minute. */
  private static final int PAGE = 20;

  /** Observations that are folded between two times that a lease is renewed. */
  private static final int FOLDED = 5_000;

  /** Intervals without a look after which what failed before says nothing of now. */
  private static final int MISSED = 3;

  private static final String OFF = "ballast.safety.canary.watch is off";
  private static final String BUG = "internal error: ";
  private static final int MOST_LISTED = 1_000;
  private static final int LISTED = 100;

  private final CanaryStore store;
  private final PolicyCanaries policies;
  private final CanarySettings settings;
  private final TimeOrderedIds ids;
  private final InstantSource clock;
  private final Tools tools;
  private final Map<UUID, CanaryEvidence> evidence = new HashMap<>();
  private final Map<UUID, Set<UUID>> unjudged = new HashMap<>();

  /** Why each canary is not watched, by its name, by its model. */
  private volatile Map<String, Map<String, String>> unwatched = Map.of();

  /** Why the canaries of a model are not known, by its name. */
  private volatile Map<String, String> unasked = Map.of();

  private final AtomicReference<Optional<Instant>> longestUnread =
      new AtomicReference<>(Optional.empty());
  private final ScheduledExecutorService background =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofVirtual().name("canary-watch-", 0).factory());

  /**
   * @param mostItems that {@code costs} judges at a time
   */
  public CanaryWatcher(
      CanaryStore store,
      PolicyCanaries policies,
      DecisionSource decisions,
      CostFlow costs,
      int mostItems,
      CanarySettings settings,
      CanaryMonitor monitor,
      TimeOrderedIds ids,
      InstantSource clock) {
    this.store = store;
    this.policies = policies;
    this.settings = settings;
    this.ids = ids;
    this.clock = clock;
    this.tools =
        new Tools(
            store,
            policies,
            decisions,
            new CanaryJudge(costs),
            monitor,
            clock,
            LEASE,
            Math.min(PAGE, mostItems));
  }

  /** Looks from now on, each interval, in the background. */
  public void start() {
    long nanos = settings.interval().toNanos();
    var unused =
        background.scheduleWithFixedDelay(this::lookQuietly, 0, nanos, TimeUnit.NANOSECONDS);
  }

  private void lookQuietly() {
    try {
      look();
    } catch (MeshException e) { // the next look may succeed
      LOG.warn("canaries were not looked at: {}", e.getMessage());
    } catch (RuntimeException e) {
      LOG.error("canaries were not looked at: a bug", Wordless.of(e));
    }
  }

  /**
   * Looks once. What goes wrong with one alias or one watch keeps no other from being looked at.
   * Where none shall be watched it only counts those that serve.
   *
   * @throws MeshException DEPENDENCY_DOWN if the store is away
   */
  public synchronized void look() {
    Map<String, Map<String, String>> flaws = new TreeMap<>();
    Map<String, String> silent = new TreeMap<>();
    store.models().forEach(model -> discover(model, flaws, silent));
    if (settings.watch()) {
      watch(flaws);
    }
    tell(flaws, silent);
  }

  private void watch(Map<String, Map<String, String>> flaws) {
    List<CanaryWatch> underWay = store.underWay();
    List<UUID> ids = underWay.stream().map(CanaryWatch::id).toList();
    evidence.keySet().retainAll(ids);
    unjudged.keySet().retainAll(ids);
    Duration gap = LEASE.plus(settings.interval().multipliedBy(MISSED));
    for (CanaryWatch seen : underWay) {
      try {
        store.take(seen.id(), LEASE, gap).ifPresent(this::look);
      } catch (MeshException e) { // the store is away, and with it every other watch
        throw e;
      } catch (RuntimeException e) {
        add(flaws, seen.subject(), BUG + e);
        LOG.debug("canary watch {}: a bug", seen.id(), e);
      }
    }
    longestUnread.set(store.underWay().stream().map(CanaryWatch::readAt).min(Instant::compareTo));
  }

  /** Says once what is not watched or not known, and why. */
  private void tell(Map<String, Map<String, String>> flaws, Map<String, String> silent) {
    flaws.forEach(
        (model, canaries) -> {
          Map<String, String> told = unwatched.getOrDefault(model, Map.of());
          canaries.forEach(
              (what, why) -> {
                if (!why.equals(told.get(what))) {
                  LOG.warn("{}: nobody watches it, {}", what, why);
                }
              });
        });
    silent.forEach(
        (model, why) -> {
          if (!why.equals(unasked.get(model))) {
            LOG.warn("whether {} has canaries is not known: {}", model, why);
          }
        });
    unwatched = Map.copyOf(flaws);
    unasked = Map.copyOf(silent);
  }

  private static void add(
      Map<String, Map<String, String>> flaws, CanarySubject canary, String why) {
    add(flaws, canary.model(), name(canary), why);
  }

  private static void add(
      Map<String, Map<String, String>> flaws, String model, String canary, String why) {
    flaws.computeIfAbsent(model, none -> new TreeMap<>()).put(canary, why);
  }

  private void look(CanaryWatch watch) {
    try {
      Set<UUID> failed = unjudged.computeIfAbsent(watch.id(), none -> new HashSet<>());
      evidence.put(watch.id(), new CanaryLook(tools, watch, evidenceOf(watch), failed).look());
    } finally {
      store.release(watch);
    }
  }

  /** All that was observed, by whatever process. */
  private CanaryEvidence evidenceOf(CanaryWatch watch) {
    AtomicReference<CanaryEvidence> known =
        new AtomicReference<>(
            evidence.getOrDefault(watch.id(), CanaryEvidence.none(watch.terms())));
    store.observations(
        watch.id(),
        known.get().count(),
        seen -> {
          if (known.updateAndGet(before -> before.add(seen)).count() % FOLDED == 0) {
            // one that is taken over meanwhile is refused when it writes, and has folded them
            var unused = store.renew(watch, LEASE);
          }
        });
    return known.get();
  }

  private void discover(
      String model, Map<String, Map<String, String>> flaws, Map<String, String> silent) {
    List<WatchedAlias> aliases;
    try {
      aliases = policies.aliases(model);
    } catch (RuntimeException e) {
      boolean gone = e instanceof MeshException mesh && mesh.fault() == Fault.UNKNOWN_MODEL;
      if (!gone) { // what was last heard of its canaries is true until it is heard that it is not
        silent.put(model, why(e));
        flaws.put(model, new TreeMap<>(unwatched.getOrDefault(model, Map.of())));
      }
      return;
    }
    for (WatchedAlias alias : aliases) {
      if (!alias.flaw().isEmpty()) {
        add(flaws, model, "the canary of %s of %s".formatted(alias.alias(), model), alias.flaw());
      }
      alias.underWay().ifPresent(canary -> discover(canary, flaws));
    }
  }

  private void discover(CanarySubject canary, Map<String, Map<String, String>> flaws) {
    try {
      if (!settings.watch()) {
        add(flaws, canary, OFF);
      } else if (!store.knows(canary)) {
        open(canary).ifPresent(flaw -> add(flaws, canary, flaw));
      }
    } catch (MeshException e) { // the store is away
      throw e;
    } catch (RuntimeException e) {
      add(flaws, canary, BUG + e);
      LOG.debug("{}: a bug", name(canary), e);
    }
  }

  private static String why(RuntimeException e) {
    return e instanceof MeshException ? String.valueOf(e.getMessage()) : BUG + e;
  }

  private static String name(CanarySubject canary) {
    return "canary %s of %s of %s"
        .formatted(canary.canaryVersion(), canary.alias(), canary.model());
  }

  /** Opens a watch; returns why there can be none. */
  private Optional<String> open(CanarySubject canary) {
    Optional<Promise> promise = store.promise(canary.certificateId());
    if (promise.isEmpty()) {
      return Optional.of(
          "certificate %s (expected: one of this server)".formatted(canary.certificateId()));
    }
    CanaryTerms terms = terms(promise.get());
    if (terms.costLimit() >= 1) {
      return Optional.of(
          "its certificate promises a mean cost of at most %s (expected: below 1, or ballast.safety.canary.cost-limit)"
              .formatted(terms.costLimit()));
    }
    store.open(ids.next(), canary, terms, clock.instant().truncatedTo(ChronoUnit.MICROS));
    LOG.info("{}: watched from now on", name(canary));
    return Optional.empty();
  }

  private CanaryTerms terms(Promise promise) {
    return new CanaryTerms(
        promise.judge(),
        promise.judgeFolderSha256(),
        promise.binaryCost(),
        settings.costLimit().orElse(promise.threshold()),
        settings.acceptMargin(),
        settings.alpha(),
        settings.leastDecisions(),
        settings.horizon(),
        settings.whenHeld(),
        settings.feedbackWait(),
        settings.maxBlind());
  }

  /**
   * Watches, newest first.
   *
   * @param model only of this; empty: of all
   * @param underWay whether only of canaries under way
   * @param pageSize 0: 100
   * @throws MeshException MALFORMED_REQUEST if one is out of its range
   */
  public List<CanaryWatch> list(String model, boolean underWay, int pageSize) {
    if (!model.isEmpty()) {
      Texts.requireName("model", model);
    }
    if (pageSize < 0 || pageSize > MOST_LISTED) {
      throw Texts.malformed(
          "page_size", "%,d (expected: 1 to %,d, or 0)".formatted(pageSize, MOST_LISTED));
    }
    return store.list(model, underWay, pageSize == 0 ? LISTED : pageSize);
  }

  /** How long the canary that was read longest ago has not been, in seconds; 0 if there is none. */
  public double unreadSeconds() {
    return longestUnread
        .get()
        .map(read -> Math.max(0, Duration.between(read, clock.instant()).toMillis() / 1e3))
        .orElse(0.0);
  }

  /** Canaries that serve and that this process does not watch, as far as its last look knew. */
  public int unwatched() {
    return unwatched.values().stream().mapToInt(Map::size).sum();
  }

  /** Models that could not be asked at the last look whether they have canaries. */
  public int unasked() {
    return unasked.size();
  }

  /** Stops looking. What was read is kept; another process, or the next, goes on from there. */
  @Override
  public void close() {
    background.shutdownNow();
  }
}
