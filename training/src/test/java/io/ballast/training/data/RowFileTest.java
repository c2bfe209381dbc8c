package io.ballast.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A row is the same whatever form its file has; a bad one is told by its number and why. */
class RowFileTest {
  private static final int MAX_ROW_BYTES = 100;

  @TempDir Path folder;

  private static List<String> rows(Path file, String... columns) throws IOException {
    List<String> rows = new ArrayList<>();
    try (Rows open = RowFile.open(file, MAX_ROW_BYTES, Set.of(columns))) {
      for (Row row = open.next(); row != null; row = open.next()) {
        rows.add(
            switch (row) {
              case Row.Read read -> read.number() + " " + read.json();
              case Row.Bad bad -> bad.number() + " bad: " + bad.reason();
            });
      }
    }
    return rows;
  }

  private static Path resource(String name) throws URISyntaxException {
    return Path.of(Objects.requireNonNull(RowFileTest.class.getResource("/rows/" + name)).toURI());
  }

  @Test
  void linesAreReadWithTheirNumbersAndBadOnesTold() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("a.jsonl"),
            "{\"a\": 1}\n\n\"text\"\n{\"a\": 1, \"a\": 2}\n{\"a\": 1} 2\n[\n"
                + " ".repeat(MAX_ROW_BYTES)
                + "1\n");

    assertThat(rows(file))
        .containsExactly(
            "1 {\"a\":1}",
            "3 \"text\"",
            "4 bad: no JSON from column 13 on",
            "5 bad: no JSON from column 10 on",
            "6 bad: no JSON from column 2 on",
            "7 bad: 101 bytes, limit 100");
  }

  @Test
  void aByteThatIsNotUtf8IsOfItsRowAlone() throws IOException {
    Path file =
        Files.write(folder.resolve("a.jsonl"), new byte[] {'"', (byte) 0xff, '"', '\n', '1', '\n'});

    assertThat(rows(file)).containsExactly("1 bad: byte 1: not UTF-8", "2 1");
  }

  @Test
  void linesMayBeCompressed() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(bytes)) {
      zip.write("1\n2\n".getBytes(StandardCharsets.UTF_8));
    }
    Path whole = Files.write(folder.resolve("a.jsonl"), bytes.toByteArray());
    Path cut =
        Files.write(folder.resolve("cut"), Arrays.copyOf(bytes.toByteArray(), bytes.size() - 10));

    assertThat(rows(whole)).containsExactly("1 1", "2 2");
    assertThatThrownBy(() -> rows(cut))
        .isInstanceOf(UnreadableFileException.class)
        .hasMessage("no whole gzip file");
  }

  /** The header itself is not whole, or of no method that there is. */
  @ParameterizedTest
  @ValueSource(strings = {"1f8b", "1f8b0867617262616765", "1f8b67617262616765"})
  void whatOnlyBeginsLikeGzipIsNoWholeGzipFile(String hex) throws IOException {
    Path file = Files.write(folder.resolve("a.jsonl"), HexFormat.of().parseHex(hex));

    assertThatThrownBy(() -> rows(file))
        .isInstanceOf(UnreadableFileException.class)
        .hasMessage("no whole gzip file");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rows-snappy.parquet", "rows-zstd.parquet", "rows-gzip.parquet"})
  void parquetIsReadByTheColumnsThatAreWanted(String name) throws IOException, URISyntaxException {
    assertThat(rows(resource(name), "text", "difficulty", "steps", "good", "none"))
        .containsExactly(
            "1 {\"text\":\"int a\",\"difficulty\":0.5,\"steps\":3,\"good\":true}",
            "2 {\"text\":null,\"difficulty\":1.0,\"steps\":1,\"good\":false}",
            "3 {\"text\":\"int é\",\"difficulty\":null,\"steps\":2,\"good\":null}",
            "4 {\"text\":\"\",\"difficulty\":2.0,\"steps\":1,\"good\":true}",
            "5 {\"text\":\"int b\",\"difficulty\":3.0,\"steps\":null,\"good\":false}");
    assertThat(rows(resource(name), "turns"))
        .containsExactly(
            "1 {\"turns\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
            "2 {\"turns\":null}",
            "3 {\"turns\":[]}",
            "4 {\"turns\":[{\"role\":\"user\",\"content\":null}]}",
            "5 {\"turns\":[{\"role\":\"a\",\"content\":\"b\"},{\"role\":\"c\",\"content\":\"d\"}]}");
  }

  @Test
  void aTextOfParquetThatIsNotUtf8IsABadRow() throws IOException, URISyntaxException {
    assertThat(rows(resource("rows-snappy.parquet"), "raw"))
        .startsWith("1 {\"raw\":\"ok\"}", "2 bad: raw, byte 0: not UTF-8", "3 {\"raw\":\"ok\"}");
  }

  @Test
  void theColumnsOfParquetAreKnown() throws IOException, URISyntaxException {
    try (Rows open = RowFile.open(resource("rows-zstd.parquet"), MAX_ROW_BYTES, Set.of())) {
      assertThat(open.columns())
          .hasValue(List.of("text", "group", "difficulty", "steps", "raw", "good", "turns"));
    }
    assertThat(rows(resource("rows-zstd.parquet"))).hasSize(5).contains("1 {}");
  }

  @Test
  void aDamagedParquetFileIsNamedAsSuch() throws IOException, URISyntaxException {
    byte[] bytes = Files.readAllBytes(resource("rows-snappy.parquet"));
    Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(bytes, bytes.length / 2));
    Arrays.fill(bytes, 10, 40, (byte) 0xff);
    Path broken = Files.write(folder.resolve("broken"), bytes);

    for (Path file : List.of(cut, broken)) {
      assertThatThrownBy(() -> rows(file, "text"))
          .isInstanceOf(UnreadableFileException.class)
          .hasMessageStartingWith("no whole Parquet file: ");
    }
  }
}
