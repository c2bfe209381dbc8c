package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.onnx.TrunkText;
import io.ballast.inference.scoring.ScoringFaults;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.triton.ScoringFleet.OpenScoring;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerGuard.Permit;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The scoring models of one kind that run where an operator wants them: which there are, scorers of
 * them behind breakers, and what is amiss. What Triton has is taken from its configuration, so only
 * the trunk's tokenizer need be here. Thread-safe.
 */
public final class PlacedScoring implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PlacedScoring.class);

  private final ScoringPlace place;
  private final ScoringFleet fleet;
  private final ScoringKind kind;
  private final List<Path> roots;
  private final Set<String> expected;
  private final Function<String, PeerGuard> guards;
  private final Function<Path, HuggingFaceTokenizerAdapter> tokenizers;
  private final Map<String, List<ServedScoring>> found = new ConcurrentHashMap<>();
  private final Map<String, String> unreached = new ConcurrentHashMap<>();
  private final Map<String, String> inPart = new ConcurrentHashMap<>();
  private final Map<String, String> passedOver = new ConcurrentHashMap<>();
  private final Map<PinnedVersion, Refused> refused = new ConcurrentHashMap<>();
  private final Map<PinnedVersion, OpenScoring> open = new ConcurrentHashMap<>();
  private final Map<String, PeerGuard> guarded = new ConcurrentHashMap<>();

  /**
   * Looks what there is of the models that are expected; a Triton that is away is no failure.
   *
   * @param fleet the place's servers; closed with this
   * @param usual the names that are looked for if the place names none
   * @param roots folders of {@code <name>/<version>/}, for tokenizers
   * @param guards makes the breaker of a peer of this name
   */
  public PlacedScoring(
      ScoringPlace place,
      ScoringFleet fleet,
      ScoringKind kind,
      Collection<String> usual,
      List<Path> roots,
      Function<String, PeerGuard> guards) {
    this(place, fleet, kind, usual, roots, guards, HuggingFaceTokenizerAdapter::ofFolder);
  }

  /** As the other; {@code tokenizers} reads that of a trunk's folder. */
  PlacedScoring(
      ScoringPlace place,
      ScoringFleet fleet,
      ScoringKind kind,
      Collection<String> usual,
      List<Path> roots,
      Function<String, PeerGuard> guards,
      Function<Path, HuggingFaceTokenizerAdapter> tokenizers) {
    this.place = place;
    this.fleet = fleet;
    this.kind = kind;
    this.roots = List.copyOf(roots);
    this.guards = guards;
    this.tokenizers = tokenizers;
    this.expected = new TreeSet<>(place.models().isEmpty() ? usual : place.models());
    try (ExecutorService looks = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> begun = new ArrayList<>();
      expected.forEach(name -> begun.add(looks.submit(() -> look(name))));
      begun.forEach(PlacedScoring::await);
    }
  }

  private void look(String name) {
    try {
      refresh(name);
    } catch (MeshException e) {
      LOG.warn("what Triton has of {} is not known: {}", name, e.getMessage());
    }
  }

  /** Waits for a look: all together take as long as the slowest. */
  private static void await(Future<?> look) {
    try {
      var unused = look.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  /** Why a version cannot be asked. */
  private record Refused(Fault fault, String why) {}

  /** One version that Triton has: what it is called here, and what its scores mean. */
  public record Known(PinnedVersion id, ScoringSpec spec) {}

  /** A version that is open; {@link #scorer} may be closed by each of its users. */
  public static final class Open {
    private final Tokenizer tokenizer;
    private final OpenScoring scoring;
    private final PeerGuard guard;

    private Open(Tokenizer tokenizer, OpenScoring scoring, PeerGuard guard) {
      this.tokenizer = tokenizer;
      this.scoring = scoring;
      this.guard = guard;
    }

    /** What made the tokens that it was trained on. */
    public Tokenizer tokenizer() {
      return tokenizer;
    }

    /** The most tokens of a prompt with one completion. */
    public int contextTokens() {
      return scoring.version().scoring().contextTokens();
    }

    /**
     * Returns a scorer for the work of one lane, which travels as its priority. It fails with a
     * {@link MeshException} if Triton can do nothing for anybody now, and closing it closes the
     * version.
     */
    public CompletionScorer scorer(Lane lane) {
      return new GuardedScorer(scoring.scorer(OptionalLong.of(priority(lane))), guard, scoring);
    }
  }

  /** What exported models call a lane: the highest is 1. */
  private static long priority(Lane lane) {
    return switch (lane) {
      case INTERACTIVE -> 1;
      case TRAINER -> 2;
      case BATCH -> 3;
    };
  }

  /** Where they run. */
  public ScoringPlace place() {
    return place;
  }

  /** Whether models of this name run there. */
  public boolean has(String model) {
    return place.has(model);
  }

  /** Whether it is known which versions of a model Triton has. */
  public boolean knows(String model) {
    return found.containsKey(model);
  }

  /** What Triton has, as far as it is known. */
  public List<Known> list() {
    List<Known> all = new ArrayList<>();
    new TreeMap<>(found)
        .forEach(
            (name, versions) ->
                versions.forEach(each -> all.add(new Known(id(name, each), spec(each)))));
    return List.copyOf(all);
  }

  private static PinnedVersion id(String name, ServedScoring version) {
    return new PinnedVersion(name, version.folder().version(), version.folder().weightsSha256());
  }

  private static ScoringSpec spec(ServedScoring version) {
    return version.scoring().spec();
  }

  /** The names that somebody here has named; those that callers make up are not kept. */
  public Set<String> expected() {
    return Set.copyOf(expected);
  }

  /**
   * Looks again which versions of a model Triton has. While one of several does not answer, what
   * was known stays known: it may be what that one has.
   *
   * @throws MeshException DEPENDENCY_DOWN if a Triton does not answer, what the others have being
   *     known then; DEPENDENCY_BROKEN if the model is none that we exported
   */
  public void refresh(String model) {
    Permit permit = guard(model).acquire();
    Optional<String> silent;
    try {
      ScoringFleet.Found there = fleet.find(place.servedName(model));
      permit.end(Verdict.SUCCEEDED);
      silent = there.silent();
      passOver(model, there.passedOver());
      know(
          model,
          there.versions().stream().filter(each -> spec(each).kind() == kind).toList(),
          silent);
    } catch (ModelException e) {
      permit.end(GuardedScorer.verdict(e));
      if (expected.contains(model)) {
        unreached.put(
            model, "%s (at %s)".formatted(e.getMessage(), String.join(", ", place.targets())));
      }
      throw new MeshException(ScoringFaults.of(e.reason()), String.valueOf(e.getMessage()), e);
    } finally {
      permit.end(Verdict.IGNORED);
    }
    if (silent.isPresent()) {
      throw new MeshException(
          Fault.DEPENDENCY_DOWN,
          "what one of the servers has of %s is not known: %s".formatted(model, silent.get()));
    }
  }

  private void passOver(String model, Optional<String> why) {
    if (why.isEmpty()) {
      passedOver.remove(model);
    } else if (!why.get().equals(passedOver.put(model, why.get()))) {
      LOG.warn("a server of {} is passed over: {}", model, why.get());
    }
  }

  private void know(String model, List<ServedScoring> versions, Optional<String> silent) {
    unreached.remove(model);
    refused
        .entrySet()
        .removeIf(
            each ->
                each.getKey().model().equals(model)
                    && each.getValue().fault() == Fault.DEPENDENCY_DOWN);
    if (silent.isEmpty()) {
      inPart.remove(model);
      if (!versions.isEmpty() || expected.contains(model)) {
        found.put(model, versions);
      } else {
        found.remove(model);
      }
      Set<PinnedVersion> there =
          versions.stream().map(each -> id(model, each)).collect(Collectors.toSet());
      open.keySet().removeIf(id -> id.model().equals(model) && !there.contains(id));
      refused.keySet().removeIf(id -> id.model().equals(model) && !there.contains(id));
      return;
    }
    if (versions.isEmpty() && !expected.contains(model)) {
      return;
    }
    if (!found.containsKey(model) || inPart.containsKey(model)) {
      inPart.put(model, silent.get());
    }
    Map<String, ServedScoring> merged = new LinkedHashMap<>();
    versions.forEach(each -> merged.put(each.folder().version(), each));
    for (ServedScoring known : found.getOrDefault(model, List.of())) {
      if (merged.putIfAbsent(known.folder().version(), known) == null) {
        refused.put(id(model, known), new Refused(Fault.DEPENDENCY_DOWN, silent.get()));
      }
    }
    found.put(model, List.copyOf(merged.values()));
  }

  /** Guards looks for what there is of a model. */
  private PeerGuard guard(String model) {
    return guarded.computeIfAbsent(expected.contains(model) ? "triton:" + model : "triton", guards);
  }

  /** Guards one version's scores: another of the model may be well when this one is broken. */
  private PeerGuard guard(PinnedVersion id) {
    return guarded.computeIfAbsent("triton:%s/%s".formatted(id.model(), id.version()), guards);
  }

  /**
   * What keeps models from being asked now: by name and version of {@code listed}, by name alone
   * where no version is known, or a server is passed over; quick.
   */
  public Map<String, String> flaws(Collection<PinnedVersion> listed) {
    Map<String, String> flaws = new TreeMap<>(unreached);
    for (PinnedVersion id : listed) {
      Refused refusal = refused.get(id);
      String why = unreached.getOrDefault(id.model(), refusal == null ? null : refusal.why());
      OpenScoring scoring = open.get(id);
      if (why == null && scoring != null) {
        why = scoring.noneReady().orElse(null);
      }
      if (why != null) {
        flaws.put(id.model() + " " + id.version(), why);
        flaws.remove(id.model());
      }
    }
    inPart.forEach(flaws::putIfAbsent);
    passedOver.forEach(flaws::putIfAbsent);
    return flaws;
  }

  /**
   * Opens a version.
   *
   * @param folder the checksum of the heads in the model folder of this name and version; empty if
   *     there is none
   * @throws MeshException UNKNOWN_MODEL if Triton has no such version, or its tokenizer is not
   *     here; CORRUPT_WEIGHTS if weights or tokenizer are others than here; DEPENDENCY_DOWN;
   *     PRECONDITION_FAILED if no connection can be made as the place says
   */
  public Open open(PinnedVersion id, Optional<String> folder) {
    try {
      Open opened = openThere(id, folder);
      refused.remove(id);
      return opened;
    } catch (MeshException e) {
      refused.put(id, new Refused(e.fault(), String.valueOf(e.getMessage())));
      throw e;
    }
  }

  private Open openThere(PinnedVersion id, Optional<String> folder) {
    ServedScoring version =
        find(id)
            .or(
                () -> {
                  try {
                    refresh(id.model());
                  } catch (MeshException e) {
                    return Optional.of(find(id).orElseThrow(() -> e));
                  }
                  return find(id);
                })
            .orElseThrow(
                () ->
                    new MeshException(
                        Fault.UNKNOWN_MODEL,
                        "%s %s: Triton has no such version".formatted(id.model(), id.version())));
    // an answer tells the weights that gave it: there can be no two opinions on them
    String here = folder.orElse(id.weightsSha256());
    if (!here.equals(version.folder().weightsSha256())) {
      throw new MeshException(
          Fault.CORRUPT_WEIGHTS,
          "%s %s: Triton has weights of SHA-256 %s (expected: %s%s)"
              .formatted(
                  id.model(),
                  id.version(),
                  version.folder().weightsSha256(),
                  folder.isPresent() ? "as in the model folder, " : "",
                  here));
    }
    HuggingFaceTokenizerAdapter tokenizer = tokenizer(version);
    OpenScoring scoring = connect(id, version, tokenizer);
    open.keySet().removeIf(id::differsInWeights);
    refused.keySet().removeIf(id::differsInWeights);
    open.put(id, scoring);
    return new Open(tokenizer, scoring, guard(id));
  }

  /** Opens the connections; the tokenizer is freed if that fails. */
  private OpenScoring connect(
      PinnedVersion id, ServedScoring version, HuggingFaceTokenizerAdapter tokenizer) {
    try {
      return fleet.open(version);
    } catch (IllegalArgumentException e) { // such as a file of authorities that is gone by now
      tokenizer.close();
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "%s %s: %s".formatted(id.model(), id.version(), e.getMessage()),
          e);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private Optional<ServedScoring> find(PinnedVersion id) {
    return found.getOrDefault(id.model(), List.of()).stream()
        .filter(version -> version.folder().version().equals(id.version()))
        .findFirst();
  }

  private HuggingFaceTokenizerAdapter tokenizer(ServedScoring version) {
    StoredModel trunk = trunk(spec(version).trunk());
    try {
      TrunkText here = TrunkText.required(trunk.folder());
      String sha256 = here.tokenizerSha256();
      String wanted = version.tokenizerSha256().orElse(sha256);
      if (!wanted.equals(sha256)) {
        throw new MeshException(
            Fault.CORRUPT_WEIGHTS,
            "%s/%s/tokenizer.json: SHA-256 %s (expected: that of the model on Triton, %s)"
                .formatted(trunk.name(), trunk.version(), sha256, wanted));
      }
      spec(version)
          .trunk()
          .text()
          .ifPresent(
              text ->
                  text.require(
                      here,
                      trunk.folder(),
                      version.folder().model() + "/" + version.folder().version()));
      return tokenizers.apply(trunk.folder());
    } catch (ModelException e) {
      throw new MeshException(
          ScoringFaults.of(e.reason()), trunk.withoutPath(String.valueOf(e.getMessage())), e);
    }
  }

  private StoredModel trunk(TrunkReference trunk) {
    return ModelStore.find(roots, trunk.model(), trunk.version())
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.UNKNOWN_MODEL,
                    "the heads stand on %s %s, whose tokenizer is in none of the model folders"
                        .formatted(trunk.model(), trunk.version())));
  }

  /** Closes the connections; versions that are open are their users' to close. */
  @Override
  public void close() {
    fleet.close();
  }
}
