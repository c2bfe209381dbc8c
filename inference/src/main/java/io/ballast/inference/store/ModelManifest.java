package io.ballast.inference.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a model folder must contain, byte for byte: its {@code ballast.json}.
 *
 * @param checksums SHA-256 of each file, lower-case hexadecimal, by name relative to the folder
 * @param notes what the writer wants known, by key, such as the parent version
 */
public record ModelManifest(Map<String, String> checksums, Map<String, String> notes) {
  /** The manifest's own name, which it does not list. */
  public static final String FILE = "ballast.json";

  /** The weights of a decoder. */
  public static final String WEIGHTS = "model.safetensors";

  /** The note that says what code wrote the folder. */
  public static final String CODE_VERSION = "code_version";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Characters of the longest path that a system takes. */
  private static final int LONGEST_NAME = 4_096;

  /** Characters of a name in a message. */
  private static final int SHOWN_NAME = 128;

  public ModelManifest {
    checksums = Map.copyOf(checksums);
    notes = Map.copyOf(notes);
  }

  /**
   * The checksum of {@link #WEIGHTS}, or one over the names and checksums of the shards that stand
   * in its place; empty if the folder has neither.
   */
  public Optional<String> weightsSha256() {
    String single = checksums.get(WEIGHTS);
    if (single != null || !checksums.containsKey(WeightFiles.INDEX)) {
      return Optional.ofNullable(single);
    }
    StringBuilder lines = new StringBuilder();
    new TreeMap<>(checksums)
        .forEach(
            (name, sum) -> {
              if (name.endsWith(".safetensors")) {
                lines.append(sum).append("  ").append(name).append('\n');
              }
            });
    return Optional.of(Sha256.of(lines.toString()));
  }

  /**
   * Returns the checksum of a folder's weights: what its manifest records, or, where it has none,
   * what {@link #weightsSha256} would be.
   *
   * @throws ModelException INVALID_FOLDER if there are no weights, or they cannot be read
   */
  public static String weightsSha256Of(Path folder) {
    return read(folder)
        .flatMap(ModelManifest::weightsSha256)
        .or(() -> ofWeights(folder).weightsSha256())
        .orElseThrow(
            () ->
                new ModelException(
                    Reason.INVALID_FOLDER, folder.resolve(WEIGHTS) + ": the file is missing"));
  }

  private static ModelManifest ofWeights(Path folder) {
    SortedMap<String, String> checksums = new TreeMap<>();
    try {
      if (Files.isRegularFile(folder.resolve(WEIGHTS))) {
        checksums.put(WEIGHTS, Sha256.of(folder.resolve(WEIGHTS)));
      } else if (Files.isRegularFile(folder.resolve(WeightFiles.INDEX))) {
        checksums.put(WeightFiles.INDEX, Sha256.of(folder.resolve(WeightFiles.INDEX)));
        for (String shard : WeightFiles.shards(folder)) {
          checksums.put(shard, Sha256.of(folder.resolve(shard)));
        }
      }
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, folder + ": " + e.getMessage(), e);
    }
    return new ModelManifest(checksums, Map.of());
  }

  /** A checksum over the names and checksums of all files: another file, and it is another. */
  public String contentSha256() {
    StringBuilder lines = new StringBuilder();
    new TreeMap<>(checksums)
        .forEach((name, sum) -> lines.append(sum).append("  ").append(name).append('\n'));
    return Sha256.of(lines.toString());
  }

  /**
   * Computes the checksums of all files in {@code folder} and writes them beside them.
   *
   * @param notes what is to be known; {@value #CODE_VERSION} is added where it is not among them
   */
  public static ModelManifest write(Path folder, Map<String, String> notes) throws IOException {
    SortedMap<String, String> all = new TreeMap<>(notes);
    all.putIfAbsent(CODE_VERSION, CodeVersion.built().toString());
    SortedMap<String, String> checksums = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = folder.relativize(file).toString().replace('\\', '/');
        if (!name.equals(FILE)) {
          checksums.put(name, Sha256.of(file));
        }
      }
    }
    ObjectNode json = JSON.createObjectNode();
    ObjectNode sums = json.putObject("sha256");
    checksums.forEach(sums::put);
    ObjectNode noted = json.putObject("notes");
    all.forEach(noted::put);
    Files.writeString(
        folder.resolve(FILE),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
    return new ModelManifest(checksums, all);
  }

  /**
   * Reads a folder's manifest; empty if it has none, as a folder from elsewhere.
   *
   * @throws ModelException INVALID_FOLDER if it cannot be read
   */
  public static Optional<ModelManifest> read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(file.toFile());
      Map<String, String> checksums = texts(json.path("sha256"));
      checksums.keySet().forEach(name -> requireInside(file, name));
      return Optional.of(new ModelManifest(checksums, texts(json.path("notes"))));
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /** Refuses a name that leads out of the folder, or that no file can have. */
  private static void requireInside(Path manifest, String name) {
    if (!isPlain(name)) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s: sha256: \"%s\" (expected: a file inside the folder)"
              .formatted(manifest, Texts.asLine(name, SHOWN_NAME)));
    }
  }

  /** Whether it is names parted by slashes, none of them empty, a dot or two dots. */
  private static boolean isPlain(String name) {
    return name.length() <= LONGEST_NAME
        && name.chars().noneMatch(c -> c == '\\' || Character.isISOControl(c))
        && Arrays.stream(name.split("/", -1))
            .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
  }

  private static Map<String, String> texts(JsonNode object) {
    SortedMap<String, String> texts = new TreeMap<>();
    object.properties().forEach(p -> texts.put(p.getKey(), p.getValue().asText()));
    return texts;
  }

  /**
   * Compares every listed file with its checksum. Links are followed as far as the folder goes.
   *
   * @throws ModelException INVALID_FOLDER if one is missing or lies elsewhere, CORRUPT_WEIGHTS if
   *     one differs
   */
  public void verify(Path folder) {
    for (Map.Entry<String, String> entry : new TreeMap<>(checksums).entrySet()) {
      Path file = folder.resolve(entry.getKey());
      if (!Files.isRegularFile(file)) {
        throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
      }
      String found;
      try {
        if (!file.toRealPath().startsWith(folder.toRealPath())) {
          throw new ModelException(
              Reason.INVALID_FOLDER, file + ": a link out of the folder (expected: a file in it)");
        }
        found = Sha256.of(file);
      } catch (IOException e) {
        throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
      }
      if (!found.equals(entry.getValue())) {
        throw new ModelException(
            Reason.CORRUPT_WEIGHTS,
            file + ": SHA-256 " + found + " (expected: " + entry.getValue() + ")");
      }
    }
  }
}
