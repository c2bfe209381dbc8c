package io.ballast.workshop.pretrain;

import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.tokenizer.BpeModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * All files of a split as one sequence of token ids, each file preceded by the end-of-text id; two
 * bytes a token, big-endian.
 */
final class TokenFile {
  private static final int END_OF_TEXT = 0;

  private final short[] tokens;

  private TokenFile(short[] tokens) {
    this.tokens = tokens;
  }

  /** Encodes {@code files} in their order. */
  static TokenFile encode(List<SourceFile> files, BpeModel tokenizer) {
    short[] tokens = new short[1 << 20];
    int size = 0;
    for (SourceFile file : files) {
      int[] ids = tokenizer.encode(file.text());
      if (size + ids.length + 1 > tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * (size + ids.length + 1));
      }
      tokens[size++] = END_OF_TEXT;
      for (int id : ids) {
        tokens[size++] = (short) id;
      }
    }
    return new TokenFile(Arrays.copyOf(tokens, size));
  }

  static TokenFile read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    short[] tokens = new short[bytes.length / 2];
    ByteBuffer.wrap(bytes).asShortBuffer().get(tokens);
    return new TokenFile(tokens);
  }

  void write(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(2 * tokens.length);
    bytes.asShortBuffer().put(tokens);
    Files.write(file, bytes.array());
  }

  int size() {
    return tokens.length;
  }

  /** Returns {@code length} + 1 ids from {@code start}: inputs and, one further, their targets. */
  int[] window(int start, int length) {
    int[] window = new int[length + 1];
    for (int i = 0; i <= length; i++) {
      window[i] = tokens[start + i] & 0xFFFF;
    }
    return window;
  }

  /** The number of windows of {@code length} tokens that do not overlap. */
  int windows(int length) {
    return (tokens.length - 1) / length;
  }
}
