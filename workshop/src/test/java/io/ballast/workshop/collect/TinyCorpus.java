package io.ballast.workshop.collect;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A corpus of small classes that resemble each other. */
public final class TinyCorpus {
  private TinyCorpus() {}

  /** Writes the splits that are kept from training; returns the text of a class of them. */
  public static String write(Path folder, int preferenceFiles, int heldOutFiles)
      throws IOException {
    jar(folder, "heldout", heldOutFiles);
    return jar(folder, "preference", preferenceFiles).values().iterator().next();
  }

  private static Map<String, String> jar(Path folder, String split, int files) throws IOException {
    Path parent = Files.createDirectories(folder.resolve(split));
    Map<String, String> sources = new TreeMap<>();
    for (int i = 0; i < files; i++) {
      sources.put(
          "a/F" + i + ".java",
          """
          class %1$sF%2$d {
            int a() {
              return 7 + b();
            }
            int b() {
              return 7 + a();
            }
            int c() {
              return 7 + b();
            }
          }
          """
              .formatted(split, i));
    }
    try (OutputStream out = Files.newOutputStream(parent.resolve(split + "-1-sources.jar"));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, String> source : sources.entrySet()) {
        zip.putNextEntry(new ZipEntry(source.getKey()));
        String text = "/* Apache License */\npackage a;\n" + source.getValue();
        zip.write(text.getBytes(StandardCharsets.UTF_8));
      }
    }
    return sources;
  }
}
