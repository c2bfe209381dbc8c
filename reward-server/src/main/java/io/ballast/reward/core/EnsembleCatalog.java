package io.ballast.reward.core;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.batching.BatchingQueue;
import io.ballast.kit.batching.LaneQueues;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.LoadedVersions;
import io.ballast.kit.call.LoadedVersions.Lease;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ensembles of this server, each loaded when it is first asked for and kept beside the others.
 * Loading one does not hold up calls to another. Thread-safe.
 */
public final class EnsembleCatalog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EnsembleCatalog.class);
  private static final String SERVING = VersionSelector.SERVING;

  private final EnsembleSource source;
  private final RewardSettings settings;
  private final ItemLimits itemLimits;
  private final QueueLimits queueLimits;
  private final LongSupplier nanoTime;
  private final LoadedVersions<Served> loaded =
      new LoadedVersions<>(served -> served.queues().close());
  private final Set<String> notFollowed = ConcurrentHashMap.newKeySet();

  public EnsembleCatalog(
      EnsembleSource source,
      RewardSettings settings,
      ItemLimits itemLimits,
      QueueLimits queueLimits,
      LongSupplier nanoTime) {
    this.source = source;
    this.settings = settings;
    this.itemLimits = itemLimits;
    this.queueLimits = queueLimits;
    this.nanoTime = nanoTime;
  }

  /** An ensemble that is ready to score. */
  record Served(
      Ensemble ensemble,
      ItemReader reader,
      LaneQueues<TokenIds, TokenIds, CompletionScores> queues) {}

  /** The members of an ensemble as the queue runs them. */
  private record MemberEngine(MemberScorer scorer)
      implements BatchEngine<TokenIds, TokenIds, CompletionScores> {
    @Override
    public List<List<CompletionScores>> run(List<BatchGroup<TokenIds, TokenIds>> groups) {
      return scorer.score(
          groups.stream().map(group -> new PromptGroup(group.key(), group.items())).toList());
    }

    @Override
    public void close() {
      scorer.close();
    }
  }

  /** The ensembles that can be asked, by name and version. */
  public List<Ensemble> list() {
    return source.list();
  }

  /** The least number of members of {@code ensemble} that must answer for a value. */
  public int quorum(Ensemble ensemble) {
    int count = ensemble.members().size();
    return settings.quorum() == 0 ? count : Math.min(settings.quorum(), count);
  }

  /**
   * Looks again for what could not be asked, each name for itself, and loads the default if it can
   * be had.
   */
  public void retry() {
    source.flaws().keySet().stream()
        .map(name -> name.split(" ", 2)[0])
        .distinct()
        .forEach(this::follow);
    var unused = warmUp();
  }

  private void follow(String name) {
    try {
      source.refreshElsewhere(name);
      notFollowed.remove(name);
    } catch (RuntimeException e) { // the next look may succeed; others are looked for all the same
      if (notFollowed.add(name)) {
        LOG.warn("{} is looked for again and again: {}", name, e.getMessage());
      }
    }
  }

  /** What keeps ensembles from being asked now, as {@link EnsembleSource#flaws} says it. */
  public Map<String, String> flaws() {
    return source.flaws();
  }

  /** The tokens that wait to be scored, of all ensembles. */
  public int waitingTokens() {
    return loaded.ready().stream().mapToInt(served -> served.queues().waitingWeight()).sum();
  }

  /**
   * Loads what "serving" of the default ensemble points to.
   *
   * @return why that cannot be asked; empty if it can
   */
  public Optional<String> warmUp() {
    boolean there =
        source.list().stream()
            .anyMatch(
                ensemble ->
                    ensemble.id().model().equals(settings.defaultModel())
                        && ensemble.id().version().equals(settings.servingVersion()));
    if (there) {
      try {
        find(VersionSelector.alias("", SERVING), CallPatience.endless()).close();
        return Optional.empty();
      } catch (MeshException e) {
        if (source.isElsewhere(settings.defaultModel())) {
          return Optional.of(String.valueOf(e.getMessage()));
        }
        throw e;
      }
    }
    return Optional.of(
        "there is no reward ensemble %s %s"
                .formatted(settings.defaultModel(), settings.servingVersion())
            + mend(settings.defaultModel()));
  }

  /**
   * The ensemble that {@code selector} means, loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none, CORRUPT_WEIGHTS if a checksum differs,
   *     DEPENDENCY_DOWN if it is elsewhere and that cannot be asked, MODEL_LOADING if the caller's
   *     time is over before it is loaded
   */
  Lease<Served> find(VersionSelector selector, CallPatience patience) {
    Ensemble ensemble = resolve(selector);
    return loaded.lease(ensemble.id(), () -> load(ensemble), patience);
  }

  private Served load(Ensemble ensemble) {
    EnsembleSource.Opened opened = source.open(ensemble);
    String subject = ensemble.id().model() + " " + ensemble.id().version();
    return new Served(
        ensemble,
        new ItemReader(opened.tokenizer(), itemLimits),
        opened
            .apart()
            .map(
                apart ->
                    LaneQueues.apart(
                        lane ->
                            queue(
                                subject + " " + lane.name().toLowerCase(Locale.ROOT),
                                opened.scorer().in(lane),
                                limits(apart))))
            .orElseGet(() -> LaneQueues.shared(queue(subject, opened.scorer(), queueLimits))));
  }

  private QueueLimits limits(EnsembleSource.Apart apart) {
    return new QueueLimits(
        apart.batchTokens(), Duration.ZERO, queueLimits.queuedWeight(), apart.inFlight());
  }

  private BatchingQueue<TokenIds, TokenIds, CompletionScores> queue(
      String subject, MemberScorer scorer, QueueLimits limits) {
    return new BatchingQueue<>(
        subject, new MemberEngine(scorer), CompletionScores.Refused::new, limits, nanoTime);
  }

  /**
   * The ensemble that {@code selector} means; it is not loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none; DEPENDENCY_DOWN if that cannot be known
   *     now
   */
  public Ensemble resolve(VersionSelector selector) {
    try {
      return resolveKnown(selector);
    } catch (MeshException unknown) {
      try {
        source.refresh(model(selector));
      } catch (MeshException e) { // what it did hear of may do
        return findKnown(selector).orElseThrow(() -> e);
      }
      return resolveKnown(selector);
    }
  }

  private Optional<Ensemble> findKnown(VersionSelector selector) {
    try {
      return Optional.of(resolveKnown(selector));
    } catch (MeshException unknown) {
      return Optional.empty();
    }
  }

  private String model(VersionSelector selector) {
    return selector.model().isEmpty() ? settings.defaultModel() : selector.model();
  }

  private Ensemble resolveKnown(VersionSelector selector) {
    String model = model(selector);
    List<Ensemble> versions =
        source.list().stream().filter(ensemble -> ensemble.id().model().equals(model)).toList();
    if (versions.isEmpty()) {
      throw unknown(
          "reward_model.model", model, "there is no reward ensemble of this name" + mend(model));
    }
    String version =
        switch (selector.kind()) {
          case VERSION -> selector.name();
          case ALIAS -> serving(model, selector.name(), versions);
        };
    return versions.stream()
        .filter(ensemble -> ensemble.id().version().equals(version))
        .findFirst()
        .orElseThrow(
            () ->
                unknown(
                    "reward_model.version",
                    version,
                    model
                        + " has no such version"
                        + (version.equals(settings.servingVersion()) ? mend(model) : "")));
  }

  /** What an operator does about a default that is not there; nothing for another model. */
  private String mend(String model) {
    return model.equals(settings.defaultModel())
        ? "; it is the default: put it into a model folder, or set ballast.reward.default-model and"
            + " ballast.reward.serving-version"
        : "";
  }

  private String serving(String model, String alias, List<Ensemble> versions) {
    if (!alias.equals(SERVING)) {
      throw unknown("reward_model.alias", alias, model + " has only the alias 'serving'");
    }
    return model.equals(settings.defaultModel())
        ? settings.servingVersion()
        : versions.stream()
            .map(ensemble -> ensemble.id().version())
            .max(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
            .orElseThrow();
  }

  private static MeshException unknown(String field, String value, String why) {
    return new MeshException(
        Fault.UNKNOWN_MODEL, "%s: '%s': %s".formatted(field, value, why), Map.of(field, value));
  }

  @Override
  public void close() {
    loaded.close();
  }
}
