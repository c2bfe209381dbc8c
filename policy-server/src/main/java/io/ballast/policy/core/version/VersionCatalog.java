package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which versions there are and where aliases point. Answers from memory which decoder serves an
 * alias; {@link AliasMoves} turns aliases.
 */
public final class VersionCatalog {
  /** The alias that stands for where "serving" pointed before its last move. */
  public static final String PREVIOUS = "previous";

  private static final Logger LOG = LoggerFactory.getLogger(VersionCatalog.class);

  private static final int MAX_RUN_CHARACTERS = 128;

  private final VersionStore store;
  private final DecoderLoader loader;
  private final ServingDecoders serving;
  private final CertifiedDecoders decoders;
  private final InstantSource clock;
  private final String defaultModel;
  private final CanarySplit split;
  private final Map<AliasName, AliasTarget> targets = new ConcurrentHashMap<>();
  private final Map<VersionName, RegisteredVersion> known = new ConcurrentHashMap<>();

  public VersionCatalog(
      VersionStore store,
      DecoderLoader loader,
      ServingDecoders serving,
      InstantSource clock,
      String defaultModel,
      CanarySplit split) {
    this.store = store;
    this.split = split;
    this.loader = loader;
    this.serving = serving;
    this.decoders = new CertifiedDecoders(loader, serving);
    this.clock = clock;
    this.defaultModel = Texts.requireName("ballast.policy.default-model", defaultModel);
  }

  /**
   * Learns where every alias points and loads what "serving" of the default model means; what the
   * others point to is loaded when it is first used. At the first start registers {@code
   * firstVersion} of the default model and points "serving" to it.
   *
   * <p>What is served elsewhere may be away at the time, which is no reason not to start: it is
   * asked for again when it is used, and refused as long as it is away. Nor is a folder that is
   * another than was certified: the alias does not serve then, and {@link #flaws} says so.
   *
   * @return why what "serving" of the default model means is not loaded; empty if it is
   */
  public Optional<MeshException> start(String firstVersion) {
    Optional<MeshException> away = Optional.empty();
    if (store.alias(defaultModel, VersionSelector.SERVING).isEmpty()) {
      register(defaultModel, firstVersion, "", "");
      store.createAlias(
          defaultModel,
          VersionSelector.SERVING,
          new AliasMove(
              "",
              firstVersion,
              clock.instant(),
              "",
              "",
              "",
              AliasMove.Kind.CREATE,
              Optional.empty(),
              Optional.empty()));
    }
    for (Alias alias : store.allAliases()) {
      if (alias.model().equals(defaultModel) && alias.name().equals(VersionSelector.SERVING)) {
        away = turnUnlessAway(alias);
      } else {
        turn(alias, serving::keepUnloaded);
      }
    }
    return away;
  }

  private Optional<MeshException> turnUnlessAway(Alias alias) {
    try {
      turn(alias);
      return Optional.empty();
    } catch (MeshException e) {
      if (e.fault() != Fault.DEPENDENCY_DOWN) {
        throw e;
      }
      turn(alias, serving::keepUnloaded);
      return Optional.of(e);
    }
  }

  /** Turns to where aliases point that were moved elsewhere, by another replica for instance. */
  public void refresh() {
    for (Alias alias : store.allAliases()) {
      AliasTarget target = targets.get(new AliasName(alias.model(), alias.name()));
      if (target == null || target.revision() < alias.revision()) {
        turn(alias);
      }
    }
  }

  /** The model that is meant by {@code model}: the default one if it is empty. */
  public String modelOrDefault(String model) {
    return model.isEmpty() ? defaultModel : Texts.requireName("model", model);
  }

  /** All versions of a model, newest first. */
  public List<RegisteredVersion> versions(String model) {
    return store.versions(requireKnownModel(model));
  }

  /** All aliases of a model, by name. */
  public List<Alias> aliases(String model) {
    return store.aliases(requireKnownModel(model));
  }

  /**
   * The version that {@code selector} means now.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none
   */
  public RegisteredVersion version(VersionSelector selector) {
    String model = modelOrDefault(selector.model());
    return switch (selector.kind()) {
      case VERSION -> registered(model, Texts.requireName("policy.version", selector.name()));
      case ALIAS ->
          registered(
              model,
              targetOf(model, Texts.requireName("policy.alias", selector.name()))
                  .version()
                  .version()
                  .version());
    };
  }

