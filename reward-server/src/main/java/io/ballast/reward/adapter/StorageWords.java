package io.ballast.reward.adapter;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;

/** What callers are told of a disk that fails: what is wrong, not where. */
final class StorageWords {
  private StorageWords() {}

  static String of(IOException e) {
    return switch (e) {
      case AccessDeniedException _ -> "the folder may not be written";
      case FileSystemException f when f.getReason() != null -> f.getReason();
      case FileSystemException f -> f.getClass().getSimpleName();
      case IOException i when i.getMessage() == null -> i.getClass().getSimpleName();
      default -> String.valueOf(e.getMessage());
    };
  }
}
