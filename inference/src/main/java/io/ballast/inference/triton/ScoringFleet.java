package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.kit.call.PinnedVersion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/**
 * The scoring models that several Tritons serve: which versions there are, and scorers of them.
 * Only servers are asked that have the weights that are meant, which each is asked for at an
 * interval and when a connection breaks.
 */
public final class ScoringFleet implements AutoCloseable {
  private static final Executor ASKERS = Thread::startVirtualThread;

  private final List<String> addresses;
  private final KServeSettings settings;
  private final List<KServeConnection> servers;

  /**
   * Binds the servers; they are connected to when they are asked.
   *
   * @param addresses {@code host:port} of each, at least one
   * @throws IllegalArgumentException if there is no address, or one that is none, or the file of
   *     trusted authorities is none
   */
  public ScoringFleet(List<String> addresses, KServeSettings settings) {
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("servers: none (expected: host:port of each)");
    }
    this.addresses = List.copyOf(addresses);
    this.settings = settings;
    this.servers =
        this.addresses.stream().map(address -> KServeConnection.open(address, settings)).toList();
  }

  /**
   * What the servers that answered have.
   *
   * @param versions of equal ones that of the first server
   * @param silent why a server did not answer: what it alone has is not among them; empty if all
   *     did
   * @param passedOver why a server that answered is not asked, and which: it has the name for
   *     something that we did not export, or not so; empty if there is none
   */
  public record Found(
      List<ServedScoring> versions, Optional<String> silent, Optional<String> passedOver) {}

  /**
   * Returns the versions of a model, whichever server has them. All are asked at once; one whose
   * model is none that we exported keeps nobody from what the others have.
   *
   * @param name what Triton calls it
   * @return none if all servers answer, and none has such a model
   * @throws ModelException UNAVAILABLE if no server answers, or those that do have nothing;
   *     UNSUPPORTED if all answer, and what they have is none that we exported
   */
  public Found find(String name) {
    List<CompletableFuture<List<ServedScoring>>> asked =
        servers.stream()
            .map(server -> CompletableFuture.supplyAsync(() -> versions(server, name), ASKERS))
            .toList();
    Map<String, ServedScoring> found = new LinkedHashMap<>();
    List<TritonException> silent = new ArrayList<>();
    List<String> foreign = new ArrayList<>();
    Set<String> flaws = new LinkedHashSet<>();
    for (int i = 0; i < asked.size(); i++) {
      try {
        asked
            .get(i)
            .join()
            .forEach(version -> found.putIfAbsent(version.folder().version(), version));
      } catch (CompletionException e) {
        switch (e.getCause()) {
          case TritonException away -> silent.add(away);
          case IllegalArgumentException none -> {
            String flaw = "model '%s': %s".formatted(name, none.getMessage());
            foreign.add(addresses.get(i) + ": " + flaw);
            flaws.add(flaw);
          }
          case null, default -> throw e;
        }
      }
    }
    if (silent.size() == servers.size()) {
      throw TritonFaults.of(silent.getLast());
    }
    Optional<String> passedOver =
        foreign.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", foreign));
    String others = String.join("; ", flaws); // a caller is not told where servers stand
    if (found.isEmpty() && !silent.isEmpty()) {
      throw new ModelException(
          Reason.UNAVAILABLE,
          "the servers that answer have no model '%s'; of another: %s%s"
              .formatted(
                  name, silent.getLast().getMessage(), others.isEmpty() ? "" : "; " + others),
          silent.getLast());
    }
    if (found.isEmpty() && !others.isEmpty()) {
      throw new ModelException(Reason.UNSUPPORTED, others);
    }
    return new Found(
        List.copyOf(found.values()),
        silent.isEmpty()
            ? Optional.empty()
            : Optional.of(String.valueOf(silent.getLast().getMessage())),
        passedOver);
  }

  private static List<ServedScoring> versions(KServeConnection server, String name) {
    server.reconnect();
    try {
      return ServedScoring.all(name, server.client().config(ServedModel.of(name)));
    } catch (TritonException e) {
      if (e.reason() == TritonException.Reason.UNKNOWN_MODEL) {
        return List.of();
      }
      throw e;
    }
  }

  /** Opens a version on all servers that have it, now or later. */
  public OpenScoring open(ServedScoring version) {
    return new OpenScoring(
        version, KServeFleet.open(addresses, client -> lacks(client, version), settings));
  }

  private static Optional<String> lacks(KServeClient client, ServedScoring version) {
    ServedModel at = version.at();
    if (!client.ready(at)) {
      return Optional.of(KServeClient.subject(at) + " is not ready");
    }
    try {
      Optional<PinnedVersion> there =
          ServedScoring.all(at.name(), client.config(at)).stream()
              .filter(one -> one.at().equals(at))
              .map(ServedScoring::folder)
              .findFirst();
      return there.equals(Optional.of(version.folder()))
          ? Optional.empty()
          : Optional.of(
              "%s was exported from %s (expected: %s)"
                  .formatted(
                      KServeClient.subject(at),
                      there.map(ScoringFleet::words).orElse("nothing"),
                      words(version.folder())));
    } catch (IllegalArgumentException e) {
      return Optional.of(KServeClient.subject(at) + ": " + e.getMessage());
    }
  }

  private static String words(PinnedVersion folder) {
    return folder + ", weights " + folder.weightsSha256();
  }

  /** Closes what {@link #find} asks through; versions that are open stay so. */
  @Override
  public void close() {
    servers.forEach(KServeConnection::close);
  }

  /** One version, open. */
  public static final class OpenScoring implements AutoCloseable {
    private final ServedScoring version;
    private final KServeFleet fleet;

    private OpenScoring(ServedScoring version, KServeFleet fleet) {
      this.version = version;
      this.fleet = fleet;
    }

    /** What is open, as its configuration tells of it. */
    public ServedScoring version() {
      return version;
    }

    /**
     * Returns a scorer; closing it leaves the connections open.
     *
     * @param priority 1 interactive, 2 trainer, 3 batch; empty: the model's usual one
     */
    public CompletionScorer scorer(OptionalLong priority) {
      return TritonScorer.of(fleet.client(), version, priority);
    }

    /** Returns why no server is ready, as far as it is known by now; empty if one is. */
    public Optional<String> noneReady() {
      return fleet.noneReady();
    }

    /** Ends calls under way and closes the connections. */
    @Override
    public void close() {
      fleet.close();
    }
  }
}
