package io.ballast.standalone.pull;

import io.ballast.inference.gguf.GgufModel;
import io.ballast.inference.onnx.EncoderDescription;
import io.ballast.inference.onnx.EncoderFiles;
import io.ballast.inference.onnx.EncoderImport;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ClassifierImport;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderImport;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Publishes what came as versions of a {@link ModelStore}, each under the name that it is to have
 * or one after its source.
 */
final class PulledVersions {
  static final String GGUF = ".gguf";

  private final ModelStore store;
  private final PullProgress progress;

  PulledVersions(ModelStore store, PullProgress progress) {
    this.store = store;
    this.progress = progress;
  }

  /**
   * Refuses a version that is there already, or a name that none may have; an absent name passes.
   */
  void requireFree(Optional<String> name, Wanted wanted) {
    if (name.isPresent() && store.find(name.get(), wanted.version()).isPresent()) {
      throw exists(name.get(), wanted.version());
    }
  }

  Pulled encoder(
      Path source, EncoderFiles files, String base, Wanted wanted, Map<String, String> notes)
      throws IOException {
    requireNoWeights(notes.getOrDefault("source", base), wanted);
    EncoderDescription[] came = new EncoderDescription[1];
    StoredModel model =
        publish(
            base,
            wanted,
            notes,
            target -> {
              came[0] = EncoderImport.write(source, files, target, wanted.pooling());
              notes.putAll(came[0].notes());
            });
    return new Pulled.Encoder(model, came[0]);
  }

  Pulled decoder(Path source, String base, Wanted wanted, Map<String, String> notes)
      throws IOException {
    if (ClassifierImport.isClassifier(source)) {
      return classifier(source, base, wanted, notes);
    }
    return decoder(
        base,
        wanted,
        notes,
        target ->
            DecoderImport.write(
                source, target, wanted.weights(), part -> progress.at("weights", part)));
  }

  private Pulled classifier(Path source, String base, Wanted wanted, Map<String, String> notes)
      throws IOException {
    String from = notes.getOrDefault("source", base);
    requireNoPooling(from, wanted);
    if (wanted.weights().isPresent()) {
      throw new IllegalArgumentException(
          "weights: " + from + " is a classifier, whose numbers stay as they are");
    }
    ClassifierImport.Description[] came = new ClassifierImport.Description[1];
    StoredModel model =
        publish(
            base,
            wanted,
            notes,
            target ->
                came[0] =
                    ClassifierImport.write(source, target, part -> progress.at("files", part)));
    return new Pulled.Classifier(model, came[0]);
  }

  Pulled gguf(Path source, String base, Wanted wanted, Map<String, String> notes)
      throws IOException {
    return decoder(
        withoutSuffix(base),
        wanted,
        notes,
        target ->
            GgufModel.write(
                source,
                target,
                wanted.weights().orElse(WeightType.BFLOAT16),
                part -> progress.at("weights", part)));
  }

  @FunctionalInterface
  private interface Writer {
    DecoderConfig write(Path target) throws IOException;
  }

  private Pulled decoder(String base, Wanted wanted, Map<String, String> notes, Writer writer)
      throws IOException {
    requireNoPooling(notes.getOrDefault("source", base), wanted);
    DecoderConfig[] config = new DecoderConfig[1];
    StoredModel model = publish(base, wanted, notes, target -> config[0] = writer.write(target));
    return new Pulled.Decoder(model, config[0]);
  }

  /** Publishes a version with what {@code notes} says once its files are written. */
  private StoredModel publish(
      String base, Wanted wanted, Map<String, String> notes, ModelStore.FolderWriter writer)
      throws IOException {
    String name = wanted.name().orElseGet(() -> nameOf(base));
    requireFree(Optional.of(name), wanted);
    try {
      return store.publish(name, wanted.version(), writer, notes);
    } catch (FileAlreadyExistsException e) {
      throw exists(name, wanted.version());
    }
  }

  private static PullException exists(String name, String version) {
    return new PullException(
        "VERSION_EXISTS",
        name
            + "/"
            + version
            + " is there already, and versions never change; take another with --version");
  }

  static void requireNoWeights(String source, Wanted wanted) {
    if (wanted.weights().isPresent()) {
      throw new IllegalArgumentException(
          "weights: " + source + " is an encoder, whose numbers stay as they are");
    }
  }

  static void requireNoPooling(String source, Wanted wanted) {
    if (wanted.pooling().isPresent()) {
      throw new IllegalArgumentException("pooling: " + source + " is no encoder");
    }
  }

  /** {@code folder/Model.Q8_0.gguf} becomes {@code Model.Q8_0}. */
  static String withoutSuffix(String file) {
    String plain = file.substring(file.lastIndexOf('/') + 1);
    return plain.toLowerCase(Locale.ROOT).endsWith(GGUF)
        ? plain.substring(0, plain.length() - GGUF.length())
        : plain;
  }

  /** A model's name after its source: lower-case, and nothing that a folder may not be called. */
  static String nameOf(String base) {
    String name =
        base.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9._-]", "-").replaceAll("^[._-]+", "");
    if (name.isEmpty()) {
      throw new PullException("NO_NAME", base + ": gives no name for the model; give one: --name");
    }
    return name;
  }
}
