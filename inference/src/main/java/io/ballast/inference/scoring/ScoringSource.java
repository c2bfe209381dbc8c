package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.call.Lane;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Where scoring models of one kind come from. Thread-safe.
 *
 * @param <M> the model
 * @param <R> what comes of a completion
 */
public interface ScoringSource<M extends ScoringModel, R> extends AutoCloseable {
  /** The models that can be opened, as far as they are known, by name and version. */
  List<M> list();

  /**
   * Looks again for versions of a model that may have come or gone since.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if they are elsewhere, and that
   *     cannot be asked
   */
  default void refresh(String model) {}

  /**
   * Looks again for versions of a model if it runs elsewhere; called again and again while
   * something is amiss there.
   *
   * @throws io.ballast.kit.error.MeshException as {@link #refresh}
   */
  default void refreshElsewhere(String model) {
    if (isElsewhere(model)) {
      refresh(model);
    }
  }

  /** Whether models of this name run elsewhere: what is amiss there may mend itself. */
  default boolean isElsewhere(String model) {
    return false;
  }

  /**
   * What keeps models from being asked now, by what they are called, {@code name version}, or by
   * name alone where no version is known; quick.
   */
  default Map<String, String> flaws() {
    return Map.of();
  }

  /**
   * Loads a model.
   *
   * @throws io.ballast.kit.error.MeshException CORRUPT_WEIGHTS if a checksum differs, UNKNOWN_MODEL
   *     if a file is missing or is not what it should be
   */
  Opened<R> open(M model);

  /**
   * The scores that a model has kept since it was published; empty if it was published without, or
   * its folder is not here.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL if the file is not what it should be
   */
  default Optional<KeptScores> golden(M model) {
    return Optional.empty();
  }

  /** Lets go of what is looked through; models that are open stay their users'. */
  @Override
  default void close() {}

  /**
   * A loaded model; closing the engines frees it.
   *
   * @param input how it reads an item
   * @param engine runs the work of a lane
   * @param apart how each lane is batched by itself, where the heads run elsewhere and lanes are
   *     sorted there; empty: lanes share an engine and the server's batches
   */
  record Opened<R>(
      ScoringInput input,
      Function<Lane, BatchEngine<TokenIds, TokenIds, R>> engine,
      Optional<Apart> apart) {
    /**
     * A model that reads prompt and completion each by itself.
     *
     * @param contextTokens the most tokens of a prompt with one completion
     */
    public Opened(
        Tokenizer tokenizer,
        int contextTokens,
        Function<Lane, BatchEngine<TokenIds, TokenIds, R>> engine,
        Optional<Apart> apart) {
      this(new ScoringInput.Parts(tokenizer, contextTokens), engine, apart);
    }

    /** As {@link ScoringInput#tokenizer}. */
    public Tokenizer tokenizer() {
      return input.tokenizer();
    }
  }

  /**
   * How the work of one lane is batched by itself.
   *
   * @param batchTokens a batch is not made larger than this
   * @param inFlight batches under way at once
   */
  record Apart(int batchTokens, int inFlight) {}
}
