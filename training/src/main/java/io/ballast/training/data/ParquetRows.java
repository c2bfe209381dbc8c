package io.ballast.training.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hardwood.HardwoodContext;
import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.SchemaNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rows of a Parquet file as JSON objects, of the columns that somebody wants. */
final class ParquetRows implements Rows {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final HardwoodContext threads;
  private final ParquetFileReader file;
  private final List<String> columns;
  private final @Nullable RowReader rows;
  private final long rowsCount;
  private long number;

  private ParquetRows(
      HardwoodContext threads,
      ParquetFileReader file,
      List<String> columns,
      @Nullable RowReader rows) {
    this.threads = threads;
    this.file = file;
    this.columns = columns;
    this.rows = rows;
    this.rowsCount = file.getFileMetaData().numRows();
  }

  static ParquetRows open(Path path, Set<String> wanted) throws IOException {
    HardwoodContext threads = HardwoodContext.create(1);
    ParquetFileReader file = null;
    try {
      file = ParquetFileReader.open(InputFile.of(path), threads);
      List<String> columns =
          file.getFileSchema().getRootNode().children().stream().map(SchemaNode::name).toList();
      String[] read = columns.stream().filter(wanted::contains).toArray(String[]::new);
      RowReader rows =
          read.length == 0
              ? null
              : file.buildRowReader().projection(ColumnProjection.columns(read)).build();
      return new ParquetRows(threads, file, columns, rows);
    } catch (IOException | RuntimeException e) {
      if (file != null) {
        file.close();
      }
      threads.close();
      throw unreadable(e);
    }
  }

  /** The library tells a damaged file by many kinds of exception. */
  private static UnreadableFileException unreadable(Exception e) {
    return new UnreadableFileException("no whole Parquet file: " + e.getMessage(), e);
  }

  @Override
  public @Nullable Row next() throws IOException {
    if (number == rowsCount) {
      return null;
    }
    number++;
    if (rows == null) {
      return new Row.Read(number, JSON.objectNode());
    }
    try {
      rows.next();
      return new Row.Read(number, object(rows));
    } catch (BadRowException e) {
      return new Row.Bad(number, e.reason());
    } catch (RuntimeException e) {
      throw unreadable(e);
    }
  }

  private static ObjectNode object(StructAccessor struct) throws BadRowException {
    ObjectNode object = JSON.objectNode();
    for (int i = 0; i < struct.getFieldCount(); i++) {
      String field = struct.getFieldName(i);
      object.set(field, value(field, struct.getRawValue(i)));
    }
    return object;
  }

  private static JsonNode value(String field, @Nullable Object value) throws BadRowException {
    return switch (value) {
      case null -> JSON.nullNode();
      case byte[] bytes -> JSON.textNode(text(field, bytes));
      case Integer number -> JSON.numberNode(number);
      case Long number -> JSON.numberNode(number);
      case Float number -> JSON.numberNode(number);
      case Double number -> JSON.numberNode(number);
      case Boolean flag -> JSON.booleanNode(flag);
      case PqStruct struct -> object(struct);
      case PqList list -> array(field, list);
      default ->
          throw new BadRowException(
              field + ": another type (expected: text, number, yes or no, list or struct)");
    };
  }

  private static ArrayNode array(String field, PqList list) throws BadRowException {
    ArrayNode array = JSON.arrayNode();
    for (Object each : list.rawValues()) {
      array.add(value(field, each));
    }
    return array;
  }

  private static String text(String field, byte[] bytes) throws BadRowException {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(rest).toString();
    } catch (CharacterCodingException e) {
      throw new BadRowException("%s, byte %,d: not UTF-8".formatted(field, rest.position()));
    }
  }

  @Override
  public Optional<List<String>> columns() {
    return Optional.of(columns);
  }

  @Override
  public void close() throws IOException {
    try (threads;
        file) {
      if (rows != null) {
        rows.close();
      }
    }
  }
}
