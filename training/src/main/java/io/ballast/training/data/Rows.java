package io.ballast.training.data;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The rows of a file, one at a time, so that none but the one in hand is in memory. */
public interface Rows extends Closeable {
  /**
   * Returns the next row, or null after the last.
   *
   * @throws UnreadableFileException if the file, and not only a row of it, cannot be read
   */
  @Nullable Row next() throws IOException;

  /** The names of all columns of the file; empty where each row has fields of its own. */
  Optional<List<String>> columns();
}
