package io.ballast.inference.torch;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Numbers in training with what an update goes by: AdamW's moments, and an average if kept. */
final class TrainingState implements AutoCloseable {
  private final Trained trained;
  private final AdamW optimizer;
  private final @Nullable AveragedWeights average;

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
              ? new AveragedWeights(trained.flat(), options.averageDecay().getAsDouble())
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

  /** Starts the average anew from the numbers as they are. */
  void startAverage() {
    if (average != null) {
      average.startFrom(trained.flat());
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
   * @throws io.ballast.inference.api.ModelException BROKEN if it is not finite: nothing has changed
   */
  double step(double learningRate) {
    double norm = optimizer.step(trained, learningRate);
    if (average != null) {
      average.follow(trained.flat());
    }
    return norm;
  }

  /**
   * Returns what {@code work} finds while the average stands in the numbers' place.
   *
   * @throws IllegalStateException if none is kept
   */
  <T> T withAverage(Supplier<T> work) {
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

  void save(Path file, Map<String, String> notes) throws IOException {
    new TrainingCheckpoint(trained, optimizer, average).save(file, notes);
  }

  Map<String, String> restore(Path file) {
    return new TrainingCheckpoint(trained, optimizer, average).restore(file);
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
