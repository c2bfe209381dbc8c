package io.ballast.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.apache.flink.connector.file.src.util.RecordAndPosition;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows keep the numbers of their lines, wherever reading goes on. */
class RowFormatTest {
  @TempDir private Path folder;

  @Test
  void readingGoesOnAtTheNextRowWithItsNumber() throws IOException {
    Path file = folder.resolve("rows.jsonl");
    // a blank line before each tenth, and no end of the last
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      if (i % 10 == 9) {
        lines.add("\t\r");
      }
      lines.add("{\"prompt\": \"%d\", \"completion\": \"x\"}".formatted(i));
    }
    Files.writeString(file, String.join("\n", lines));

    List<RecordAndPosition<Row>> all = read(file, null);
    assertThat(all)
        .extracting(row -> row.getRecord().prompt())
        .hasSize(200)
        .last()
        .isEqualTo("199");
    assertThat(all.get(9).getRecord().line()).isEqualTo(11);
    for (int rows : List.of(0, 1, 9, 10, 137, 199)) {
      RecordAndPosition<Row> last = all.get(rows);
      List<RecordAndPosition<Row>> rest =
          read(file, new CheckpointedPosition(last.getOffset(), last.getRecordSkipCount()));
      assertThat(rest)
          .extracting(RecordAndPosition::getRecord)
          .isEqualTo(
              all.subList(rows + 1, 200).stream().map(RecordAndPosition::getRecord).toList());
    }
  }

  private static List<RecordAndPosition<Row>> read(Path file, @Nullable CheckpointedPosition from)
      throws IOException {
    RowFormat format = new RowFormat(Map.of(file.toString(), "rows.jsonl"));
    long bytes = Files.size(file);
    FileSourceSplit split =
        new FileSourceSplit(
            "split",
            org.apache.flink.core.fs.Path.fromLocalFile(file.toFile()),
            0,
            bytes,
            0,
            bytes,
            new String[0],
            from);
    List<RecordAndPosition<Row>> rows = new ArrayList<>();
    try (BulkFormat.Reader<Row> reader =
        from == null
            ? format.createReader(new Configuration(), split)
            : format.restoreReader(new Configuration(), split)) {
      for (BulkFormat.RecordIterator<Row> batch = reader.readBatch();
          batch != null;
          batch = reader.readBatch()) {
        for (RecordAndPosition<Row> next = batch.next(); next != null; next = batch.next()) {
          rows.add(
              new RecordAndPosition<>(
                  next.getRecord(), next.getOffset(), next.getRecordSkipCount()));
        }
      }
    }
    return rows;
  }
}
