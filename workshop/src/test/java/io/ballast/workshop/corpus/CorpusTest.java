package io.ballast.workshop.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The splits are disjoint, and no part gives away what the decoder is judged by. */
class CorpusTest {
  private static final String HEADER = "/* Apache License */\npackage a;\n";

  @TempDir Path folder;

  @BeforeEach
  void oneFileInEachOtherSplit() throws IOException {
    jar("heldout", "held-1", Map.of("a/Held.java", HEADER + code("held")));
    jar("preference", "pref-1", Map.of("a/Pref.java", HEADER + code("pref")));
  }

  @Test
  void licensedFilesAreReadWithoutTheirHeader() throws IOException {
    jar(
        "pretrain",
        "pre-1",
        Map.of("a/A.java", HEADER + code("one"), "a/B.java", "package a;\n" + code("two")));
    Corpus corpus = Corpus.read(folder, 1);
    assertThat(corpus.files(Split.PRETRAIN))
        .containsExactly(new SourceFile("pre-1", "a/A.java", code("one")));
    assertThat(corpus.artefacts(Split.PRETRAIN)).containsExactly("pre-1");
    assertThat(corpus.bytes(Split.PRETRAIN)).isEqualTo(code("one").length());
  }

  @Test
  void copiesOfHeldOutFilesAreNotTrainedOn() throws IOException {
    String nearCopy = code("held").replace("class held", "class renamed");
    jar(
        "pretrain",
        "pre-1",
        Map.of("a/Same.java", HEADER + code("held"), "b/Near.java", HEADER + nearCopy));
    assertThat(Corpus.read(folder, 1).files(Split.PRETRAIN)).isEmpty();
  }

  @Test
  void theSeedAloneDecidesTheOrder() throws IOException {
    jar(
        "pretrain",
        "pre-1",
        Map.of(
            "a/A.java", HEADER + code("one"),
            "a/B.java", HEADER + code("two"),
            "a/C.java", HEADER + code("six"),
            "a/D.java", HEADER + code("ten")));
    assertThat(Corpus.read(folder, 5).files(Split.PRETRAIN))
        .hasSize(4)
        .isEqualTo(Corpus.read(folder, 5).files(Split.PRETRAIN));
  }

  @Test
  void aSplitIsTheSameIfWhatFollowsItIsNotRead() throws IOException {
    Corpus part = Corpus.readUpTo(Split.PREFERENCE, folder, 3);
    jar("pretrain", "pre-1", Map.of("a/A.java", HEADER + code("one")));
    Corpus whole = Corpus.read(folder, 3);
    assertThat(part.files(Split.PREFERENCE)).isEqualTo(whole.files(Split.PREFERENCE)).isNotEmpty();
    assertThat(part.files(Split.HELDOUT)).isEqualTo(whole.files(Split.HELDOUT)).isNotEmpty();
    assertThat(part.files(Split.PRETRAIN)).isEmpty();
  }

  @Test
  void partsAreDisjointAndLeaveNothingOut() throws IOException {
    for (Split split : new Split[] {Split.PREFERENCE, Split.HELDOUT}) {
      Map<String, String> sources = new HashMap<>();
      for (int i = 0; i < 60; i++) {
        sources.put("a/F" + i + ".java", HEADER + code(split.folder() + i));
      }
      jar(split.folder(), split.folder() + "-1", sources);
    }
    Corpus corpus = Corpus.readUpTo(Split.PREFERENCE, folder, 1);
    for (Split split : new Split[] {Split.PREFERENCE, Split.HELDOUT}) {
      List<SourceFile> inParts =
          Arrays.stream(CorpusPart.values())
              .filter(part -> part.split() == split)
              .flatMap(part -> part.files(corpus).stream())
              .toList();
      assertThat(inParts).containsExactlyInAnyOrderElementsOf(corpus.files(split));
    }
    assertThat(CorpusPart.REWARD_LABELS.files(corpus)).hasSizeBetween(12, 36);
  }

  @Test
  void aMissingSplitIsNamedWithTheWayToFetchIt() {
    assertThatThrownBy(() -> Corpus.read(folder, 1))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("pretrain: no -sources.jar")
        .hasMessageContaining("corpus-pom.xml");
  }

  private static String code(String name) {
    return """
    class %1$s {
      final java.util.List<String> %1$sNames = new java.util.ArrayList<>();
      final java.util.List<String> %1$sPlaces = new java.util.ArrayList<>();
    }
    """
        .formatted(name);
  }

  private void jar(String split, String name, Map<String, String> sources) throws IOException {
    Path parent = Files.createDirectories(folder.resolve(split));
    try (OutputStream out = Files.newOutputStream(parent.resolve(name + "-sources.jar"));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, String> source : sources.entrySet()) {
        zip.putNextEntry(new ZipEntry(source.getKey()));
        zip.write(source.getValue().getBytes(StandardCharsets.UTF_8));
      }
    }
  }
}
