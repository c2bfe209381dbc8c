package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.WeakHashMap;

/**
 * The weights of a run as versions that the policy-server finds: to sample from, and candidates.
 */
final class PublishedWeights {
  /** Those that an iteration begins with, and those of the one before, in case it is not done. */
  private static final int ROLLOUTS_KEPT = 2;

  private static final String ITERATION = "iteration";

  private final WeightsStore store;
  private final RolloutFolders rollouts;
  private final PolicyVersions versions;
  private final Patience patience;

  /** As what the weights in training were last published, as long as they are in training. */
  private final Map<Trainee, Published> last = Collections.synchronizedMap(new WeakHashMap<>());

  private record Published(String name, long updates, PinnedVersion version) {}

  /**
   * @param patience with the policy-server
   */
  PublishedWeights(
      WeightsStore store, RolloutFolders rollouts, PolicyVersions versions, Patience patience) {
    this.store = store;
    this.rollouts = rollouts;
    this.versions = versions;
    this.patience = patience;
  }

  /**
   * The weights as they are, which {@code iteration} begins with, to be sampled from; older ones
   * go. They are handed over where that can be, unless a later iteration samples from them, too:
   * after a crash that one finds them only in a folder. Those that were evaluated are there.
   *
   * @param staleness for how many iterations more they are sampled from
   */
  PinnedVersion rollout(Run run, Trainee trainee, int iteration, int staleness) {
    String name = run.rolloutVersion(iteration);
    long updates = trainee.updatesCount();
    Published there = last.get(trainee);
    if (there != null && there.name().equals(name) && there.updates() == updates) {
      return there.version();
    }
    PinnedVersion version = newRollout(run, trainee, iteration, staleness);
    last.put(trainee, new Published(name, updates, version));
    return version;
  }

  private PinnedVersion newRollout(Run run, Trainee trainee, int iteration, int staleness) {
    String model = run.rolloutModel();
    String name = run.rolloutVersion(iteration);
    Optional<PinnedVersion> handed =
        staleness == 0 ? trainee.handOver(model, name) : Optional.empty();
    PinnedVersion version =
        handed.isPresent()
            ? registered(run, handed.get())
            : publish(
                run,
                model,
                name,
                notes(run, trainee, Map.of()),
                folder -> trainee.publish(folder, WhichWeights.CURRENT));
    rollouts.delete(model, run.rolloutVersion(iteration - ROLLOUTS_KEPT - staleness));
    return version;
  }

  /** The version that {@code selector} names. */
  PinnedVersion find(VersionSelector selector) {
    return patience.call("find " + selector, () -> versions.resolve(selector));
  }

  /**
   * The weights as they are, or their average if one is kept, to be tested.
   *
   * @param iteration that left them
   * @param reason why it is these; may be empty
   */
  PinnedVersion candidate(Run run, RunSpec spec, Trainee trainee, int iteration, String reason) {
    Map<String, String> notes = new TreeMap<>();
    notes.put(ITERATION, Integer.toString(iteration));
    if (!reason.isEmpty()) {
      notes.put("chosen_as", reason);
    }
    Double decay = spec.trainee().averageDecay();
    if (decay != null) {
      notes.put("average_decay", decay.toString());
    }
    return publish(
        run,
        run.base().model(),
        run.candidateVersion(),
        notes(run, trainee, notes),
        folder ->
            trainee.publish(folder, decay == null ? WhichWeights.CURRENT : WhichWeights.AVERAGE));
  }

  private PinnedVersion publish(
      Run run, String model, String name, Map<String, String> notes, WeightsStore.Writer writer) {
    return registered(run, store.publish(model, name, notes, writer));
  }

  private PinnedVersion registered(Run run, PinnedVersion version) {
    patience.run(
        "register " + version,
        () -> versions.register(run.tenant(), version, run.base().version(), run.runId()));
    return version;
  }

  private static Map<String, String> notes(Run run, Trainee trainee, Map<String, String> more) {
    Map<String, String> notes = new TreeMap<>(more);
    notes.put("parent_version", run.base().version());
    notes.put("parent_weights_sha256", run.base().weightsSha256());
    notes.put("run_id", run.runId());
    notes.put("arithmetic", trainee.arithmetic());
    return notes;
  }
}
