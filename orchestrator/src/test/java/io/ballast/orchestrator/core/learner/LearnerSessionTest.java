package io.ballast.orchestrator.core.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.CallCancellation;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.Operation.State;
import io.ballast.orchestrator.testing.FakeTrainee;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Numbers;
import io.ballast.testing.HeardLog;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A session works on its weights in the order of the calls, and never half. */
class LearnerSessionTest {
  private static final int MAX_QUEUED = 2;
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Caller NOBODY = new Caller("default", "");
  private static final LossRequest POLICY_GRADIENT =
      new LossRequest.Named(LossSpec.of(ObjectiveKind.POLICY_GRADIENT));

  private final FakeTrainee trainee = new FakeTrainee();
  private final AtomicLong ids = new AtomicLong();
  private final LearnerSession session =
      new LearnerSession(
          new LearnerSession.Identity(
              "session",
              "default",
              new PinnedVersion("tiny", "1", ""),
              TraineeOptions.of(OptimizerSettings.ofRate(0.1)),
              Instant.EPOCH),
          trainee,
          new LearnerSession.Surroundings(
              new OneCheckpoint(),
              (tenant, version, parent, run) -> {},
              () -> "operation-" + ids.incrementAndGet(),
              new LearnerLimits(1, 1, 1, 1, MAX_QUEUED, 1, LONG)));

  @AfterEach
  void close() {
    trainee.release();
    session.close();
  }

  @Test
  void anUpdateNeedsGradientsAndTakesThemAll() {
    refused(() -> step(0.1), Fault.PRECONDITION_FAILED, "there are no gradients");
    train();
    assertThat(done(step(0.1))).isEqualTo(new OperationResult.Step(1, 1));
    refused(() -> step(0.1), Fault.PRECONDITION_FAILED, "there are no gradients");
    assertThat(session.updatesCount()).isEqualTo(1);
  }

  @Test
  void whatHasNotBegunCanBeTakenBackAndTheGradientsStay() throws InterruptedException {
    Operation<OperationResult> held = holdAnUpdate();
    Operation<OperationResult> gradients = trainLater();
    Operation<OperationResult> waiting = step(0.2);

    waiting.cancel();
    assertThat(waiting.state()).isEqualTo(State.CANCELLED);
    held.cancel();
    assertThat(held.state()).isEqualTo(State.RUNNING);
    trainee.release();
    assertThat(done(held)).isEqualTo(new OperationResult.Step(1, 1));
    assertThat(lossOf(gradients)).isEqualTo(2);
    assertThat(done(step(0.3))).isEqualTo(new OperationResult.Step(1, 2));
    assertThat(trainee.calls).contains("step 0.3").doesNotContain("step 0.2");
  }

  @Test
  void aFullQueueRefusesAndChangesNothing() throws InterruptedException {
    Operation<OperationResult> held = holdAnUpdate();
    train();
    Operation<OperationResult> last = trainLater();
    refused(this::train, Fault.OVERLOADED, "2 operations are waiting in session session, limit 2");
    refused(() -> step(0.1), Fault.OVERLOADED, "2 operations are waiting");
    trainee.release();
    done(held);
    assertThat(lossOf(last)).isEqualTo(2);
    assertThat(done(step(0.1))).isEqualTo(new OperationResult.Step(1, 2));
  }

  @Test
  void aFailureOnTheWayTakesAllGradientsAway() {
    train();
    trainee.breakDown();
    Operation<OperationResult> failed = trainLater();
    failed.await(LONG);
    assertThat(failed.state()).isEqualTo(State.FAILED);
    assertThat(failed.failure().orElseThrow())
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage("log-probability: NaN");

    Operation<OperationResult> step = step(0.1);
    step.await(LONG);
    assertThat(step.state()).isEqualTo(State.FAILED);
    assertThat(session.updatesCount()).isZero();
    trainee.mend();
    train();
    assertThat(done(step(0.1))).isEqualTo(new OperationResult.Step(1, 1));
  }

  @Test
  void aLostCheckpointLeavesEverythingAsItWas() {
    train();
    Operation<OperationResult> restore = session.restore(NOBODY, "", "lost");
    restore.await(LONG);
    assertThat(restore.failure().orElseThrow()).hasMessage("there is no checkpoint 'lost'");
    assertThat(done(step(0.1))).isEqualTo(new OperationResult.Step(1, 1));
  }

