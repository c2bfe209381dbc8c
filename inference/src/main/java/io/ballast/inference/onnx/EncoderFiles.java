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
 * a/tokenizer.json} too. Each of the other files stands beside the tokenizer or, where there is
 * none and the tokenizer is in {@code a/onnx/}, in {@code a/}. Of several .onnx files of one folder
 * the one called model.onnx counts.
 *
 * @param model the .onnx file's name among those given
 * @param root the folder that they are of, onnx/ left out: empty, or with a slash at its end
 * @param parts the files to take: under the name that they get, the name that they have
 */
public record EncoderFiles(String model, String root, SortedMap<String, String> parts) {
  private static final String ONNX = ".onnx";
  private static final String ONNX_FOLDER = "onnx/";

  /**
   * The folders within a model's folder in which its files are: empty, or with a slash at its end.
   */
  public static final List<String> FOLDERS =
      List.of("", ONNX_FOLDER, "1_Pooling/", ONNX_FOLDER + "1_Pooling/");

  /** What is taken from beside the tokenizer, or above it, where it is there. */
  public static final List<String> COMPANIONS =
      List.of(
          EncoderFolder.CONFIG,
          EncoderFolder.SENTENCE_CONFIG,
          EncoderFolder.MODULES,
          EncoderFolder.POOLING,
          "LICENSE",
          "NOTICE");

  /**
   * What large models have beside them, for a .onnx file ends at 2 GB: the model's name with one of
   * these behind it.
   */
  public static final List<String> OUTER_WEIGHTS = List.of("_data", ".data");

  public EncoderFiles {
    parts = Collections.unmodifiableSortedMap(new TreeMap<>(parts));
  }

  /** Returns the same once every file has the name that it gets. */
  public EncoderFiles renamed() {
    SortedMap<String, String> same = new TreeMap<>();
    parts.keySet().forEach(name -> same.put(name, name));
    return new EncoderFiles(EncoderFolder.MODEL, "", same);
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
    List<String> roots = roots(folder);
    String own = stem + "-" + EncoderFolder.TOKENIZER;
    if (all.contains(own)) {
      return Optional.of(of(model, roots, own, all));
    }
    for (int i = 0; i < roots.size(); i++) {
      String tokenizer = roots.get(i) + EncoderFolder.TOKENIZER;
      if (all.contains(tokenizer)) {
        return Optional.of(of(model, roots.subList(i, roots.size()), tokenizer, all));
      }
    }
    return Optional.empty();
  }

  /**
   * Returns where the tokenizer and its companions of a model are looked for, in this order.
   *
   * @param folder the model's, empty or with a slash at its end
   */
  public static List<String> roots(String folder) {
    return folder.equals(ONNX_FOLDER) || folder.endsWith("/" + ONNX_FOLDER)
        ? List.of(folder, folder.substring(0, folder.length() - ONNX_FOLDER.length()))
        : List.of(folder);
  }

  /** The encoder of a model whose companions are looked for in {@code roots}. */
  private static EncoderFiles of(
      String model, List<String> roots, String tokenizer, Set<String> names) {
    SortedMap<String, String> parts = new TreeMap<>();
    for (String companion : COMPANIONS) {
      roots.stream()
          .map(root -> root + companion)
          .filter(names::contains)
          .findFirst()
          .ifPresent(file -> parts.put(companion, file));
    }
    for (String ending : OUTER_WEIGHTS) {
      if (names.contains(model + ending)) {
        parts.put(lastName(model + ending), model + ending); // the model knows it by this name
      }
    }
    parts.put(EncoderFolder.TOKENIZER, tokenizer);
    parts.put(EncoderFolder.MODEL, model);
    return new EncoderFiles(model, roots.getLast(), parts);
  }

  private static String lastName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
