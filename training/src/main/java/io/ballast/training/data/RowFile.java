package io.ballast.training.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * A file of rows: Parquet, or JSON lines, plain or compressed by gzip. How it begins says which.
 */
public final class RowFile {
  private static final byte[] PARQUET = "PAR1".getBytes(StandardCharsets.US_ASCII);
  private static final int BUFFER_BYTES = 1 << 16;

  private RowFile() {}

  /**
   * Opens it.
   *
   * @param maxRowBytes a longer line is a bad row, ≥ 1
   * @param wanted the columns that are read of a Parquet file; those that it does not have are left
   *     out
   * @throws UnreadableFileException if it begins as one form and is not of it
   */
  public static Rows open(Path file, int maxRowBytes, Set<String> wanted) throws IOException {
    try (InputStream beginning = Files.newInputStream(file)) {
      if (Arrays.equals(beginning.readNBytes(PARQUET.length), PARQUET)) {
        return ParquetRows.open(file, wanted);
      }
    }
    InputStream bytes = Files.newInputStream(file);
    try {
      return new JsonRows(unzipped(bytes), maxRowBytes);
    } catch (IOException e) {
      bytes.close();
      throw e;
    }
  }

  /**
   * The content of a stream that may be compressed by gzip.
   *
   * @throws UnreadableFileException if it begins like gzip and has no whole header of it
   */
  static InputStream unzipped(InputStream bytes) throws IOException {
    BufferedInputStream buffered = new BufferedInputStream(bytes, BUFFER_BYTES);
    buffered.mark(2);
    boolean gzip = buffered.read() == 0x1f && buffered.read() == 0x8b;
    buffered.reset();
    if (!gzip) {
      return buffered;
    }
    try {
      return new GZIPInputStream(buffered, BUFFER_BYTES); // reads the header
    } catch (EOFException | ZipException e) {
      throw UnreadableFileException.noWholeGzipFile(e);
    }
  }
}
