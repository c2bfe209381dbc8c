package io.ballast.inference.onnx;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which files of a folder or archive make up an encoder, found by their names alone: a .onnx, its
 * tokenizer, and what a sentence encoder says of itself.
 *
 * <p>The tokenizer of {@code a/some.onnx} is {@code a/some-tokenizer.json} or {@code
 * a/tokenizer.json}; of {@code a/onnx/some.onnx}, as the hub's folders have it, {@code
 * a/tokenizer.json} too. The other files stand beside the tokenizer. Of several .onnx files in one
 * folder the one called model.onnx counts.
 *
 * @param model the .onnx file's name among those given
 * @param root the folder of the tokenizer, empty or with a slash at its end
 * @param parts the files to take: under the name that they get, the name that they have
 */
public record EncoderFiles(String model, String root, SortedMap<String, String> parts) {
  private static final String ONNX = ".onnx";
  private static final String ONNX_FOLDER = "onnx/";

  /** What is taken from beside the tokenizer where it is there. */
  public static final List<String> COMPANIONS =
      List.of(
          EncoderFolder.CONFIG,
          EncoderFolder.SENTENCE_CONFIG,
          EncoderFolder.MODULES,
          EncoderFolder.POOLING,
          "LICENSE",
          "NOTICE");

  /** What large models have beside them, for a .onnx file ends at 2 GB. */
  private static final List<String> OUTER_WEIGHTS = List.of("_data", ".data");

  public EncoderFiles {
    parts = Collections.unmodifiableSortedMap(new TreeMap<>(parts));
  }

  /** Returns the same with one more file, which keeps its name. */
  public EncoderFiles with(String file) {
    SortedMap<String, String> more = new TreeMap<>(parts);
    more.put(file, file);
    return new EncoderFiles(model, root, more);
  }

  /** The model's own name: its file's, or its folder's if the file is called model.onnx. */
  public String name() {
    String file = lastName(model);
    String stem = file.substring(0, file.length() - ONNX.length());
    if (!stem.toLowerCase(Locale.ROOT).startsWith("model")) {
      return stem;
    }
    return root.isEmpty() ? "" : lastName(root.substring(0, root.length() - 1));
  }

  /**
   * Returns every encoder among {@code names}, by name.
   *
   * @param names relative paths with slashes
   */
  public static List<EncoderFiles> in(Collection<String> names) {
    Set<String> all = new TreeSet<>(names);
    SortedMap<String, List<EncoderFiles>> byFolder = new TreeMap<>();
    for (String name : all) {
      if (isModel(name)) {
        of(name, all)
            .ifPresent(
                files ->
                    byFolder.computeIfAbsent(files.root(), root -> new ArrayList<>()).add(files));
      }
    }
    List<EncoderFiles> found = new ArrayList<>();
    for (List<EncoderFiles> together : byFolder.values()) {
      List<EncoderFiles> plain =
          together.stream()
              .filter(files -> lastName(files.model()).equals(EncoderFolder.MODEL))
              .toList();
      found.addAll(plain.size() == 1 ? plain : together);
    }
    return List.copyOf(found);
  }

  /** Whether a file is called as a model in ONNX is. */
  public static boolean isModel(String name) {
    return name.toLowerCase(Locale.ROOT).endsWith(ONNX);
  }

  /**
   * Returns the encoder of one model.
   *
   * @param model one of {@code names}
   * @param names relative paths with slashes
   * @return empty if it has no tokenizer
   */
  public static Optional<EncoderFiles> of(String model, Collection<String> names) {
    Set<String> all = names instanceof Set<String> set ? set : new TreeSet<>(names);
    String folder = model.substring(0, model.lastIndexOf('/') + 1);
    String stem = model.substring(0, model.length() - ONNX.length());
    List<String> roots = new ArrayList<>(List.of(folder));
    if (folder.equals(ONNX_FOLDER) || folder.endsWith("/" + ONNX_FOLDER)) {
      roots.add(folder.substring(0, folder.length() - ONNX_FOLDER.length()));
    }
    String own = stem + "-" + EncoderFolder.TOKENIZER;
    if (all.contains(own)) {
      return Optional.of(of(model, folder, own, all));
    }
    return roots.stream()
        .filter(root -> all.contains(root + EncoderFolder.TOKENIZER))
        .findFirst()
        .map(root -> of(model, root, root + EncoderFolder.TOKENIZER, all));
  }

  private static EncoderFiles of(String model, String root, String tokenizer, Set<String> names) {
    SortedMap<String, String> parts = new TreeMap<>();
    for (String companion : COMPANIONS) {
      if (names.contains(root + companion)) {
        parts.put(companion, root + companion);
      }
    }
    for (String ending : OUTER_WEIGHTS) {
      if (names.contains(model + ending)) {
        parts.put(lastName(model + ending), model + ending); // the model knows it by this name
      }
    }
    parts.put(EncoderFolder.TOKENIZER, tokenizer);
    parts.put(EncoderFolder.MODEL, model);
    return new EncoderFiles(model, root, parts);
  }

  private static String lastName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
