package io.ballast.orchestrator.testing;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.NotFiniteException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.Tokenizer;
import io.ballast.orchestrator.core.learner.GroupGradients;
import io.ballast.orchestrator.core.learner.GroupLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.ModelShape;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * Weights that give every token the log-probability −1 and the entropy ½. It notes what is asked of
 * it, and can be held in the middle of an update.
 */
public final class FakeTrainee implements Trainee {
  /** What was asked, in order. */
  public final List<String> calls = new CopyOnWriteArrayList<>();

  private volatile CountDownLatch gate = new CountDownLatch(0);
  private volatile CountDownLatch entered = new CountDownLatch(0);
  private volatile boolean broken;
  private long updates;

  /** Makes the next update wait in the middle until {@link #release}. */
  public void hold() {
    gate = new CountDownLatch(1);
    entered = new CountDownLatch(1);
  }

  /** Waits until an update is in the middle. */
  public void awaitHeld() throws InterruptedException {
    entered.await();
  }

  /** Lets the update that waits go on. */
  public void release() {
    gate.countDown();
  }

  /** Makes every forward-backward fail, and every checkpoint be read by half. */
  public void breakDown() {
    broken = true;
  }

  /** Makes the model work again. */
  public void mend() {
    broken = false;
  }

  @Override
  public ModelShape shape() {
    return new ModelShape(10_000, 100);
  }

  @Override
  public Tokenizer tokenizer() {
    throw new AssertionError("it reads no text");
  }

  @Override
  public String arithmetic() {
    return "FLOAT64";
  }

  @Override
  public long updatesCount() {
    return updates;
  }

  @Override
  public List<GroupScores> scores(List<TrainingGroup> groups, WhichWeights weights) {
    calls.add("scores " + weights);
    return groups.stream().map(FakeTrainee::scores).toList();
  }

  @Override
  public List<GroupScores> forwardBackward(List<TrainingGroup> groups, GroupLoss loss) {
    calls.add("forwardBackward");
    if (broken) {
      throw new NotFiniteException("log-probability: NaN");
    }
    List<GroupScores> scores = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      GroupScores ofGroup = scores(groups.get(i));
      scores.add(ofGroup);
      GroupGradients gradients = loss.gradients(i, ofGroup);
      calls.add("gradients " + gradients.byLogProbs());
    }
    return scores;
  }

  private static GroupScores scores(TrainingGroup group) {
    return new GroupScores(constant(group, -1f), constant(group, 0.5f));
  }

  private static List<PerToken> constant(TrainingGroup group, float value) {
    return group.completions().stream()
        .map(
            completion -> {
              float[] values = new float[completion.size()];
              Arrays.fill(values, value);
              return PerToken.of(values);
            })
        .toList();
  }

  @Override
  public double step(double learningRate) {
    calls.add("step " + learningRate);
    entered.countDown();
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    updates++;
    return 1;
  }

  @Override
  public double stepCritic(double learningRate) {
    throw new IllegalStateException("critic: there is none");
  }

  @Override
  public Decoder sampler() {
    throw new AssertionError("it does not sample");
  }

  @Override
  public void publish(Path folder, WhichWeights weights) {
    throw new AssertionError("it has no weights to publish");
  }

  @Override
  public void checkpoint(Path file) {
    calls.add("checkpoint");
  }

  @Override
  public void restore(Path file) {
    calls.add("restore");
    if (broken) {
      throw new ModelException(
          ModelException.Reason.BROKEN, file + ": was whole and can no longer be read");
    }
    updates = 0;
  }

  @Override
  public void close() {
    calls.add("close");
  }
}
