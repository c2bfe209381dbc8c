package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.PinnedVersion;
import java.util.function.Function;

/** Opens weights for training. */
public interface TraineeLoader {
  /**
   * How many bytes a session on {@code base} takes, beside what it shares with others. Asked before
   * room is made for it.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL; MALFORMED_REQUEST if adapters do not
   *     fit the model, or what a critic would begin as does not fit it
   */
  long memoryBytes(PinnedVersion base, TraineeOptions options);

  /**
   * How many bytes all sessions on {@code base} with such options share; none unless a loader says
   * otherwise.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL
   */
  default long sharedBytes(PinnedVersion base, TraineeOptions options) {
    return 0;
  }

  /**
   * Requires that a pass over a text of so many tokens, or of as many as {@code base} reads where
   * these are fewer, takes no more memory than it may have; any does unless a loader says
   * otherwise.
   *
   * @param path the spec's key that says how many
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the key; UNKNOWN_MODEL
   */
  default void requirePass(PinnedVersion base, TraineeOptions options, String path, int tokens) {}

  /**
   * Does {@code work} with what splits texts for {@code base}; it is open for so long.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL
   */
  <T> T tokenizing(PinnedVersion base, Function<Tokenizer, T> work);

  /**
   * Opens {@code base}. Its weights in training are the trainee's own; the frozen reference, on
   * which adapters are trained, is there once for all trainees on it, from its first use on. Where
   * opening fails nothing stays in memory.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL; CORRUPT_WEIGHTS if a checksum
   *     differs; MALFORMED_REQUEST if adapters do not fit the model
   */
  Trainee load(PinnedVersion base, TraineeOptions options);
}