  /**
   * Tells the folder of the decoder that is loaded, or would be, from another with the same
   * weights; empty if it runs elsewhere.
   */
  public String folderSha256(PinnedVersion version) {
    return decoders.folderSha256(version);
  }

  /** Which aliases do not serve, and why: what is there is not what was certified. */
  public SortedMap<String, String> flaws() {
    SortedMap<String, String> flaws = new TreeMap<>();
    targets.forEach(
        (alias, target) ->
            target.versions().stream()
                .flatMap(version -> decoders.flaw(version).stream())
                .forEach(
                    flaw -> flaws.put("%s of %s".formatted(alias.alias(), alias.model()), flaw)));
    return flaws;
  }

  /**
   * Makes a published folder known, after its checksums are verified. Idempotent.
   *
   * @throws MeshException as {@link DecoderLoader#inspect}; ALREADY_EXISTS if this version was
   *     registered with other weights
   */
  public RegisteredVersion register(
      String model, String version, String parentVersion, String runId) {
    Texts.requireName("model", model);
    Texts.requireName("version", version);
    if (!parentVersion.isEmpty()) {
      Texts.requireName("parent_version", parentVersion);
    }
    Texts.requireLine("run_id", runId, MAX_RUN_CHARACTERS);
    FolderFacts facts = loader.inspect(model, version);
    RegisteredVersion kept =
        store.register(
            new RegisteredVersion(
                new PinnedVersion(model, version, facts.weightsSha256()),
                parentVersion,
                runId,
                clock.instant(),
                facts.parametersCount(),
                facts.contextTokens()));
    if (!kept.id().weightsSha256().equals(facts.weightsSha256())) {
      throw new MeshException(
          Fault.ALREADY_EXISTS,
          "version %s of %s is registered with weights %s, and there are %s"
              .formatted(version, model, kept.id().weightsSha256(), facts.weightsSha256()),
          Map.of("model", model, "version", version));
    }
    return kept;
  }

  /**
   * Returns a lease on the version that {@code selector} means. An alias is followed at this
   * moment; the lease stays with the version however the alias moves.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none; as {@link ServingDecoders#acquire}
   */
  public Lease acquire(VersionSelector selector) {
    String model = modelOrDefault(selector.model());
    return switch (selector.kind()) {
      case VERSION ->
          serving.acquire(
              registered(model, Texts.requireName("policy.version", selector.name())).id());
      case ALIAS -> acquireByAlias(model, Texts.requireName("policy.alias", selector.name()));
    };
  }

  /**
   * As {@link #acquire}, for a person: where a canary of the alias is under way, it is the version
   * of their side.
   */
  public Routed route(VersionSelector selector, CanarySplit.Subject subject) {
    if (selector.kind() == VersionSelector.Kind.VERSION) {
      return new Routed(acquire(selector), Routed.Arm.NONE, 0);
    }
    String model = modelOrDefault(selector.model());
    String alias = Texts.requireName("policy.alias", selector.name());
    while (true) {
      AliasTarget target = targetOf(model, alias);
      Optional<AliasTarget.Canary> canary = target.canary();
      boolean taken =
          canary.isPresent() && split.takes(model, alias, subject, canary.get().share());
      CertifiedVersion version = taken ? canary.get().version() : target.version();
      Optional<Lease> loaded = decoders.acquireLoaded(version);
      if (loaded.isPresent() || target.equals(targetOf(model, alias))) {
        return new Routed(
            loaded.orElseGet(() -> decoders.acquire(version)),
            canary.isEmpty() ? Routed.Arm.NONE : taken ? Routed.Arm.CANARY : Routed.Arm.CONTROL,
            target.revision());
      }
    }
  }

  /** The models that have an alias, by name; from memory. */
  public SortedSet<String> servedModels() {
    SortedSet<String> models = new TreeSet<>();
    targets.keySet().forEach(alias -> models.add(alias.model()));
    return models;
  }

  /** Where the alias "serving" of a model points, if it has one; from memory. */
  public Optional<PinnedVersion> serving(String model) {
    return Optional.ofNullable(targets.get(new AliasName(model, VersionSelector.SERVING)))
        .map(target -> target.version().version());
  }

  /** The version of {@code model} named {@code version}. */
  RegisteredVersion registered(String model, String version) {
    VersionName name = new VersionName(model, version);
    RegisteredVersion cached = known.get(name);
    if (cached != null) {
      return cached;
    }
    RegisteredVersion stored =
        store
            .version(model, version)
            .orElseThrow(() -> unknown("no version %s of model %s".formatted(version, model)));
    known.put(name, stored);
    return stored;
  }

