package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.HeldSafetensors;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Weights, optimiser state and average in 32 bits, in one file: training goes on from it as if it
 * had never stopped.
 */
final class TrainingCheckpoint {
  private static final String STEPS = "steps";

  /** Where the critic is a model of its own, or took steps of its own. */
  private static final String CRITIC_STEPS = "critic_steps";

  private static final String AVERAGE = "average";
  private static final String CRITIC_MODEL = "critic_model";

  /** What may be said of what a checkpoint is of, in the order in which it is compared. */
  private static final List<String> KINDS =
      List.of(
          "config",
          "arithmetic",
          "critic",
          CRITIC_MODEL,
          "adapters",
          "alpha",
          "base_sha256",
          "average_decay",
          "beta1",
          "beta2",
          "epsilon",
          "weight_decay",
          "max_gradient_norm");

  private final Trained trained;
  private final AdamW optimizer;
  private final @Nullable AveragedWeights average;
  private final @Nullable TrainingState critic;

  /**
   * @param average absent if none is kept
   * @param critic absent unless it is a model of its own
   */
  TrainingCheckpoint(
      Trained trained,
      AdamW optimizer,
      @Nullable AveragedWeights average,
      @Nullable TrainingState critic) {
    this.trained = trained;
    this.optimizer = optimizer;
    this.average = average;
    this.critic = critic;
  }

  private long criticSteps() {
    return critic == null ? optimizer.criticSteps() : critic.optimizer().steps();
  }

  /** What a checkpoint is of: the same there and here, or it does not fit. */
  private Map<String, String> kind() {
    Map<String, String> kind = new TreeMap<>(trained.kind());
    if (average != null) {
      kind.put("average_decay", Double.toString(average.decay()));
    }
    if (critic != null) {
      kind.put(CRITIC_MODEL, critic.trained().kind().toString());
    }
    OptimizerOptions options = optimizer.options();
    kind.put("beta1", Double.toString(options.beta1()));
    kind.put("beta2", Double.toString(options.beta2()));
    kind.put("epsilon", Double.toString(options.epsilon()));
    kind.put("weight_decay", Double.toString(options.weightDecay()));
    kind.put("max_gradient_norm", Double.toString(options.maxGradientNorm()));
    return kind;
  }

  /** All numbers that are kept, by their names in the file. */
  private Map<String, Tensor> numbers() {
    Map<String, Tensor> numbers = new LinkedHashMap<>();
    numbers.put("weights", trained.flat());
    numbers.put("first_moment", optimizer.firstMoment());
    numbers.put("second_moment", optimizer.secondMoment());
    if (average != null) {
      numbers.put(AVERAGE, average.flat());
    }
    if (critic != null) {
      numbers.put(CRITIC_MODEL + ".weights", critic.trained().flat());
      numbers.put(CRITIC_MODEL + ".first_moment", critic.optimizer().firstMoment());
      numbers.put(CRITIC_MODEL + ".second_moment", critic.optimizer().secondMoment());
    }
    return numbers;
  }

