package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * Weights and optimiser state in 32 bits, in one file: training goes on from it as if it had never
 * stopped.
 */
final class TrainingCheckpoint {
  private static final String WEIGHTS = "weights";
  private static final String FIRST_MOMENT = "first_moment";
  private static final String SECOND_MOMENT = "second_moment";
  private static final String STEPS = "steps";
  private static final String CONFIG = "config";

  private TrainingCheckpoint() {}

  /** Writes {@code file} whole or not at all. */
  static void save(Path file, TrainedWeights weights, AdamW optimizer, Map<String, String> notes)
      throws IOException {
    List<Long> shape = List.of(weights.layout().size());
    List<Content> contents =
        List.of(
            new Content(WEIGHTS, WeightType.FLOAT32, shape, () -> values(weights.flat())),
            new Content(
                FIRST_MOMENT, WeightType.FLOAT32, shape, () -> values(optimizer.firstMoment())),
            new Content(
                SECOND_MOMENT, WeightType.FLOAT32, shape, () -> values(optimizer.secondMoment())));
    Map<String, String> metadata = new TreeMap<>(notes);
    metadata.put(STEPS, Long.toString(optimizer.steps()));
    metadata.put(CONFIG, weights.layout().config().toString());
    Path part = file.resolveSibling(file.getFileName() + ".part");
    SafetensorsFile.write(part, contents, metadata);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /**
   * Takes over what {@code file} holds.
   *
   * @return what was noted when it was written
   * @throws ModelException INVALID_FOLDER if it is missing or of another model, or a number is not
   *     finite; nothing has changed then
   */
  static Map<String, String> restore(Path file, TrainedWeights weights, AdamW optimizer) {
    SafetensorsFile saved = SafetensorsFile.open(file);
    Map<String, String> metadata = new TreeMap<>(saved.metadata());
    String config = metadata.remove(CONFIG);
    if (!weights.layout().config().toString().equals(config)) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          file + ": of " + config + " (expected: " + weights.layout().config() + ")");
    }
    String steps = String.valueOf(metadata.remove(STEPS));
    if (!steps.matches("\\d{1,18}")) {
      throw new ModelException(
          Reason.INVALID_FOLDER, file + ": steps: " + steps + " (expected: a whole number)");
    }
    List<Long> shape = List.of(weights.layout().size());
    float[] values = finite(file, saved, WEIGHTS, shape);
    float[] first = finite(file, saved, FIRST_MOMENT, shape);
    float[] second = finite(file, saved, SECOND_MOMENT, shape);
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      weights.flat().copy_(Tensors.of(values, values.length));
      optimizer.firstMoment().copy_(Tensors.of(first, first.length));
      optimizer.secondMoment().copy_(Tensors.of(second, second.length));
    }
    optimizer.resumeAfter(Long.parseLong(steps));
    weights.clearGradients();
    weights.changed();
    return metadata;
  }

  private static float[] finite(Path file, SafetensorsFile saved, String name, List<Long> shape) {
    float[] values = saved.read(name, shape);
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "%s: tensor %s[%d]: %s (expected: finite)".formatted(file, name, i, values[i]));
      }
    }
    return values;
  }

  private static float[] values(Tensor flat) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      return Tensors.floats(flat);
    }
  }
}
