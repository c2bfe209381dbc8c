package io.ballast.orchestrator.testing;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * What the fakes of the other servers say: pure functions, so that the same question gets the same
 * answer before and after a crash. Tokens are those of {@link TinyModel}.
 */
public final class FakeWorld {
  private FakeWorld() {}

  /** The letters that weights {@code sha} sample as completion {@code j} of {@code prompt}. */
  public static String completion(String sha, long seed, String prompt, int i, int j) {
    SplittableRandom random = new SplittableRandom(Objects.hash(sha, seed, prompt, i, j));
    int length = random.nextInt(1, 6);
    StringBuilder text = new StringBuilder();
    for (int t = 0; t < length; t++) {
      text.append((char) random.nextInt('a', 'z' + 1));
    }
    return text.toString();
  }

  /** One token for each byte: the byte plus one. */
  public static TokenIds tokens(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int t = 0; t < ids.length; t++) {
      ids[t] = (bytes[t] & 0xff) + 1;
    }
    return TokenIds.of(ids);
  }

  /** What the server says of each token. */
  public static PerToken logProbs(String text) {
    float[] numbers = new float[text.length()];
    java.util.Arrays.fill(numbers, -1.25f);
    return PerToken.of(numbers);
  }

  /** Vowels are good. */
  public static double reward(String completion) {
    return completion.chars().filter(c -> "aeiou".indexOf(c) >= 0).count();
  }

  /** What vowels stand for: letters from the beginning of the alphabet are good. */
  public static double gold(String completion) {
    return completion.chars().filter(c -> c < 'n').count();
  }

  /** Members disagree about long ones. */
  public static double spread(String completion) {
    return 0.1 * completion.length();
  }

  /** Letters from the end of the alphabet do harm. */
  public static double harm(String completion) {
    long late = completion.toLowerCase(Locale.ROOT).chars().filter(c -> c > 's').count();
    return (double) late / completion.length();
  }

  /** A checksum for what has no weights. */
  public static String sha(String name) {
    return String.format(Locale.ROOT, "%064x", name.hashCode() & 0xffffffffL);
  }
}
