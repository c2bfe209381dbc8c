package io.ballast.standalone.pull;

import io.ballast.inference.gguf.GgufModel;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderImport;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Brings a model into a {@link ModelStore}: from a folder, a .gguf or .safetensors file, an archive
 * that holds one, or a repository at a hub. It appears whole and checked, or not at all.
 */
public final class ModelPull {
  private static final List<String> ARCHIVES = List.of(".whl", ".zip");
  private static final String GGUF = ".gguf";
  private static final String SAFETENSORS = ".safetensors";

  private final ModelStore store;
  private final Path work;
  private final PullProgress progress;

  /**
   * Brings models to {@code data/models}.
   *
   * @param data the data folder; what is under way lies in its folder {@code pull}
   */
  public ModelPull(Path data, PullProgress progress) {
    this.store = new ModelStore(data.resolve("models"));
    this.work = data.resolve("pull");
    this.progress = progress;
  }

  /**
   * What came.
   *
   * @param model where it is
   * @param config its shape
   */
  public record Pulled(StoredModel model, DecoderConfig config) {}

  /**
   * What it is to be called.
   *
   * @param name empty: after its source
   * @param weights how numbers are written; empty: as they are, or bfloat16 where they are
   *     quantised
   */
  public record Wanted(Optional<String> name, String version, Optional<WeightType> weights) {}

  /** Brings what lies on this machine: a folder, a .gguf or .safetensors file, a wheel or zip. */
  public Pulled local(Path source, Wanted wanted) throws IOException {
    requireFree(wanted.name(), wanted);
    String file = source.getFileName() == null ? "" : source.getFileName().toString();
    String lower = file.toLowerCase(Locale.ROOT);
    Map<String, String> notes = new TreeMap<>(Map.of("source", file));
    if (Files.isDirectory(source)) {
      return folder(source, file, wanted, notes);
    }
    if (lower.endsWith(GGUF)) {
      return gguf(source, file, wanted, notes);
    }
    if (lower.endsWith(SAFETENSORS)) {
      Path parent = source.toAbsolutePath().getParent();
      if (parent == null || !Files.isRegularFile(parent.resolve("config.json"))) {
        throw new PullException(
            "NO_CONFIG",
            source
                + ": there is no config.json beside it, which says what model the weights are of");
      }
      return folder(parent, String.valueOf(parent.getFileName()), wanted, notes);
    }
    if (ARCHIVES.stream().anyMatch(lower::endsWith)) {
      return archive(source, wanted, notes);
    }
    throw new PullException(
        "UNKNOWN_SOURCE",
        source + ": not a folder, .gguf, .safetensors, .whl or .zip; nothing else is read");
  }

  private Pulled archive(Path source, Wanted wanted, Map<String, String> notes) throws IOException {
    Path unpacked = Files.createDirectories(work.resolve(UUID.randomUUID().toString()));
    try {
      ModelArchive.Content content = ModelArchive.unpack(source, unpacked, progress);
      notes.put("inside", content.name());
      return content.gguf()
          ? gguf(content.path(), content.name(), wanted, notes)
          : folder(content.path(), content.name(), wanted, notes);
    } finally {
      ModelStore.deleteAll(unpacked);
    }
  }

  /**
   * Brings a repository of a hub.
   *
   * @param file a .gguf of the repository; empty: its safetensors folder
   */
  public Pulled hub(HubRepository repository, String name, Optional<String> file, Wanted wanted)
      throws IOException, InterruptedException {
    String asked = repository.revision();
    String base =
        file.map(ModelPull::withoutSuffix).orElseGet(() -> name.substring(name.indexOf('/') + 1));
    requireFree(wanted.name().or(() -> Optional.of(nameOf(base))), wanted);
    Path here =
        Files.createDirectories(
            work.resolve(URLEncoder.encode(name + "@" + asked, StandardCharsets.UTF_8)));
    Pulled pulled;
    if (file.isPresent()) {
      Path target = here.resolve(file.get().replaceAll("[^\\w.-]", "_"));
      if (!repository.fetch(file.get(), target, progress)) {
        throw notThere(name, asked, file.get());
      }
      pulled = gguf(target, file.get(), wanted, notes(repository, name));
    } else {
      fetchFolder(repository, name, asked, here);
      pulled = folder(here, base, wanted, notes(repository, name));
    }
    ModelStore.deleteAll(here);
    return pulled;
  }

