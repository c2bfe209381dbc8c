package io.ballast.training.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/** JSON lines. Blank ones count for nothing but the numbers of the others. */
final class JsonRows implements Rows {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final InputStream content;
  private final Lines lines;

  JsonRows(InputStream content, int maxRowBytes) {
    this.content = content;
    this.lines = new Lines(content, maxRowBytes);
  }

  @Override
  public @Nullable Row next() throws IOException {
    for (Lines.Line line = line(); line != null; line = line()) {
      if (!line.isBlank()) {
        return row(line);
      }
    }
    return null;
  }

  private Lines.@Nullable Line line() throws IOException {
    try {
      return lines.next();
    } catch (EOFException | ZipException e) {
      throw UnreadableFileException.noWholeGzipFile(e);
    }
  }

  private static Row row(Lines.Line line) throws IOException {
    try {
      return new Row.Read(line.number(), JSON.readTree(line.text()));
    } catch (BadRowException e) {
      return new Row.Bad(line.number(), e.reason());
    } catch (JsonProcessingException e) {
      return new Row.Bad(
          line.number(),
          "no JSON from column %d on"
              .formatted(e.getLocation() == null ? 1 : e.getLocation().getColumnNr()));
    }
  }

  @Override
  public Optional<List<String>> columns() {
    return Optional.empty();
  }

  @Override
  public void close() throws IOException {
    content.close();
  }
}
