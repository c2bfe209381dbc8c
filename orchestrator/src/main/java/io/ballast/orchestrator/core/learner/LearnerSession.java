package io.ballast.orchestrator.core.learner;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.CallCancellation;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.VersionRegistry;
import io.ballast.rl.sample.Numbers;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Weights in training, worked on by one thread in the order of the calls.
 *
 * <p>Everything that can be wrong with a request is found before it is queued; what was refused has
 * changed nothing.
 */
public final class LearnerSession implements AutoCloseable {
  /**
   * What a session is.
   *
   * @param id a UUID
   * @param base the version that it started from, which is also its frozen reference
   */
  public record Identity(
      String id, String tenant, PinnedVersion base, TraineeOptions options, Instant created) {}

  /** Where weights go, who is told of them, and how ids are made. */
  record Surroundings(
      WeightsStore store, VersionRegistry registry, Supplier<String> ids, LearnerLimits limits) {}

  private final Identity identity;
  private final Trainee trainee;
  private final Surroundings surroundings;
  private final SessionWorker worker;
  private final ReentrantLock lock = new ReentrantLock();
  private final KeyedOperations operations;
  private boolean gradientsAsked; // guarded by the lock; what the worker will find, or true
  private boolean gradientsThere; // the worker's alone
  private volatile long updatesCount;

  LearnerSession(Identity identity, Trainee trainee, Surroundings surroundings) {
    this.identity = identity;
    this.trainee = trainee;
    this.surroundings = surroundings;
    this.operations = new KeyedOperations(surroundings.limits().maxQueuedOperations());
    this.worker = new SessionWorker(identity.id(), surroundings.limits().maxQueuedOperations());
  }

  /** What it is. */
  public Identity identity() {
    return identity;
  }

  /** Updates done. */
  public long updatesCount() {
    return updatesCount;
  }

  /**
   * Returns what the weights say of {@code groups}; waits for its turn.
   *
   * @throws MeshException MALFORMED_REQUEST; PRECONDITION_FAILED if no average is kept and it is
   *     asked, or what the weights say is not finite; OVERLOADED, DEPENDENCY_BROKEN
   */
  public List<GroupScores> forward(
      List<TrainingGroup> groups, WhichWeights weights, CallCancellation cancellation) {
    requireKept(weights);
    TrainingGroup.requireAll(groups, trainee.shape());
    return ask(() -> trainee.scores(groups, weights), cancellation);
  }

  /**
   * Samples from the weights as they are when its turn comes.
   *
   * @throws MeshException OVERLOADED, DEPENDENCY_BROKEN
   */
  public SampleAnswer sample(SampleCommand command, CallCancellation cancellation) {
    command.requireSize(trainee.shape().contextTokens());
    int window = Math.max(surroundings.limits().sampleWindow(), command.completionsCount());
    return ask(
        () ->
            new SampleAnswer(
                new SessionSampler(trainee.sampler(), command, window).run(cancellation),
                trainee.updatesCount()),
        cancellation);
  }

  /**
   * Adds gradients.
   *
   * @param fingerprint stands for the whole request, for repetitions of an idempotency key
   * @throws MeshException MALFORMED_REQUEST, and then nothing was added; OVERLOADED
   */
  public Operation<OperationResult> forwardBackward(
      Caller caller, String fingerprint, List<TrainingGroup> groups, LossRequest loss) {
    TrainingGroup.requireAll(groups, trainee.shape());
    loss.requireInputs(groups);
    return submit(
        caller,
        fingerprint,
        () -> gradientsAsked = true,
        () -> {
          gradientsThere = false; // a failure below takes all gradients away
          List<TrainingGroup> complete = withReferences(groups, loss);
          GroupLoss groupLoss =
              switch (loss) {
                case LossRequest.Named named ->
                    new BatchLoss(
                        named.spec().objective(),
                        TrainingGroup.batch(complete, named.spec().kind()));
                case LossRequest.CallerGradients() -> new CallerLoss(complete);
              };
          List<GroupScores> scores = addGradients(complete, groupLoss);
          gradientsThere = true;
          return new OperationResult.ForwardBackward(
              groupLoss.value(), groupLoss.metrics(), scores);
        });
  }

  /** Finite numbers of a request may still make gradients that are not. */
  private List<GroupScores> addGradients(List<TrainingGroup> groups, GroupLoss loss) {
    try {
      return trainee.forwardBackward(groups, loss);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw Faults.malformed("loss", String.valueOf(e.getMessage()));
    }
  }