  private static Map<String, String> notes(HubRepository repository, String name) {
    return new TreeMap<>(Map.of("source", name, "revision", repository.revision()));
  }

  private void fetchFolder(HubRepository repository, String name, String asked, Path here)
      throws IOException, InterruptedException {
    if (!repository.fetch("config.json", here.resolve("config.json"), progress)) {
      throw notThere(name, asked, "config.json");
    }
    DecoderConfig.read(here); // an architecture that is unknown is refused before gigabytes come
    for (String companion : DecoderImport.COMPANIONS) {
      boolean there = repository.fetch(companion, here.resolve(companion), progress);
      if (!there && companion.equals("tokenizer.json")) {
        throw notThere(name, asked, companion);
      }
    }
    if (repository.fetch(ModelManifest.WEIGHTS, here.resolve(ModelManifest.WEIGHTS), progress)) {
      return;
    }
    Path index = here.resolve(WeightFiles.INDEX);
    if (!repository.fetch(WeightFiles.INDEX, index, progress)) {
      throw notThere(name, asked, ModelManifest.WEIGHTS);
    }
    for (String shard : WeightFiles.shards(here)) {
      if (!repository.fetch(shard, here.resolve(shard), progress)) {
        throw notThere(name, asked, shard);
      }
    }
  }

  private static PullException notThere(String name, String revision, String file) {
    return new PullException(
        "NOT_FOUND",
        "the hub has no " + file + " in " + name + " at " + revision + "; see --revision");
  }

  private Pulled folder(Path source, String base, Wanted wanted, Map<String, String> notes)
      throws IOException {
    return publish(
        base,
        wanted,
        notes,
        target ->
            DecoderImport.write(
                source, target, wanted.weights(), part -> progress.at("weights", part)));
  }

  private Pulled gguf(Path source, String base, Wanted wanted, Map<String, String> notes)
      throws IOException {
    return publish(
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

  /** {@code folder/Model.Q8_0.gguf} becomes {@code Model.Q8_0}. */
  private static String withoutSuffix(String file) {
    String plain = file.substring(file.lastIndexOf('/') + 1);
    return plain.toLowerCase(Locale.ROOT).endsWith(GGUF)
        ? plain.substring(0, plain.length() - GGUF.length())
        : plain;
  }

  /**
   * Refuses a version that is there already, or a name that none may have; an absent name passes.
   */
  private void requireFree(Optional<String> name, Wanted wanted) {
    if (name.isPresent() && store.find(name.get(), wanted.version()).isPresent()) {
      throw exists(name.get(), wanted.version());
    }
  }

  @FunctionalInterface
  private interface Writer {
    DecoderConfig write(Path target) throws IOException;
  }

  private Pulled publish(String base, Wanted wanted, Map<String, String> notes, Writer writer)
      throws IOException {
    String name = wanted.name().orElseGet(() -> nameOf(base));
    requireFree(Optional.of(name), wanted);
    DecoderConfig[] config = new DecoderConfig[1];
    try {
      StoredModel model =
          store.publish(
              name,
              wanted.version(),
              target -> config[0] = writer.write(target),
              Map.copyOf(notes));
      return new Pulled(model, config[0]);
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

  /** A model's name after its source: lower-case, and nothing that a folder may not be called. */
  private static String nameOf(String base) {
    String name =
        base.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9._-]", "-").replaceAll("^[._-]+", "");
    if (name.isEmpty()) {
      throw new PullException("NO_NAME", base + ": gives no name for the model; give one: --name");
    }
    return name;
  }
}
