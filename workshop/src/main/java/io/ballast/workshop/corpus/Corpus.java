package io.ballast.workshop.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * The cleaned corpus in its three splits, the same for the same folder and seed.
 *
 * <p>A file is left out if it lacks the Apache licence's header, says that it was generated, equals
 * another, or is tiny or huge. What the decoder trains on must not give away what it is judged by:
 * a file most of whose telling lines also stand in a split that is kept from it is left out too
 * (projects copy each other's classes).
 */
public final class Corpus {
  private static final int LEAST_CHARACTERS = 100;
  private static final int MOST_CHARACTERS = 150_000;

  /** Shorter lines are everybody's and tell nothing about where a file was copied from. */
  private static final int TELLING_CHARACTERS = 28;

  private static final double COPIED_SHARE = 0.5;

  private final Map<Split, List<SourceFile>> files;
  private final Map<Split, List<String>> artefacts;

  private Corpus(Map<Split, List<SourceFile>> files, Map<Split, List<String>> artefacts) {
    this.files = files;
    this.artefacts = artefacts;
  }

  /**
   * Reads and cleans all {@code -sources.jar} files of {@code folder/pretrain}, {@code
   * folder/preference} and {@code folder/heldout}.
   *
   * @param seed of the order within each split
   * @throws IOException if a folder is missing or holds no artefact, named with how to fetch it
   */
  public static Corpus read(Path folder, long seed) throws IOException {
    return readUpTo(Split.PRETRAIN, folder, seed);
  }

  /**
   * Reads the splits that are kept from training, in the order HELDOUT, PREFERENCE, PRETRAIN, up to
   * {@code last}: each is the same as if all were read. {@code PREFERENCE} spares the largest.
   *
   * @param seed of the order within each split
   * @throws IOException if a folder is missing or holds no artefact, named with how to fetch it
   */
  public static Corpus readUpTo(Split last, Path folder, long seed) throws IOException {
    Map<Split, List<SourceFile>> files = new EnumMap<>(Split.class);
    Map<Split, List<String>> artefacts = new EnumMap<>(Split.class);
    Set<String> texts = new HashSet<>();
    Set<String> lines = new HashSet<>();
    for (Split split : List.of(Split.HELDOUT, Split.PREFERENCE, Split.PRETRAIN)) {
      List<SourceFile> kept = new ArrayList<>();
      List<String> names = new ArrayList<>();
      for (Path jar : jars(folder.resolve(split.folder()))) {
        String artefact = jar.getFileName().toString().replace("-sources.jar", "");
        names.add(artefact);
        for (SourceFile file : readJar(jar, artefact)) {
          if (texts.add(file.text()) && !isCopied(file, lines)) {
            kept.add(file);
          }
        }
      }
      kept.forEach(file -> tellingLines(file).forEach(lines::add));
      Collections.shuffle(kept, new Random(seed));
      files.put(split, List.copyOf(kept));
      artefacts.put(split, List.copyOf(names));
      if (split == last) {
        break;
      }
    }
    return new Corpus(files, artefacts);
  }

  /** Returns the files of {@code split}, shuffled; none if it was not read. */
  public List<SourceFile> files(Split split) {
    return files.getOrDefault(split, List.of());
  }

  /** Returns name and version of every artefact of {@code split}, sorted. */
  public List<String> artefacts(Split split) {
    return artefacts.getOrDefault(split, List.of());
  }

  /** Returns the size of {@code split} in UTF-8 bytes. */
  public long bytes(Split split) {
    return files(split).stream()
        .mapToLong(file -> file.text().getBytes(StandardCharsets.UTF_8).length)
        .sum();
  }

  private static List<Path> jars(Path folder) throws IOException {
    List<Path> jars = List.of();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> entries = Files.list(folder)) {
        jars =
            entries
                .filter(path -> path.toString().endsWith("-sources.jar"))
                .sorted(Comparator.comparing(path -> path.getFileName().toString()))
                .toList();
      }
    }
    if (jars.isEmpty()) {
      throw new IOException(
          folder
              + ": no -sources.jar (fetch them: mvn -f workshop/corpus-pom.xml generate-resources)");
    }
    return jars;
  }

  private static List<SourceFile> readJar(Path jar, String artefact) throws IOException {
    Map<String, SourceFile> sorted = new TreeMap<>();
    try (InputStream in = Files.newInputStream(jar);
        ZipInputStream zip = new ZipInputStream(in)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        String path = entry.getName();
        if (path.endsWith(".java") && !path.endsWith("-info.java")) {
          String source = new String(zip.readAllBytes(), StandardCharsets.UTF_8);
          if (JavaCleaner.isApacheLicensed(source) && !JavaCleaner.isGenerated(source)) {
            JavaCleaner.clean(source)
                .filter(Corpus::hasUsefulSize)
                .ifPresent(text -> sorted.put(path, new SourceFile(artefact, path, text)));
          }
        }
      }
    }
    return List.copyOf(sorted.values());
  }

  private static boolean hasUsefulSize(String text) {
    return text.length() >= LEAST_CHARACTERS && text.length() <= MOST_CHARACTERS;
  }

  private static Stream<String> tellingLines(SourceFile file) {
    return file.text().lines().map(String::strip).filter(l -> l.length() >= TELLING_CHARACTERS);
  }

  private static boolean isCopied(SourceFile file, Set<String> lines) {
    List<String> telling = tellingLines(file).distinct().toList();
    long copied = telling.stream().filter(lines::contains).count();
    return copied > COPIED_SHARE * telling.size();
  }
}