  private List<TrainingGroup> withReferences(List<TrainingGroup> groups, LossRequest loss) {
    boolean needed = loss instanceof LossRequest.Named named && named.needsReference();
    boolean complete =
        groups.stream()
            .flatMap(group -> group.completions().stream())
            .allMatch(completion -> completion.referenceLogProbs().size() > 0);
    if (!needed || complete) {
      return groups;
    }
    List<GroupScores> scores = trainee.scores(groups, WhichWeights.REFERENCE);
    List<TrainingGroup> filled = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      List<TrainingCompletion> completions = new ArrayList<>();
      for (int g = 0; g < groups.get(i).size(); g++) {
        TrainingCompletion completion = groups.get(i).completions().get(g);
        double[] found = BatchLoss.doubles(scores.get(i).logProbs().get(g));
        completions.add(
            completion.referenceLogProbs().size() > 0
                ? completion
                : completion.withReference(Numbers.of(found)));
      }
      filled.add(new TrainingGroup(groups.get(i).prompt(), completions));
    }
    return filled;
  }

  /**
   * Updates the weights with the gradients added so far, which are then cleared.
   *
   * @param learningRate of this update, above 0, at most 1, and times the weight decay below 1
   * @throws MeshException MALFORMED_REQUEST for another rate; PRECONDITION_FAILED if no gradients
   *     were asked for; OVERLOADED
   */
  public Operation<OperationResult> step(Caller caller, String fingerprint, double learningRate) {
    identity.options().optimizer().requireRate(learningRate);
    return submit(
        caller,
        fingerprint,
        () -> {
          if (!gradientsAsked) {
            throw noGradients();
          }
          gradientsAsked = false;
        },
        () -> {
          if (!gradientsThere) {
            throw noGradients();
          }
          gradientsThere = false;
          double norm = trainee.step(learningRate);
          updatesCount = trainee.updatesCount();
          return new OperationResult.Step(norm, updatesCount);
        });
  }

  private static MeshException noGradients() {
    return Faults.precondition("there are no gradients (expected: a ForwardBackward before)");
  }

  private void requireKept(WhichWeights weights) {
    if (weights == WhichWeights.AVERAGE && identity.options().averageDecay().isEmpty()) {
      throw Faults.precondition(
          "weights: AVERAGE (expected: others; session %s keeps no average)"
              .formatted(identity.id()));
    }
  }

  /**
   * Publishes weights as {@code version} of the base's model; of adapters, the base's with them
   * added.
   *
   * @param weights CURRENT or AVERAGE
   * @param register whether it is made known to whoever serves it; where that fails the operation
   *     fails, and the version stays
   * @throws MeshException PRECONDITION_FAILED if no average is kept and it is asked for; OVERLOADED
   */
  public Operation<OperationResult> publish(
      Caller caller, String fingerprint, String version, WhichWeights weights, boolean register) {
    Faults.requireName("publish_version", version);
    requireKept(weights);
    Map<String, String> notes =
        Map.of(
            "parent_version", identity.base().version(),
            "parent_weights_sha256", identity.base().weightsSha256(),
            "arithmetic", trainee.arithmetic());
    return submit(
        caller,
        fingerprint,
        () -> {},
        () -> {
          PinnedVersion published =
              surroundings
                  .store()
                  .publish(
                      identity.base().model(),
                      version,
                      notes,
                      folder -> trainee.publish(folder, weights));
          if (register) {
            register(published);
          }
          return new OperationResult.Published(published);
        });
  }

  private void register(PinnedVersion published) {
    try {
      surroundings.registry().register(identity.tenant(), published, identity.base().version(), "");
    } catch (MeshException e) {
      throw new MeshException(
          e.fault(),
          "version '%s' of model '%s' is published and not registered: %s; save it again, or call RegisterVersion"
              .formatted(published.version(), published.model(), e.getMessage()),
          e);
    }
  }

  /**
   * Keeps weights or adapters, optimiser state and average under {@code name}.
   *
   * @throws MeshException MALFORMED_REQUEST if a run's checkpoint may be called so; OVERLOADED
   */
  public Operation<OperationResult> keep(Caller caller, String fingerprint, String name) {
    Checkpoints.requireOfSession(name);
    return submit(
        caller,
        fingerprint,
        () -> {},
        () -> {
          surroundings.store().keepCheckpoint(identity.tenant(), name, trainee::checkpoint);
          return new OperationResult.Kept(name);
        });
  }

  /** Goes back to a checkpoint; forgets gradients. */
  public Operation<OperationResult> restore(Caller caller, String fingerprint, String name) {
    Faults.requireFileName("checkpoint", name);
    return submit(
        caller,
        fingerprint,
        () -> gradientsAsked = false,
        () -> {
          trainee.restore(surroundings.store().checkpoint(identity.tenant(), name));
          gradientsThere = false;
          updatesCount = trainee.updatesCount();
          return new OperationResult.Loaded(updatesCount);
        });
  }

  /** Whether work is waiting or under way. */
  boolean busy() {
    return worker.busy();
  }

  /** The operation called {@code id}, if it is remembered. */
  Optional<Operation<OperationResult>> operation(String id) {
    lock.lock();
    try {
      return Optional.ofNullable(operations.find(id));
    } finally {
      lock.unlock();
    }
  }

  private Operation<OperationResult> submit(
      Caller caller, String fingerprint, Runnable admission, Supplier<OperationResult> work) {
    lock.lock();
    try {
      Optional<Operation<OperationResult>> repeated =
          operations.repeated(caller.idempotencyKey(), fingerprint);
      if (repeated.isPresent()) {
        return repeated.get();
      }
      boolean asked = gradientsAsked;
      admission.run();
      Operation<OperationResult> operation =
          new Operation<>(identity.id(), surroundings.ids().get(), () -> askAgain(asked));
      try {
        worker.enqueue(operation, work);
      } catch (MeshException e) {
        gradientsAsked = asked;
        throw e;
      }
      operations.remember(caller.idempotencyKey(), fingerprint, operation);
      return operation;
    } finally {
      lock.unlock();
    }
  }

  /** What was taken back or has failed may have left gradients; then the worker decides. */
  private void askAgain(boolean asked) {
    lock.lock();
    try {
      gradientsAsked |= asked;
    } finally {
      lock.unlock();
    }
  }

  private <T> T ask(Supplier<T> work, CallCancellation cancellation) {
    Operation<T> operation = new Operation<>(identity.id(), surroundings.ids().get());
    cancellation.onCancel(operation::cancel);
    worker.enqueue(operation, work);
    return operation.join();
  }

  /** Lets what is under way end, takes back what waits, and frees the weights. */
  @Override
  public void close() {
    worker.close();
    trainee.close();
  }
}
