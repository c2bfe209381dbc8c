package io.ballast.inference.torch;

import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Numbers in training with their gradients, each in one flat buffer: a decoder's own weights, or
 * adapters on one that stays as it is. A critic's are the last of them.
 */
interface Trained extends AutoCloseable {
  /** The numbers in full width. Whoever writes to them calls {@link #changed}. */
  Tensor flat();

  /** How many of them, from the first on, are of matrices, which decay. */
  long decayedSize();

  /** The gradients in full width, complete after {@link #collectGradients}. */
  Tensor flatGradients();

  /** Adds what the products' copy has collected to the full gradients. */
  void collectGradients();

  /**
   * Returns the same numbers with gradients of their own, for another thread to collect in. Closed
   * by the caller, before these.
   */
  Trained beside();

  /** Adds the gradients, complete, of the same numbers to these. The caller has opened a scope. */
  default void addGradients(Trained other) {
    try (NoGradGuard off = new NoGradGuard()) {
      flatGradients().add_(other.flatGradients(), new Scalar(1.0));
    }
  }

  /** Forgets all gradients. */
  void clearGradients();

  /** Brings the copy for products up to date. */
  void changed();

  /**
   * The gradients of the language head in full width, shape [V, D]; none if it is not trained. The
   * caller has opened a scope.
   */
  Optional<Tensor> headGradients();

  /** How many of the numbers, the last ones, are a critic's; 0 where there is none. */
  long criticSize();

  /** The critic, if there is one. The caller has opened a scope. */
  Optional<ValueHead> critic();

  /** How the decoder's weights are multiplied with. */
  Products products();

  /** What must be the same where a checkpoint of these numbers is restored, by name. */
  Map<String, String> kind();

  /**
   * The decoder's weights, each under its name.
   *
   * @param numbers that stand in the place of {@link #flat}: these, or their average
   */
  List<Content> contents(Tensor numbers, WeightType type);

  /**
   * Refuses what is read beside these numbers, if anything is, to be another than it was.
   *
   * @throws io.ballast.inference.api.ModelException INVALID_FOLDER or CORRUPT_WEIGHTS if it is
   */
  default void requireUnchanged() {}

  /**
   * Refuses to be saved where these numbers are read from meanwhile, and as {@link
   * #requireUnchanged}.
   *
   * @throws IllegalArgumentException if {@code folder} is there
   */
  default void requireSaveable(Path folder) throws IOException {}

  @Override
  void close();
}
