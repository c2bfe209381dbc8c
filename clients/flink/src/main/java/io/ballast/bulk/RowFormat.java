package io.ballast.bulk;

import java.io.IOException;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.impl.StreamFormatAdapter;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.RecordMapperWrapperRecordIterator;

/**
 * Rows of JSON lines, which know the file that they are of. A file is read by one reader, from its
 * start: that gives lines their numbers.
 */
final class RowFormat implements BulkFormat<Row, FileSourceSplit> {
  private static final long serialVersionUID = 1;

  private final Map<String, String> namesByPath;
  private final StreamFormatAdapter<NumberedLines.Line> lines =
      new StreamFormatAdapter<>(new NumberedLines());

  /**
   * Creates it.
   *
   * @param namesByPath what files are called, by their absolute paths
   */
  RowFormat(Map<String, String> namesByPath) {
    this.namesByPath = Map.copyOf(namesByPath);
  }

  @Override
  public BulkFormat.Reader<Row> createReader(Configuration config, FileSourceSplit split)
      throws IOException {
    return rows(lines.createReader(config, split), split);
  }

  @Override
  public BulkFormat.Reader<Row> restoreReader(Configuration config, FileSourceSplit split)
      throws IOException {
    return rows(lines.restoreReader(config, split), split);
  }

  private BulkFormat.Reader<Row> rows(
      BulkFormat.Reader<NumberedLines.Line> reader, FileSourceSplit split) {
    String path = split.path().getPath();
    String name = namesByPath.getOrDefault(path, path);
    return RecordMapperWrapperRecordIterator.wrapReader(
        reader, line -> RowReader.read(name, line.number, line.utf8));
  }

  @Override
  public boolean isSplittable() {
    return false;
  }

  @Override
  public TypeInformation<Row> getProducedType() {
    return TypeInformation.of(Row.class);
  }
}
