package io.ballast.safety.core.cost;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchingQueue;
import io.ballast.kit.batching.LaneQueues;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
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
 * The cost models of this server, each loaded when it is first asked for and kept beside the
 * others. Loading one does not hold up calls to another. Thread-safe.
 */
public final class CostCatalog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CostCatalog.class);
  private final CostModelSource source;
  private final CostSettings settings;
  private final ItemLimits itemLimits;
  private final QueueLimits queueLimits;
  private final LongSupplier nanoTime;
  private final LoadedVersions<Served> loaded =
      new LoadedVersions<>(served -> served.queues().close());
  private final Set<String> notFollowed = ConcurrentHashMap.newKeySet();

  public CostCatalog(
      CostModelSource source,
      CostSettings settings,
      ItemLimits itemLimits,
      QueueLimits queueLimits,
      LongSupplier nanoTime) {
    this.source = source;
    this.settings = settings;
    this.itemLimits = itemLimits;
    this.queueLimits = queueLimits;
    this.nanoTime = nanoTime;
  }

  /** A model that is ready to judge. */
  record Served(
      CostModel model, ItemReader reader, LaneQueues<TokenIds, TokenIds, HeadScores> queues) {}

  /** The models that can be asked, as far as they are known, by name and version. */
  public List<CostModel> list() {
    return source.list();
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

  /** What keeps models from being asked now, as {@link CostModelSource#flaws} says it. */
  public Map<String, String> flaws() {
    return source.flaws();
  }

  /** The tokens that wait to be judged, of all models. */
  public int waitingTokens() {
    return loaded.ready().stream().mapToInt(served -> served.queues().waitingWeight()).sum();
  }

  /**
   * Loads what "serving" of the default model points to.
   *
   * @return why that cannot be asked; empty if it can
   */
  public Optional<String> warmUp() {
    boolean there =
        source.list().stream()
            .anyMatch(
                model ->
                    model.id().model().equals(settings.defaultModel())
                        && model.id().version().equals(settings.servingVersion()));
    if (there) {
      try {
        find(VersionSelector.alias("", VersionSelector.SERVING), CallPatience.endless()).close();
        return Optional.empty();
      } catch (MeshException e) {
        if (source.isElsewhere(settings.defaultModel())) {
          return Optional.of(String.valueOf(e.getMessage()));
        }
        throw e;
      }
    }
    return Optional.of(
        "there is no cost model %s %s".formatted(settings.defaultModel(), settings.servingVersion())
            + mend(settings.defaultModel()));
  }

  /** What an operator does about a default that is not there; nothing for another model. */
  private String mend(String model) {
    return model.equals(settings.defaultModel())
        ? "; it is the default: put it into a model folder, or set ballast.safety.cost-model and"
            + " ballast.safety.cost-version"
        : "";
  }

  /**
   * The model that {@code selector} means, loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none, CORRUPT_WEIGHTS if a checksum differs,
   *     DEPENDENCY_DOWN if it is elsewhere and that cannot be asked, MODEL_LOADING if the caller's
   *     time is over before it is loaded
   */
  Lease<Served> find(VersionSelector selector, CallPatience patience) {
    CostModel model = resolve(selector);
    return loaded.lease(model.id(), () -> load(model), patience);
  }

  private Served load(CostModel model) {
    CostModelSource.Opened opened = source.open(model);
    return new Served(
        model,
        new ItemReader(opened.tokenizer(), itemLimits),
        queues(model.id().model() + " " + model.id().version(), opened));
  }

  private LaneQueues<TokenIds, TokenIds, HeadScores> queues(
      String subject, CostModelSource.Opened opened) {
    if (opened.apart().isEmpty()) {
      return LaneQueues.shared(
          queue(subject, opened.engine().apply(Lane.INTERACTIVE), queueLimits));
    }
    QueueLimits limits =
        new QueueLimits(
            opened.apart().get().batchTokens(),
            Duration.ZERO,
            queueLimits.queuedWeight(),
            opened.apart().get().inFlight());
    return LaneQueues.apart(
        lane ->
            queue(
                subject + " " + lane.name().toLowerCase(Locale.ROOT),
                opened.engine().apply(lane),
                limits));
  }

  private BatchingQueue<TokenIds, TokenIds, HeadScores> queue(
      String subject, BatchEngine<TokenIds, TokenIds, HeadScores> engine, QueueLimits limits) {
    return new BatchingQueue<>(subject, engine, HeadScores.Refused::new, limits, nanoTime);
  }

  /**
   * The version that {@code selector} means; it is not loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none; DEPENDENCY_DOWN if that cannot be known
   *     now
   */
  public CostModel resolve(VersionSelector selector) {
    String name = selector.model().isEmpty() ? settings.defaultModel() : selector.model();
    Optional<CostModel> known = find(name, selector);
    if (known.isEmpty()) {
      try {
        source.refresh(name);
      } catch (MeshException e) { // what it did hear of may do
        return find(name, selector).orElseThrow(() -> e);
      }
      known = find(name, selector);
    }
    return known.orElseThrow(() -> unknown(name, selector));
  }

  private Optional<CostModel> find(String name, VersionSelector selector) {
    List<CostModel> versions =
        source.list().stream().filter(model -> model.id().model().equals(name)).toList();
    String version =
        switch (selector.kind()) {
          case VERSION -> selector.name();
          case ALIAS -> {
            if (!selector.name().equals(VersionSelector.SERVING)) {
              throw new MeshException(
                  Fault.UNKNOWN_MODEL,
                  "cost_model.alias: '%s': %s has only the alias 'serving'"
                      .formatted(selector.name(), name),
                  Map.of("cost_model.alias", selector.name()));
            }
            yield name.equals(settings.defaultModel())
                ? settings.servingVersion()
                : newest(versions);
          }
        };
    return versions.stream().filter(model -> model.id().version().equals(version)).findFirst();
  }

  /** Version 10 is newer than version 9. */
  private static String newest(List<CostModel> versions) {
    return versions.stream()
        .map(model -> model.id().version())
        .max(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
        .orElse("");
  }

  private MeshException unknown(String name, VersionSelector selector) {
    boolean named = source.list().stream().anyMatch(model -> model.id().model().equals(name));
    if (!named) {
      return new MeshException(
          Fault.UNKNOWN_MODEL,
          "cost_model.model: '%s': there is no cost model of this name%s"
              .formatted(name, mend(name)),
          Map.of("cost_model.model", name));
    }
    String version =
        selector.kind() == VersionSelector.Kind.VERSION
            ? selector.name()
            : settings.servingVersion();
    return new MeshException(
        Fault.UNKNOWN_MODEL,
        "cost_model.version: '%s': %s has no such version%s"
            .formatted(version, name, version.equals(settings.servingVersion()) ? mend(name) : ""),
        Map.of("cost_model.version", version));
  }

  @Override
  public void close() {
    loaded.close();
  }
}
