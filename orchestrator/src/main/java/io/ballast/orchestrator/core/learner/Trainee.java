package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.Decoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Weights in training with their frozen reference. One thread at a time.
 *
 * <p>Methods throw {@link io.ballast.inference.api.ModelException} where the model fails; a failed
 * {@link #forwardBackward} or {@link #step} leaves no gradients behind and the weights as they
 * were.
 */
public interface Trainee extends AutoCloseable {
  /** What a sequence must fit into. */
  ModelShape shape();

  /**
   * In what numbers the weights are trained, such as {@code FLOAT32}; kept with what is published.
   */
  String arithmetic();

  /** Updates done, those before a {@link #restore} included. */
  long updatesCount();

  /** Returns what the weights say of {@code groups}; changes nothing. */
  List<GroupScores> scores(List<TrainingGroup> groups, WhichWeights weights);

  /** Adds the gradients of {@code loss}; returns what the weights say of {@code groups}. */
  List<GroupScores> forwardBackward(List<TrainingGroup> groups, GroupLoss loss);

  /** Updates the weights and forgets the gradients; returns their norm before clipping. */
  double step(double learningRate);

  /**
   * An engine that samples from the weights as they are now. Belongs to the trainee: the caller
   * does not close it, and asks again after an update.
   */
  Decoder sampler();

  /** Writes the weights as a Hugging Face folder. */
  void publish(Path folder) throws IOException;

  /** Writes weights and optimiser state to one file, whole or not at all. */
  void checkpoint(Path file) throws IOException;

  /** Goes back to a checkpoint, exactly; forgets gradients. */
  void restore(Path file);

  @Override
  void close();
}
