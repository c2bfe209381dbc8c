package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Numbers in training with what an update goes by: AdamW's moments, and an average if kept, which
 * starts from the numbers as they are.
 */
final class TrainingState implements AutoCloseable {
  private final Trained trained;
  private final AdamW optimizer;
  private final @Nullable AveragedWeights average;

  /** Whether part of the numbers are a checkpoint's and part are those of before it. */
  private boolean spoiled;

  private TrainingState(Trained trained, AdamW optimizer, @Nullable AveragedWeights average) {
    this.trained = trained;
    this.optimizer = optimizer;
    this.average = average;
  }

  /** A fresh state of {@code trained}, which is closed with it. */
  static TrainingState of(Trained trained, TrainingOptions options) {
    try (Opening opening = new Opening()) {
      AdamW optimizer = opening.part(new AdamW(trained.flat(), options.optimizer()), AdamW::close);
      AveragedWeights average =
          options.averageDecay().isPresent()
              ? opening.part(
                  new AveragedWeights(trained.flat(), options.averageDecay().getAsDouble()),
                  AveragedWeights::close)
              : null;
      opening.done();
      return new TrainingState(trained, optimizer, average);
    }
  }

  Trained trained() {
    return trained;
  }

  AdamW optimizer() {
    return optimizer;
  }

  /**
   * Whoever uses the numbers asks this first.
   *
   * @throws ModelException BROKEN if a checkpoint could be read by half, and no other was since
   */
  void requireWhole() {
    if (spoiled) {
      throw new ModelException(
          Reason.BROKEN,
          "the numbers are those of half a checkpoint (expected: another is loaded first)");
    }
  }

  boolean hasAverage() {
    return average != null;
  }

  /**
   * The average, of the shape of the numbers.
   *
   * @throws IllegalStateException if none is kept
   */
  Tensor average() {
    if (average == null) {
      throw new IllegalStateException("average: none is kept");
    }
    return average.flat();
  }

  /**
   * Takes one step down the gradients, and forgets them. The caller has opened a scope.
   *
   * @return the gradient's norm before clipping
   * @throws ModelException BROKEN if it is not finite, or the numbers are not whole: nothing has
   *     changed
   */
  double step(double learningRate) {
    requireWhole();
    double norm = optimizer.step(trained, learningRate);
    if (average != null) {
      average.follow(trained.flat());
    }
    return norm;
  }

  /**
   * Takes one step of the critic alone, and forgets all gradients. The caller has opened a scope.
   *
   * @return the norm of the critic's gradient before clipping
   * @throws ModelException BROKEN if it is not finite, or the numbers are not whole: nothing has
   *     changed
   * @throws IllegalStateException if there is no critic
   */
  double stepCritic(double learningRate) {
    requireWhole();
    double norm = optimizer.stepCritic(trained, learningRate);
    if (average != null) {
      average.follow(trained.flat(), trained.flat().numel() - trained.criticSize());
    }
    return norm;
  }

  /**
   * Returns what {@code work} finds while the average stands in the numbers' place.
   *
   * @throws IllegalStateException if none is kept
   * @throws ModelException BROKEN if the numbers are not whole
   */
  <T> T withAverage(Supplier<T> work) {
    requireWhole();
    Tensor averaged = average();
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      Tensor own = trained.flat().clone();
      try {
        trained.flat().copy_(averaged);
        trained.changed();
        return work.get();
      } finally {
        trained.flat().copy_(own);
        trained.changed();
      }
    }
  }

  /**
   * Writes a checkpoint.
   *
   * @throws ModelException BROKEN if the numbers are not whole: nothing was written
   */
  void save(Path file, Map<String, String> notes) throws IOException {
    save(file, notes, null);
  }

  /**
   * The same with what learns beside these numbers.
   *
   * @param beside null: nothing
   */
  void save(Path file, Map<String, String> notes, @Nullable TrainingState beside)
      throws IOException {
    requireWhole();
    checkpoint(beside).save(file, notes);
  }

  /**
   * Goes back to a checkpoint.
   *
   * @return what was noted when it was written
   * @throws ModelException INVALID_FOLDER if it does not fit: nothing has changed. BROKEN if it
   *     could be checked and then not be read: {@link #requireWhole} refuses until another is
   *     restored
   */
  Map<String, String> restore(Path file) {
    return restore(file, null);
  }

  /**
   * The same with what learns beside these numbers.
   *
   * @param beside null: nothing
   */
  Map<String, String> restore(Path file, @Nullable TrainingState beside) {
    try (TrainingCheckpoint.Checked checked = checkpoint(beside).check(file)) {
      return take(checked);
    }
  }

  /** The first half of {@link #restore}. */
  TrainingCheckpoint.Checked check(Path file) {
    return checkpoint(null).check(file);
  }

  /** The second half of {@link #restore}. */
  Map<String, String> take(TrainingCheckpoint.Checked checked) {
    spoiled = true;
    Map<String, String> notes = checked.take();
    spoiled = false;
    return notes;
  }

  private TrainingCheckpoint checkpoint(@Nullable TrainingState beside) {
    return new TrainingCheckpoint(trained, optimizer, average, beside);
  }

  @Override
  public void close() {
    if (average != null) {
      average.close();
    }
    optimizer.close();
    trained.close();
  }
}
