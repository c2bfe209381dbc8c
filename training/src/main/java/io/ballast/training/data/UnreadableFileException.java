package io.ballast.training.data;

import java.io.IOException;

/** A file that is not what it begins as, such as a Parquet file that was cut off. */
public final class UnreadableFileException extends IOException {
  private static final long serialVersionUID = 1;

  UnreadableFileException(String message, Throwable cause) {
    super(message, cause);
  }

  /** Of one that begins like gzip, and is cut off or damaged. */
  static UnreadableFileException noWholeGzipFile(IOException cause) {
    return new UnreadableFileException("no whole gzip file", cause);
  }
}
