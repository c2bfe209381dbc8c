package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.PinnedVersion;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Weights in training with their frozen reference, and a critic if it was asked for. One thread at
 * a time.
 *
 * <p>Methods throw {@link io.ballast.inference.api.ModelException} where the model fails; a failed
 * {@link #forwardBackward} or {@link #step} leaves no gradients behind and the weights as they
 * were.
 */
public interface Trainee extends AutoCloseable {
  /** What a sequence must fit into. */
  ModelShape shape();

  /** What splits texts for it. */
  Tokenizer tokenizer();

  /**
   * In what numbers the weights are trained, such as {@code FLOAT32}; kept with what is published.
   */
  String arithmetic();

  /** Calls of {@link #step}, those before a {@link #restore} included. */
  long updatesCount();

  /**
   * Returns what some weights say of {@code groups}; changes nothing.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if no average is kept
   */
  List<GroupScores> scores(List<TrainingGroup> groups, WhichWeights weights);

  /**
   * Adds the gradients of {@code loss}; returns what the weights say of {@code groups}; a critic
   * with a trunk of its own says something only if the loss reads values.
   */
  List<GroupScores> forwardBackward(List<TrainingGroup> groups, GroupLoss loss);

  /** Updates the weights and forgets the gradients; returns their norm before clipping. */
  double step(double learningRate);

  /**
   * Updates the critic alone and forgets all gradients: the weights that sample, what the optimiser
   * knows of them, and {@link #updatesCount} stay as they are. Returns the norm of the critic's own
   * gradient before clipping.
   *
   * @throws IllegalStateException if there is no critic
   */
  double stepCritic(double learningRate);

  /**
   * An engine that samples from the weights as they are now. Belongs to the trainee: the caller
   * does not close it, and asks again after an update.
   */
  Decoder sampler();

  /**
   * Writes weights as a Hugging Face folder; a critic is left out.
   *
   * @param weights CURRENT or AVERAGE
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if no average is kept;
   *     MALFORMED_REQUEST for REFERENCE, which is a version already
   * @throws io.ballast.inference.api.NotFiniteException if a weight is not finite; named
   */
  void publish(Path folder, WhichWeights weights) throws IOException;

  /**
   * Gives the weights as they are to the policy-server of this process, as the version that {@link
   * #publish} would make of them, without a folder. They are there until two were given after them,
   * or this is closed.
   *
   * @return empty if there is no such server, or no room: nothing was given
   * @throws io.ballast.kit.error.MeshException ALREADY_EXISTS if the version is there with other
   *     weights
   */
  default Optional<PinnedVersion> handOver(String model, String version) {
    return Optional.empty();
  }

  /**
   * Writes weights, critic, optimiser state and average to one file, whole or not at all.
   *
   * @throws io.ballast.inference.api.NotFiniteException if a number is not finite; named
   */
  void checkpoint(Path file) throws IOException;

  /**
   * Goes back to a checkpoint, exactly; forgets gradients.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if it was taken of another model
   *     or base, by other options (the rate is none of them) or in another arithmetic: what differs
   *     is named, and nothing has changed
   * @throws io.ballast.inference.api.ModelException BROKEN if it was whole and can no longer be
   *     read: every use of the weights is refused then until another checkpoint is restored
   */
  void restore(Path file);

  @Override
  void close();
}
