package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The lengths that rows' keys and values come in: 64 tokens, 128, 256, … and the context. */
final class LengthClasses {
  private static final int SHORTEST = 64;

  private final List<Integer> tokens = new ArrayList<>();
  private final long bytesPerToken;

  LengthClasses(DecoderConfig config, ScalarType type) {
    for (long length = SHORTEST; length < config.contextTokens(); length *= 2) {
      tokens.add((int) length);
    }
    tokens.add(config.contextTokens());
    bytesPerToken = 2L * config.layers() * config.keyValueWidth() * bytes(type);
  }

  /** What one number of a type takes. */
  static int bytes(ScalarType type) {
    return switch (type.intern()) {
      case Float -> Float.BYTES;
      case Double -> Double.BYTES;
      case BFloat16, Half -> Short.BYTES;
      default -> throw new IllegalArgumentException("type: " + type + " (expected: a real one)");
    };
  }

  int count() {
    return tokens.size();
  }

  /** How many tokens fit a row of a class. */
  int tokens(int index) {
    return tokens.get(index);
  }

  /** The smallest class that {@code length} tokens fit; the largest if they exceed the context. */
  int indexOf(int length) {
    int index = 0;
    while (index < tokens.size() - 1 && tokens.get(index) < length) {
      index++;
    }
    return index;
  }

  /** What one row of a class takes. */
  long bytes(int index) {
    return tokens.get(index) * bytesPerToken;
  }

  /** What a row takes that comes to {@code length} tokens. */
  long bytesFor(int length) {
    return bytes(indexOf(length));
  }

  /** The keys and values of one token in all layers. */
  long bytesPerToken() {
    return bytesPerToken;
  }
}
