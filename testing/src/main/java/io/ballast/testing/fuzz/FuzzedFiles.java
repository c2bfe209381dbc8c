package io.ballast.testing.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Damages a file in many ways; whoever reads it must take it, or refuse it by one type of error.
 */
public final class FuzzedFiles {
  private static final int SHOWN_BYTES = 400;

  /** A text, a number or a word of JSON. */
  private static final Pattern VALUE =
      Pattern.compile(
          "\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"|-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null");

  private static final List<String> INSTEAD =
      List.of(
          "null",
          "true",
          "-1",
          "0",
          "1.5",
          "1e99",
          "2147483648",
          "9223372036854775807",
          "99999999999999999999",
          "\"\"",
          "\"../../etc/passwd\"",
          "\"\\u0000\"",
          "\"\\ud83d\"",
          "[]",
          "{}",
          "[0]",
          "[[[[1]]]]",
          "{\"a\": {\"b\": 1}}",
          "[".repeat(3_000),
          "]");

  private final Random random;
  private final ByteMutations bytes;
  private final Class<? extends Exception> refusal;
  private final int inputs;

  /** Reads a file. */
  @FunctionalInterface
  public interface Reader {
    /** Reads {@code file}, or throws. */
    void read(byte[] file) throws Exception;
  }

  /**
   * @param refusal what a reader throws that does not take a file
   * @param share one of so many of a module's inputs is for this file
   */
  public FuzzedFiles(long seed, Class<? extends Exception> refusal, int share) {
    this.random = new Random(seed);
    this.bytes = new ByteMutations(random);
    this.refusal = refusal;
    this.inputs = Math.max(1, FuzzedServer.INPUTS / share);
  }

  /** Has {@code reader} read the file damaged in its bytes. */
  public void assertTyped(byte[] whole, Reader reader) {
    for (int i = 0; i < inputs; i++) {
      read(random.nextInt(20) == 0 ? bytes.noise() : bytes.damaged(whole), reader);
    }
  }

  /** Has {@code reader} read the JSON with other values in it, or damaged in its bytes. */
  public void assertTypedJson(String whole, Reader reader) {
    List<MatchResult> values = VALUE.matcher(whole).results().toList();
    for (int i = 0; i < inputs; i++) {
      if (random.nextInt(5) == 0) {
        read(bytes.damaged(whole.getBytes(StandardCharsets.UTF_8)), reader);
        continue;
      }
      MatchResult value = values.get(random.nextInt(values.size()));
      String instead = INSTEAD.get(random.nextInt(INSTEAD.size()));
      String changed = whole.substring(0, value.start()) + instead + whole.substring(value.end());
      read(changed.getBytes(StandardCharsets.UTF_8), reader);
    }
  }

  /** Has {@code reader} read one file. */
  public void read(byte[] file, Reader reader) {
    try {
      reader.read(file);
    } catch (Throwable e) { // an error of memory or of the stack is what is looked for
      if (!refusal.isInstance(e)) {
        String shown =
            HexFormat.of().formatHex(file, 0, Math.min(file.length, SHOWN_BYTES))
                + "\n"
                + new String(file, 0, Math.min(file.length, SHOWN_BYTES), StandardCharsets.UTF_8);
        throw new AssertionError(e + " of " + file.length + " bytes: " + shown, e);
      }
    }
  }
}
