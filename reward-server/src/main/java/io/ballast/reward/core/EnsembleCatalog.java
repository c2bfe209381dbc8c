package io.ballast.reward.core;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.batching.BatchingQueue;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/** The ensembles of this server, each loaded when it is first asked for. Thread-safe. */
public final class EnsembleCatalog implements AutoCloseable {
  private static final String SERVING = VersionSelector.SERVING;

  private final EnsembleSource source;
  private final RewardSettings settings;
  private final ItemLimits itemLimits;
  private final QueueLimits queueLimits;
  private final LongSupplier nanoTime;
  private final Map<PinnedVersion, Served> loaded = new HashMap<>();
  private boolean closed;

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
      BatchingQueue<TokenIds, TokenIds, CompletionScores> queue) {}

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

  /** The tokens that wait to be scored, of all ensembles. */
  public synchronized int waitingTokens() {
    return loaded.values().stream().mapToInt(served -> served.queue().waitingWeight()).sum();
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
      var unused = find(VersionSelector.alias("", SERVING));
      return Optional.empty();
    }
    return Optional.of(
        "there is no reward ensemble %s %s"
                .formatted(settings.defaultModel(), settings.servingVersion())
            + mend(settings.defaultModel()));
  }

  /**
   * The ensemble that {@code selector} means, loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none, CORRUPT_WEIGHTS if a checksum differs
   */
  Served find(VersionSelector selector) {
    Ensemble ensemble = resolve(selector);
    synchronized (this) {
      if (closed) {
        throw new MeshException(Fault.MODEL_LOADING, "the server is stopping");
      }
      return loaded.computeIfAbsent(ensemble.id(), id -> load(ensemble));
    }
  }

  private Served load(Ensemble ensemble) {
    EnsembleSource.Opened opened = source.open(ensemble);
    return new Served(
        ensemble,
        new ItemReader(opened.tokenizer(), itemLimits),
        new BatchingQueue<>(
            ensemble.id().model() + " " + ensemble.id().version(),
            new MemberEngine(opened.scorer()),
            CompletionScores.Refused::new,
            queueLimits,
            nanoTime));
  }

  /**
   * The ensemble that {@code selector} means; it is not loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none
   */
  public Ensemble resolve(VersionSelector selector) {
    String model = selector.model().isEmpty() ? settings.defaultModel() : selector.model();
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
    List<Served> served;
    synchronized (this) {
      closed = true;
      served = List.copyOf(loaded.values());
      loaded.clear();
    }
    served.forEach(one -> one.queue().close());
  }
}