  /** Turns the alias in memory to where {@code alias} points; its version is loaded before. */
  void turn(Alias alias) {
    turn(alias, serving::keep);
  }

  private void turn(Alias alias, Consumer<PinnedVersion> keep) {
    Optional<AliasTarget.Canary> canary =
        alias
            .canary()
            .map(
                begun ->
                    new AliasTarget.Canary(
                        certified(alias, begun.version(), begun.folderSha256()), begun.share()));
    Optional<CertifiedVersion> previous =
        Optional.of(alias.previousVersion())
            .filter(version -> !version.isEmpty())
            .map(version -> certified(alias, version, alias.served(version).folderSha256()));
    AliasTarget target =
        new AliasTarget(
            certified(alias, alias.version(), alias.folderSha256()),
            alias.revision(),
            previous,
            canary);
    keepAll(alias, target, keep);
    put(new AliasName(alias.model(), alias.name()), target)
        .ifPresent(left -> left.versions().forEach(each -> serving.retire(each.version())));
  }

  private CertifiedVersion certified(Alias alias, String version, String folderSha256) {
    return new CertifiedVersion(registered(alias.model(), version).id(), folderSha256);
  }

  private void keepAll(Alias alias, AliasTarget target, Consumer<PinnedVersion> keep) {
    List<PinnedVersion> kept = new ArrayList<>();
    try {
      for (CertifiedVersion version : target.versions()) {
        Optional<String> flaw = decoders.flaw(version);
        flaw.ifPresent(
            why -> LOG.error("{} of {} does not serve: {}", alias.name(), alias.model(), why));
        (flaw.isEmpty() ? keep : (Consumer<PinnedVersion>) serving::keepUnloaded)
            .accept(version.version());
        kept.add(version.version());
      }
    } catch (RuntimeException e) {
      kept.forEach(serving::retire);
      throw e;
    }
  }

  /** Puts the newer of two targets in place and returns the one that is no longer followed. */
  private Optional<AliasTarget> put(AliasName name, AliasTarget target) {
    while (true) {
      AliasTarget present = targets.putIfAbsent(name, target);
      if (present == null) {
        return Optional.empty();
      }
      if (present.revision() >= target.revision()) {
        return Optional.of(target);
      }
      if (targets.replace(name, present, target)) {
        return Optional.of(present);
      }
    }
  }

  private Lease acquireByAlias(String model, String alias) {
    while (true) {
      AliasTarget target = targetOf(model, alias);
      Optional<Lease> loaded = decoders.acquireLoaded(target.version());
      if (loaded.isPresent()) {
        return loaded.get();
      }
      if (target.equals(targetOf(model, alias))) {
        return decoders.acquire(target.version());
      }
    }
  }

  private AliasTarget targetOf(String model, String alias) {
    AliasTarget target = targets.get(new AliasName(model, alias));
    if (target != null) {
      return target;
    }
    AliasTarget ofServing = targets.get(new AliasName(model, VersionSelector.SERVING));
    if (alias.equals(PREVIOUS) && ofServing != null && ofServing.previous().isPresent()) {
      return new AliasTarget(
          ofServing.previous().get(), ofServing.revision(), Optional.empty(), Optional.empty());
    }
    throw unknown("no alias %s of model %s".formatted(alias, model));
  }

  private String requireKnownModel(String model) {
    String name = modelOrDefault(model);
    if (!name.equals(defaultModel) && store.versions(name).isEmpty()) {
      throw unknown("no model " + name);
    }
    return name;
  }

  private static MeshException unknown(String message) {
    return new MeshException(Fault.UNKNOWN_MODEL, message);
  }

  /** Who may turn aliases of this catalogue. */
  public AliasMoves moves(CertificateAuthority certificates, BreakGlassSecret breakGlass) {
    return new AliasMoves(this, store, decoders, serving, certificates, breakGlass, clock);
  }

  /** Whether {@code caller} repeats a request; its key then names a move that was made. */
  Optional<VersionStore.KeyedMove> madeBefore(Caller caller) {
    return caller.idempotencyKey().isEmpty()
        ? Optional.empty()
        : store.moveByKey(caller.tenant(), caller.idempotencyKey());
  }

  private record AliasName(String model, String alias) {}

  private record VersionName(String model, String version) {}
}