  /**
   * Writes {@code file} whole or not at all: one that is there stays until the new one is.
   *
   * @throws IllegalArgumentException if a note has a name of the checkpoint's own
   * @throws io.ballast.inference.api.NotFiniteException if a number is not finite, with which no
   *     checkpoint is taken; named
   */
  void save(Path file, Map<String, String> notes) throws IOException {
    for (String name : notes.keySet()) {
      if (name.equals(STEPS) || name.equals(CRITIC_STEPS) || KINDS.contains(name)) {
        throw new IllegalArgumentException(
            "notes: %s (expected: none of %s, %s, %s)".formatted(name, STEPS, CRITIC_STEPS, KINDS));
      }
    }
    List<Content> contents = new ArrayList<>();
    numbers()
        .forEach(
            (name, flat) ->
                contents.add(
                    FiniteNumbers.of(
                        new Content(
                            name,
                            WeightType.FLOAT32,
                            List.of(flat.numel()),
                            TensorPieces.of(flat, 0, flat.numel())))));
    Map<String, String> metadata = new TreeMap<>(notes);
    metadata.put(STEPS, Long.toString(optimizer.steps()));
    if (criticSteps() != optimizer.steps()) {
      metadata.put(CRITIC_STEPS, Long.toString(criticSteps()));
    }
    metadata.putAll(kind());
    Path part = file.resolveSibling(file.getFileName() + ".part");
    try {
      SafetensorsFile.write(part, contents, metadata);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /**
   * Reads and compares all that {@code file} holds; changes nothing.
   *
   * @return the file, held open until it is closed
   * @throws ModelException INVALID_FOLDER if it is missing, of another kind, or a number is not
   *     finite
   */
  Checked check(Path file) {
    try (Opening opening = new Opening()) {
      HeldSafetensors saved = opening.part(HeldSafetensors.open(file), HeldSafetensors::close);
      Map<String, String> notes = new TreeMap<>(saved.metadata());
      requireKind(file, notes);
      long steps = count(file, STEPS, String.valueOf(notes.remove(STEPS)));
      String ofCritic = notes.remove(CRITIC_STEPS);
      long criticSteps = ofCritic == null ? steps : count(file, CRITIC_STEPS, ofCritic);
      numbers().forEach((name, flat) -> requireFinite(file, saved, name, flat.numel()));
      opening.done();
      return new Checked(file, saved, steps, criticSteps, notes);
    }
  }

  private static long count(Path file, String name, String text) {
    if (!text.matches("\\d{1,18}")) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s: %s: %s (expected: a whole number)".formatted(file, name, text));
    }
    return Long.parseLong(text);
  }

  /**
   * A checkpoint that was found to be whole and of what is trained here. It is read once more when
   * it is taken, so that no number is there a second time.
   */
  final class Checked implements AutoCloseable {
    private final Path file;
    private final HeldSafetensors saved;
    private final long steps;
    private final long criticSteps;
    private final Map<String, String> notes;

    private Checked(
        Path file, HeldSafetensors saved, long steps, long criticSteps, Map<String, String> notes) {
      this.file = file;
      this.saved = saved;
      this.steps = steps;
      this.criticSteps = criticSteps;
      this.notes = notes;
    }

    /**
     * Writes the numbers into their places, and forgets gradients.
     *
     * @return what was noted when it was written
     * @throws ModelException BROKEN if it can no longer be read: part of the numbers are its own
     *     then, and part are those of before
     */
    Map<String, String> take() {
      try {
        numbers().forEach(this::readInto);
      } catch (ModelException e) {
        throw new ModelException(
            Reason.BROKEN,
            file + ": was whole and can no longer be read (expected: another checkpoint)",
            e);
      }
      optimizer.resumeAfter(steps, critic == null ? criticSteps : steps);
      trained.clearGradients();
      trained.changed();
      TrainingState own = critic;
      if (own != null) {
        own.optimizer().resumeAfter(criticSteps, criticSteps);
        own.trained().clearGradients();
        own.trained().changed();
      }
      return notes;
    }

    private void readInto(String name, Tensor flat) {
      saved.read(
          name,
          List.of(flat.numel()),
          (values, count, at) -> TensorPieces.put(flat, at, values, count));
    }

    @Override
    public void close() {
      saved.close();
    }
  }

  /** Compares what the file is of, and takes it out of its notes. */
  private void requireKind(Path file, Map<String, String> metadata) {
    Map<String, String> expected = kind();
    for (String key : KINDS) {
      String there = metadata.remove(key);
      String here = expected.get(key);
      if (!String.valueOf(there).equals(String.valueOf(here))) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "%s: %s: %s (expected: %s)".formatted(file, key, shown(there), shown(here)));
      }
    }
  }

  private static String shown(@Nullable String value) {
    return value == null ? "absent" : value;
  }

  private static void requireFinite(Path file, HeldSafetensors saved, String name, long count) {
    saved.read(
        name,
        List.of(count),
        (values, read, at) -> {
          for (int i = 0; i < read; i++) {
            if (!Float.isFinite(values[i])) {
              throw new ModelException(
                  Reason.INVALID_FOLDER,
                  "%s: tensor %s[%d]: %s (expected: finite)"
                      .formatted(file, name, at + i, values[i]));
            }
          }
        });
  }
}
