package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A model in a Triton model repository: {@code <name>/config.pbtxt} and {@code
 * <name>/1/model.onnx}. It appears whole or not at all, and is reused while it was made from the
 * same source and its files are as they were written.
 */
final class TritonEntry {
  private static final String MODEL = "1/model.onnx";
  private static final String SOURCE = "source";

  private TritonEntry() {}

  /**
   * Returns the model file of the entry, written if it is not there already.
   *
   * @param repository created if absent
   * @param name of the model; letters, digits, dot, dash, underscore
   * @param source digest of what the model is made from
   * @param model called only if it must be written
   */
  static Path prepare(Path repository, String name, String source, Supplier<ModelProto> model) {
    Path entry = repository.resolve(name);
    try {
      if (isCurrent(entry, source)) {
        return entry.resolve(MODEL);
      }
      Files.createDirectories(repository);
      Path fresh = Files.createTempDirectory(repository, "." + name);
      try {
        write(fresh, name, source, model.get());
        replace(entry, fresh, source);
      } finally {
        ModelStore.deleteAll(fresh);
      }
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, entry + ": " + e.getMessage(), e);
    }
    return entry.resolve(MODEL);
  }

  private static boolean isCurrent(Path entry, String source) {
    try {
      return ModelManifest.read(entry)
          .filter(manifest -> source.equals(manifest.notes().get(SOURCE)))
          .map(
              manifest -> {
                manifest.verify(entry);
                return true;
              })
          .orElse(false);
    } catch (ModelException damaged) {
      return false;
    }
  }

  private static void write(Path folder, String name, String source, ModelProto model)
      throws IOException {
    Files.createDirectories(folder.resolve(MODEL).getParent());
    try (var out = Files.newOutputStream(folder.resolve(MODEL))) {
      model.writeTo(out);
    }
    Files.writeString(folder.resolve("config.pbtxt"), config(name, model));
    ModelManifest.write(folder, Map.of(SOURCE, source));
  }

  private static void replace(Path entry, Path fresh, String source) throws IOException {
    Path old = fresh.resolveSibling(fresh.getFileName() + ".old");
    if (Files.exists(entry)) {
      Files.move(entry, old, StandardCopyOption.ATOMIC_MOVE);
    }
    try {
      Files.move(fresh, entry, StandardCopyOption.ATOMIC_MOVE);
    } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
      if (!isCurrent(entry, source)) {
        throw e;
      }
    } finally {
      ModelStore.deleteAll(old);
    }
  }

  private static String config(String name, ModelProto model) {
    StringBuilder text = new StringBuilder();
    text.append("name: \"").append(name).append("\"\n");
    text.append("backend: \"onnxruntime\"\n");
    text.append("max_batch_size: 0\n");
    model.getGraph().getInputList().forEach(input -> text.append(tensor("input", input)));
    model.getGraph().getOutputList().forEach(output -> text.append(tensor("output", output)));
    text.append("instance_group [ { kind: KIND_CPU count: 1 } ]\n");
    return text.toString();
  }

  private static String tensor(String direction, ValueInfoProto value) {
    var type = value.getType().getTensorType();
    String code =
        switch (TensorProto.DataType.forNumber(type.getElemType())) {
          case INT64 -> "TYPE_INT64";
          case BOOL -> "TYPE_BOOL";
          case FLOAT -> "TYPE_FP32";
          default -> throw new IllegalStateException("tensor type " + type.getElemType());
        };
    List<Long> dimensions =
        type.getShape().getDimList().stream()
            .map(dimension -> dimension.hasDimValue() ? dimension.getDimValue() : -1L)
            .toList();
    return direction
        + " [ { name: \""
        + value.getName()
        + "\" data_type: "
        + code
        + " dims: "
        + dimensions
        + " } ]\n";
  }
}
