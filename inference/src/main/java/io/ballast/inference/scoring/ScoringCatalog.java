package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchingQueue;
import io.ballast.kit.batching.LaneQueues;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.LoadedVersions;
import io.ballast.kit.call.LoadedVersions.Lease;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The scoring models of a server, each loaded when it is first asked for and kept beside the
 * others. Loading one does not hold up calls to another. Thread-safe.
 *
 * @param <M> the model
 * @param <R> what comes of a completion
 */
public class ScoringCatalog<M extends ScoringModel, R> implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ScoringCatalog.class);

  private final ScoringSource<M, R> source;
  private final CatalogNames names;
  private final Function<ItemFault, R> refused;
  private final QueueLimits limits;
  private final LongSupplier nanoTime;
  private final ScheduledExecutorService background;
  private final LoadedVersions<Served<M, R>> loaded =
      new LoadedVersions<>(served -> served.queues().close());
  private final Set<String> notFollowed = ConcurrentHashMap.newKeySet();
  private final Map<Pin, String> serving = new ConcurrentHashMap<>();
  private final Map<String, String> turned = new ConcurrentHashMap<>();

  /**
   * @param source stays its owner's
   * @param refused what comes of a completion that cannot be scored
   * @param limits of the queue before a model that runs here
   */
  public ScoringCatalog(
      ScoringSource<M, R> source,
      CatalogNames names,
      Function<ItemFault, R> refused,
      QueueLimits limits,
      LongSupplier nanoTime) {
    this.source = source;
    this.names = names;
    this.refused = refused;
    this.limits = limits;
    this.nanoTime = nanoTime;
    this.background =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name(names.noun().replace(' ', '-') + "-retry").factory());
    source.list().stream()
        .map(model -> model.id().model())
        .distinct()
        .forEach(name -> serving(name, VersionSelector.SERVING, OnBehalf.MESH));
  }

  /**
   * What stays where it was.
   *
   * @param tenant that does not see all versions of the name; empty: whoever does
   */
  private record Pin(String name, String tenant) {}

  /**
   * A model that is ready to score.
   *
   * @param input how it reads an item
   */
  public record Served<M extends ScoringModel, R>(
      M model, ScoringInput input, LaneQueues<TokenIds, TokenIds, R> queues) {
    /**
     * What reads the items of one request.
     *
     * @param maxBytes the most bytes of one text in UTF-8
     * @param usualPromptTokens the most prompt tokens of a model that does not say; 0: as many as
     *     have room
     * @param truncation what becomes of a prompt that is longer than the model sees
     */
    public ItemReading reader(int maxBytes, int usualPromptTokens, Truncation truncation) {
      return switch (input) {
        case ScoringInput.Parts(Tokenizer tokenizer, int contextTokens) ->
            new ItemReader(
                tokenizer,
                maxBytes,
                new PromptWindow(model.promptTokens().orElse(usualPromptTokens), contextTokens),
                truncation);
        case ScoringInput.Whole(WholeReading reading) ->
            new WholeItemReader(model.id().model(), reading, maxBytes, truncation);
      };
    }
  }

  /** The models that can be asked, as far as they are known, by name and version. */
  public final List<M> list() {
    return source.list();
  }

  /** Those of them that are there for {@code behalf}. */
  public final List<M> list(OnBehalf behalf) {
    return source.list().stream().filter(model -> sees(behalf, model)).toList();
  }

  /** An operator who names a version has chosen it for everybody, whoever trained it. */
  private boolean sees(OnBehalf behalf, M model) {
    String name = model.id().model();
    String version = model.id().version();
    return behalf.sees(model)
        || version.equals(turned.get(name))
        || (name.equals(names.defaultModel()) && version.equals(names.servingVersion()));
  }

  /** Looks from now on, each {@code interval}, for what could not be asked. */
  public final void follow(Duration interval) {
    long nanos = interval.toNanos();
    var unused =
        background.scheduleWithFixedDelay(this::retryQuietly, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  private void retryQuietly() {
    try {
      retry();
    } catch (RuntimeException e) { // the next look may succeed
      LOG.debug("{}s elsewhere are still not asked: {}", names.noun(), e.getMessage());
    }
  }

  /**
   * Looks again for what could not be asked, each name for itself, lets go of versions that are
   * there no more, and loads the default if it can be had.
   */
  public final void retry() {
    source.flaws().keySet().stream()
        .map(name -> name.split(" ", 2)[0])
        .distinct()
        .forEach(this::look);
    loaded.retireUnless(id -> source.list().stream().anyMatch(model -> model.id().equals(id)));
    var unused = warmUp();
  }

  private void look(String name) {
    try {
      source.refreshElsewhere(name);
      notFollowed.remove(name);
    } catch (RuntimeException e) { // the next look may succeed; others are looked for all the same
      if (notFollowed.add(name)) {
        LOG.warn("{} is looked for again and again: {}", name, e.getMessage());
      }
    }
  }

  /** What keeps models from being asked now, as {@link ScoringSource#flaws} says it. */
  public final Map<String, String> flaws() {
    return source.flaws();
  }

  /** The tokens that wait to be scored, of all models. */
  public final int waitingTokens() {
    return loaded.ready().stream().mapToInt(served -> served.queues().waitingWeight()).sum();
  }

  /**
   * Loads what "serving" of the default model points to.
   *
   * @return why that cannot be asked; empty if it can
   */
  public final Optional<String> warmUp() {
    boolean there =
        source.list().stream()
            .anyMatch(
                model ->
                    model.id().model().equals(names.defaultModel())
                        && model.id().version().equals(servingOfDefault()));
    if (there) {
      try {
        find(VersionSelector.alias("", VersionSelector.SERVING), CallPatience.endless()).close();
        return Optional.empty();
      } catch (MeshException e) {
        if (source.isElsewhere(names.defaultModel())) {
          return Optional.of(String.valueOf(e.getMessage()));
        }
        throw e;
      }
    }
    return Optional.of(
        "there is no %s %s %s".formatted(names.noun(), names.defaultModel(), servingOfDefault())
            + mend(names.defaultModel()));
  }

  private String servingOfDefault() {
    return turned.getOrDefault(names.defaultModel(), names.servingVersion());
  }

  /** What an operator does about a default that is not there; nothing for another model. */
  private String mend(String model) {
    return model.equals(names.defaultModel())
        ? "; it is the default: put it into a model folder, or set %s and %s"
            .formatted(names.modelProperty(), names.versionProperty())
        : "";
  }

  /**
   * The model that {@code selector} means, loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none, CORRUPT_WEIGHTS if a checksum differs,
   *     DEPENDENCY_DOWN if it is elsewhere and that cannot be asked, MODEL_LOADING if the caller's
   *     time is over before it is loaded
   */
  public final Lease<Served<M, R>> find(VersionSelector selector, CallPatience patience) {
    return find(selector, OnBehalf.MESH, patience);
  }

  /**
   * The model that {@code selector} means, loaded; one that is not there for {@code behalf} is as
   * one that does not exist.
   *
   * @throws MeshException as {@link #find(VersionSelector, CallPatience)}
   */
  public final Lease<Served<M, R>> find(
      VersionSelector selector, OnBehalf behalf, CallPatience patience) {
    M model = resolve(selector, behalf);
    return loaded.lease(model.id(), () -> load(model), patience);
  }

  private Served<M, R> load(M model) {
    ScoringSource.Opened<R> opened = source.open(model);
    try {
      return new Served<>(
          model, opened.input(), queues(model.id().model() + " " + model.id().version(), opened));
    } catch (Throwable e) { // such as no more threads: what was opened is nobody's then
      opened.engine().apply(Lane.INTERACTIVE).close();
      throw e;
    }
  }

  private LaneQueues<TokenIds, TokenIds, R> queues(String subject, ScoringSource.Opened<R> opened) {
    if (opened.apart().isEmpty()) {
      return LaneQueues.shared(queue(subject, opened.engine().apply(Lane.INTERACTIVE), limits));
    }
    QueueLimits own =
        new QueueLimits(
            opened.apart().get().batchTokens(),
            Duration.ZERO,
            limits.queuedWeight(),
            opened.apart().get().inFlight());
    return LaneQueues.apart(
        lane ->
            queue(
                subject + " " + lane.name().toLowerCase(Locale.ROOT),
                opened.engine().apply(lane),
                own));
  }

  private BatchingQueue<TokenIds, TokenIds, R> queue(
      String subject, BatchEngine<TokenIds, TokenIds, R> engine, QueueLimits within) {
    return new BatchingQueue<>(subject, engine, refused, within, nanoTime);
  }

  /**
   * Lets "serving" of models point to versions, each after it is loaded; whoever asked before is
   * answered by the version before. Models that are named no more go back to what they were, after
   * that is loaded.
   *
   * @param versions by model
   * @return what keeps models from being turned to theirs, by model
   */
  public final Map<String, String> turn(Map<String, String> versions) {
    Map<String, String> flaws = new TreeMap<>();
    Set<String> named = new TreeSet<>(turned.keySet());
    named.addAll(versions.keySet());
    for (String name : named) {
      Optional<String> version = Optional.ofNullable(versions.get(name));
      if (!version.equals(Optional.ofNullable(turned.get(name)))) {
        try {
          turn(name, version);
        } catch (MeshException e) {
          flaws.put(name, String.valueOf(e.getMessage()));
        }
      }
    }
    return flaws;
  }

  /**
   * Turns one model.
   *
   * @param version empty: what it was, or nothing if there is no such model here any more
   */
  private void turn(String name, Optional<String> version) {
    if (version.isEmpty() && versions(name, OnBehalf.MESH).isEmpty() && !source.isElsewhere(name)) {
      turned.remove(name);
      return;
    }
    String next = version.orElseGet(() -> usual(name, OnBehalf.MESH));
    find(VersionSelector.version(name, next), CallPatience.endless()).close();
    String before = serving(name, VersionSelector.SERVING, OnBehalf.MESH);
    version.ifPresentOrElse(given -> turned.put(name, given), () -> turned.remove(name));
    if (!before.equals(next)) {
      LOG.info("serving of {} {} is version {} now, before: {}", names.noun(), name, next, before);
      loaded.retireUnless(id -> !(id.model().equals(name) && id.version().equals(before)));
    }
  }

  /** What "serving" of these models points to, of those that there are. */
  public final Map<String, PinnedVersion> serving(Set<String> models) {
    Map<String, PinnedVersion> versions = new TreeMap<>();
    list().stream()
        .map(model -> model.id().model())
        .filter(models::contains)
        .distinct()
        .forEach(model -> serving(model).ifPresent(id -> versions.put(model, id)));
    return versions;
  }

  private Optional<PinnedVersion> serving(String model) {
    try {
      return Optional.of(resolve(VersionSelector.alias(model, VersionSelector.SERVING)).id());
    } catch (MeshException e) { // nothing of it serves
      return Optional.empty();
    }
  }

  /**
   * The version that {@code selector} means; it is not loaded.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none; DEPENDENCY_DOWN if that cannot be known
   *     now
   */
  public final M resolve(VersionSelector selector) {
    return resolve(selector, OnBehalf.MESH);
  }

  /**
   * The version that {@code selector} means; one that is not there for {@code behalf} is as one
   * that does not exist.
   *
   * @throws MeshException as {@link #resolve(VersionSelector)}
   */
  public final M resolve(VersionSelector selector, OnBehalf behalf) {
    String name = selector.model().isEmpty() ? names.defaultModel() : selector.model();
    Optional<M> known = find(name, selector, behalf);
    if (known.isEmpty()) {
      try {
        source.refresh(name);
      } catch (MeshException e) { // what it did hear of may do
        return find(name, selector, behalf).orElseThrow(() -> e);
      }
      known = find(name, selector, behalf);
    }
    return known.orElseThrow(() -> unknown(name, selector, behalf));
  }

  /**
   * The scores that a model has kept since it was published; empty if it has none here.
   *
   * @throws MeshException UNKNOWN_MODEL if the file is not what it should be
   */
  public final Optional<KeptScores> golden(M model) {
    return source.golden(model);
  }

  private Optional<M> find(String name, VersionSelector selector, OnBehalf behalf) {
    String version =
        switch (selector.kind()) {
          case VERSION -> selector.name();
          case ALIAS -> serving(name, selector.name(), behalf);
        };
    return versions(name, behalf).stream()
        .filter(model -> model.id().version().equals(version))
        .findFirst();
  }

  private List<M> versions(String name, OnBehalf behalf) {
    return list(behalf).stream().filter(model -> model.id().model().equals(name)).toList();
  }

  /** Where an alias points: where an operator turned it, or else as usual. */
  private String serving(String name, String alias, OnBehalf behalf) {
    if (!alias.equals(VersionSelector.SERVING)) {
      throw unknown("alias", alias, name + " has only the alias 'serving'");
    }
    String operators = turned.get(name);
    return operators == null ? usual(name, behalf) : operators;
  }

  /**
   * Where "serving" points that nobody turned. A version that appears while the server runs moves
   * none: of what runs here, it stays at what was the newest when the name first came up, for as
   * long as that is there. Elsewhere whoever loads a version there decides. For a tenant it never
   * points to what another has trained.
   */
  private String usual(String name, OnBehalf behalf) {
    if (name.equals(names.defaultModel())) {
      return names.servingVersion();
    }
    List<M> seen = versions(name, behalf);
    if (seen.isEmpty() || source.isElsewhere(name)) {
      return newest(seen);
    }
    String everybodys = pinned(new Pin(name, ""), versions(name, OnBehalf.MESH));
    return has(seen, everybodys) ? everybodys : pinned(new Pin(name, behalf.tenant()), seen);
  }

  private String pinned(Pin pin, List<M> versions) {
    return serving.compute(
        pin, (same, known) -> known != null && has(versions, known) ? known : newest(versions));
  }

  private static boolean has(List<? extends ScoringModel> versions, String version) {
    return versions.stream().anyMatch(model -> model.id().version().equals(version));
  }

  private static String newest(List<? extends ScoringModel> versions) {
    return versions.stream()
        .map(model -> model.id().version())
        .max(PinnedVersion.BY_AGE)
        .orElse("");
  }

  private MeshException unknown(String name, VersionSelector selector, OnBehalf behalf) {
    if (versions(name, behalf).isEmpty()) {
      return unknown(
          "model", name, "there is no %s of this name".formatted(names.noun()) + mend(name));
    }
    String version =
        selector.kind() == VersionSelector.Kind.VERSION ? selector.name() : names.servingVersion();
    return unknown(
        "version",
        version,
        name + " has no such version" + (version.equals(names.servingVersion()) ? mend(name) : ""));
  }

  private MeshException unknown(String part, String value, String why) {
    String field = names.field() + "." + part;
    return new MeshException(
        Fault.UNKNOWN_MODEL, "%s: '%s': %s".formatted(field, value, why), Map.of(field, value));
  }

  @Override
  public final void close() {
    background.shutdownNow();
    loaded.close();
  }
}
