package io.ballast.inference.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The weights of a Hugging Face folder: model.safetensors, or the shards that
 * model.safetensors.index.json lists.
 */
public final class WeightFiles {
  /** Says which shard holds which tensor. */
  public static final String INDEX = "model.safetensors.index.json";

  /** Why a pickle is refused, and what helps. */
  public static final String PICKLES_ARE_CODE =
      "a pickle, which can run code when it is read (expected: model.safetensors;"
          + " save_pretrained of transformers writes it)";

  private static final Pattern PICKLE =
      Pattern.compile("\\.(bin|pt|pth|ckpt|pkl|pickle)$", Pattern.CASE_INSENSITIVE);

  private static final Pattern SHARD = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*\\.safetensors");
  private static final int MOST_NAMED = 8;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final Map<String, SafetensorsFile> fileOf;

  private WeightFiles(Path folder, Map<String, SafetensorsFile> fileOf) {
    this.folder = folder;
    this.fileOf = fileOf;
  }

  /**
   * Reads the headers.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be, or the
   *     index and the shards disagree
   */
  public static WeightFiles open(Path folder) {
    Path single = folder.resolve(ModelManifest.WEIGHTS);
    Path index = folder.resolve(INDEX);
    if (Files.isRegularFile(single) || !Files.isRegularFile(index)) {
      if (!Files.exists(single)) {
        requireNoPickles(folder);
      }
      SafetensorsFile file = SafetensorsFile.open(single);
      Map<String, SafetensorsFile> fileOf = new HashMap<>();
      file.names().forEach(name -> fileOf.put(name, file));
      return new WeightFiles(folder, fileOf);
    }
    return sharded(folder, index);
  }

  /** Says of a folder without safetensors why what it has instead is not read. */
  private static void requireNoPickles(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      Optional<String> pickle =
          files
              .map(file -> String.valueOf(file.getFileName()))
              .filter(WeightFiles::isPickle)
              .min(Comparator.naturalOrder());
      if (pickle.isPresent()) {
        throw new ModelException(
            Reason.INVALID_FOLDER, folder.resolve(pickle.get()) + ": " + PICKLES_ARE_CODE);
      }
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, folder + ": " + e.getMessage(), e);
    }
  }

  /** Whether a file of that name is a pickle, as PyTorch saves weights. */
  public static boolean isPickle(String name) {
    return PICKLE.matcher(name).find();
  }

  /**
   * Returns the shards that a folder's index lists.
   *
   * @throws ModelException INVALID_FOLDER if it cannot be read, or names a file that is none
   */
  public static Set<String> shards(Path folder) {
    return new TreeSet<>(index(folder.resolve(INDEX)).values());
  }

  /** Which shard holds which tensor. */
  private static Map<String, String> index(Path index) {
    Map<String, String> shardOf = new TreeMap<>();
    try {
      JsonNode map = JSON.readTree(index.toFile()).path("weight_map");
      map.properties().forEach(p -> shardOf.put(p.getKey(), p.getValue().asText()));
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, index + ": " + e.getMessage(), e);
    }
    if (shardOf.isEmpty()) {
      throw new ModelException(Reason.INVALID_FOLDER, index + ": weight_map: absent or empty");
    }
    shardOf.forEach(
        (tensor, shard) -> {
          if (!SHARD.matcher(shard).matches()) {
            throw new ModelException(
                Reason.INVALID_FOLDER,
                index
                    + ": weight_map."
                    + tensor
                    + ": \""
                    + shard
                    + "\" (expected: a .safetensors file of this folder)");
          }
        });
    return shardOf;
  }

  private static WeightFiles sharded(Path folder, Path index) {
    Map<String, String> shardOf = index(index);
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    shardOf
        .values()
        .forEach(
            shard -> shards.computeIfAbsent(shard, n -> SafetensorsFile.open(folder.resolve(n))));
    Map<String, SafetensorsFile> fileOf = new HashMap<>();
    shards.forEach(
        (shard, file) -> {
          for (String name : file.names()) {
            if (!shard.equals(shardOf.get(name))) {
              throw new ModelException(
                  Reason.INVALID_FOLDER,
                  folder.resolve(shard) + ": tensor " + name + ": not in the index");
            }
            fileOf.put(name, file);
          }
        });
    for (Map.Entry<String, String> entry : shardOf.entrySet()) {
      if (!fileOf.containsKey(entry.getKey())) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            folder.resolve(entry.getValue())
                + ": tensor "
                + entry.getKey()
                + ": missing, though the index says that it is here");
      }
    }
    return new WeightFiles(folder, fileOf);
  }

  /** The names of all tensors. */
  public Set<String> names() {
    return Set.copyOf(fileOf.keySet());
  }

  /** Whether there is a tensor of that name. */
  public boolean has(String name) {
    return fileOf.containsKey(name);
  }

  /**
   * Compares the tensors' names with those that a model has.
   *
   * @param ignored names that may be there and mean nothing
   * @throws ModelException INVALID_FOLDER listing those that are missing and those that are there
   *     without being expected
   */
  public void requireNames(Set<String> expected, Pattern ignored) {
    Set<String> missing = new TreeSet<>(expected);
    missing.removeAll(fileOf.keySet());
    Set<String> unexpected = new TreeSet<>(fileOf.keySet());
    unexpected.removeAll(expected);
    unexpected.removeIf(name -> ignored.matcher(name).matches());
    if (missing.isEmpty() && unexpected.isEmpty()) {
      return;
    }
    List<String> parts = new ArrayList<>();
    if (!missing.isEmpty()) {
      parts.add("missing " + shortened(missing));
    }
    if (!unexpected.isEmpty()) {
      parts.add("unexpected " + shortened(unexpected));
    }
    throw new ModelException(
        Reason.INVALID_FOLDER,
        folder + ": tensors and config.json disagree: " + String.join("; ", parts));
  }

  private static String shortened(Set<String> names) {
    List<String> first = names.stream().limit(MOST_NAMED).toList();
    int more = names.size() - first.size();
    return first + (more == 0 ? "" : " and " + more + " more");
  }

  /**
   * Reads one tensor piece by piece.
   *
   * @param shape what it must be
   * @throws ModelException INVALID_FOLDER if it is missing, its shape differs (both are named), or
   *     a number is not finite (its index is named)
   */
  public void readFinite(String name, List<Long> shape, SafetensorsFile.Piece piece) {
    SafetensorsFile file = fileOf.get(name);
    if (file == null) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          folder + ": tensor " + name + ": missing (expected: shape " + shape + ")");
    }
    file.read(
        name,
        shape,
        (values, count, at) -> {
          for (int i = 0; i < count; i++) {
            if (!Float.isFinite(values[i])) {
              throw new ModelException(
                  Reason.INVALID_FOLDER,
                  folder
                      + ": tensor "
                      + name
                      + "["
                      + (at + i)
                      + "]: "
                      + values[i]
                      + " (expected: finite)");
            }
          }
          piece.take(values, count, at);
        });
  }

  /**
   * Returns a tensor's shape.
   *
   * @throws ModelException INVALID_FOLDER if it is missing
   */
  public List<Long> shape(String name) {
    return file(name).shape(name);
  }

  /**
   * Returns how a tensor's numbers are held.
   *
   * @throws ModelException INVALID_FOLDER if it is missing
   */
  public WeightType type(String name) {
    return file(name).type(name);
  }

  private SafetensorsFile file(String name) {
    SafetensorsFile file = fileOf.get(name);
    if (file == null) {
      throw new ModelException(Reason.INVALID_FOLDER, folder + ": tensor " + name + ": missing");
    }
    return file;
  }
}
