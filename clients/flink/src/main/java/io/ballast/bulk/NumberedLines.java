package io.ballast.bulk;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.impl.StreamFormatAdapter;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.reader.SimpleStreamFormat;
import org.apache.flink.connector.file.src.reader.StreamFormat;
import org.apache.flink.connector.file.src.util.RecordAndPosition;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a file that are not blank, as bytes, each with its number. Flink unpacks files whose
 * names end in {@code .gz}, {@code .bz2}, {@code .xz} or {@code .zst}.
 */
final class NumberedLines extends SimpleStreamFormat<NumberedLines.Line> {
  private static final long serialVersionUID = 1;

  /** A line. */
  static final class Line {
    final long number;
    final byte[] utf8;

    Line(long number, byte[] utf8) {
      this.number = number;
      this.utf8 = utf8;
    }
  }

  /** What is done with each line. */
  @FunctionalInterface
  interface Visitor {
    void line(Line line);
  }

  /** Visits a whole file as a job would read it. */
  static void visit(InputFile file, Visitor visitor) throws IOException {
    visit(file.path(), file.bytes(), visitor);
  }

  static void visit(String path, long bytes, Visitor visitor) throws IOException {
    FileSourceSplit whole =
        new FileSourceSplit(
            "whole", Path.fromLocalFile(new java.io.File(path)), 0, bytes, 0, bytes);
    try (BulkFormat.Reader<Line> reader =
        new StreamFormatAdapter<>(new NumberedLines()).createReader(new Configuration(), whole)) {
      for (BulkFormat.RecordIterator<Line> batch = reader.readBatch();
          batch != null;
          batch = reader.readBatch()) {
        for (RecordAndPosition<Line> next = batch.next(); next != null; next = batch.next()) {
          visitor.line(next.getRecord());
        }
        batch.releaseBatch();
      }
    }
  }

  @Override
  public StreamFormat.Reader<Line> createReader(Configuration config, FSDataInputStream stream) {
    return new Reader(stream);
  }

  @Override
  public TypeInformation<Line> getProducedType() {
    return TypeInformation.of(Line.class);
  }

  private static final class Reader implements StreamFormat.Reader<Line> {
    private final InputStream stream;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private long number;

    Reader(InputStream stream) {
      this.stream = new BufferedInputStream(stream);
    }

    @Override
    public @Nullable Line read() throws IOException {
      while (true) {
        line.reset();
        boolean blank = true;
        int next = stream.read();
        if (next < 0) {
          return null;
        }
        for (; next >= 0 && next != '\n'; next = stream.read()) {
          blank &= next == ' ' || next == '\t' || next == '\r';
          line.write(next);
        }
        number++;
        if (!blank) {
          return new Line(number, line.toByteArray());
        }
      }
    }

    @Override
    public void close() throws IOException {
      stream.close();
    }
  }
}