  @Test
  void halfACheckpointIsLoggedOnceWithSessionAndFile() {
    done(trainLater());
    trainee.breakDown();
    try (HeardLog log = HeardLog.of(Operation.class.getName(), Level.WARNING)) {
      Operation<OperationResult> restore = session.restore(NOBODY, "", "kept");
      restore.await(LONG);
      assertThat(restore.failure().orElseThrow())
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN))
          .hasMessage("kept.safetensors: was whole and can no longer be read");
      assertThat(log.messages())
          .singleElement(InstanceOfAssertFactories.STRING)
          .startsWith("session session, operation " + restore.id() + " failed: ")
          .endsWith(": kept.safetensors: was whole and can no longer be read");
    }
    trainee.mend();
    assertThat(done(session.restore(NOBODY, "", "kept"))).isEqualTo(new OperationResult.Loaded(0));
  }

  @Test
  void aKeyThatIsRepeatedWhileItsOperationWaitsGetsTheSameOperation() throws InterruptedException {
    Caller keyed = new Caller("default", "key");
    Operation<OperationResult> held = holdAnUpdate();
    Operation<OperationResult> first =
        session.forwardBackward(keyed, "request", groups(1), POLICY_GRADIENT);
    assertThat(session.forwardBackward(keyed, "request", groups(1), POLICY_GRADIENT))
        .isSameAs(first);
    refused(
        () -> session.forwardBackward(keyed, "other", groups(1), POLICY_GRADIENT),
        Fault.MALFORMED_REQUEST,
        "metadata.idempotency_key: 'key' was used for another request");
    trainee.release();
    done(held);
    done(first);
    assertThat(trainee.calls.stream().filter(call -> call.equals("forwardBackward"))).hasSize(2);
  }

  @Test
  void closingTakesBackWhatWaitsAndEndsWhatHasBegun() throws InterruptedException {
    Operation<OperationResult> held = holdAnUpdate();
    Operation<OperationResult> waiting = trainLater();
    Thread closing = Thread.ofVirtual().start(session::close);
    waiting.await(LONG);
    assertThat(waiting.state()).isEqualTo(State.CANCELLED);
    trainee.release();
    closing.join();
    assertThat(held.state()).isEqualTo(State.SUCCEEDED);
    assertThat(trainee.calls).last().isEqualTo("close");
    refused(this::train, Fault.UNKNOWN_RESOURCE, "there is no session 'session'");
  }

  @Test
  void aGroupTooLongForOneRowOfAttentionIsRefusedBeforeAnythingIsComputed() {
    refused(
        () -> session.forward(groups(8_192), WhichWeights.CURRENT, CallCancellation.never()),
        Fault.MALFORMED_REQUEST,
        "groups[0]: 8,193 tokens, limit 8,192");
    assertThat(trainee.calls).isEmpty();
  }

  @Test
  void theReferenceIsAskedOnlyWhereTheObjectiveNeedsIt() {
    train();
    assertThat(trainee.calls).doesNotContain("scores REFERENCE");
    LossSpec withKl = LossSpec.of(ObjectiveKind.POLICY_GRADIENT).withKl(0.5, KlEstimator.K2);
    Operation<OperationResult> operation =
        session.forwardBackward(NOBODY, "", groups(1), new LossRequest.Named(withKl));
    // π = π_ref, so the penalty is 0 and the loss is −Â·logp = −2·(−1)
    assertThat(done(operation))
        .isInstanceOfSatisfying(
            OperationResult.ForwardBackward.class,
            result -> assertThat(result.loss()).isEqualTo(2));
    assertThat(trainee.calls).contains("scores REFERENCE");
  }

  /** Starts an update that stays in the middle. */
  private Operation<OperationResult> holdAnUpdate() throws InterruptedException {
    train();
    trainee.hold();
    Operation<OperationResult> held = step(0.1);
    trainee.awaitHeld();
    return held;
  }

  private void train() {
    var unused = trainLater();
  }

  private Operation<OperationResult> trainLater() {
    return session.forwardBackward(NOBODY, "", groups(1), POLICY_GRADIENT);
  }

  private Operation<OperationResult> step(double rate) {
    return session.step(NOBODY, "", rate);
  }

  private static OperationResult done(Operation<OperationResult> operation) {
    operation.await(LONG);
    return operation.result().orElseThrow();
  }

  private static double lossOf(Operation<OperationResult> operation) {
    return done(operation) instanceof OperationResult.ForwardBackward result
        ? result.loss()
        : Double.NaN;
  }

  private static List<TrainingGroup> groups(int tokens) {
    Numbers none = Numbers.of();
    return List.of(
        new TrainingGroup(
            TokenIds.of(1),
            List.of(
                new TrainingCompletion(
                    TokenIds.of(new int[tokens]),
                    Numbers.of(2),
                    none,
                    none,
                    none,
                    none,
                    false,
                    none,
                    none,
                    none,
                    false))));
  }

  private static void refused(ThrowingCallable call, Fault fault, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(MeshException.class, e -> assertThat(e.fault()).isEqualTo(fault))
        .hasMessageContaining(message);
  }

  /** A store with one checkpoint in it. */
  private static final class OneCheckpoint implements WeightsStore {
    @Override
    public PinnedVersion publish(
        String model, String version, Map<String, String> notes, Writer writer) {
      return new PinnedVersion(model, version, "");
    }

    @Override
    public void keepCheckpoint(String tenant, String name, Writer writer) {}

    @Override
    public Path checkpoint(String tenant, String name) {
      if (!name.equals("kept")) {
        throw Faults.unknown("checkpoint", name);
      }
      return Path.of("kept.safetensors");
    }

    @Override
    public List<Kept> checkpoints(String tenant) {
      return List.of(new Kept("kept", 1, Instant.EPOCH));
    }

    @Override
    public void deleteCheckpoint(String tenant, String name) {
      throw new AssertionError("a session deletes none");
    }

    @Override
    public void forgetCheckpoints(String tenant, String prefix, Set<String> kept) {}
  }
}
