package io.ballast.kit.build;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;

/**
 * What code this is, as its build wrote it down.
 *
 * @param release such as {@code 0.1.0}
 * @param commit of the repository, with {@code +changed} behind it where files differed from it;
 *     empty if the build did not know: {@code ./mesh} tells it, Maven alone does not
 */
public record CodeVersion(String release, Optional<String> commit) {
  private static final String UNKNOWN = "unknown";
  private static final CodeVersion BUILT = read();

  /** The code that runs. */
  public static CodeVersion built() {
    return BUILT;
  }

  private static CodeVersion read() {
    Properties properties = new Properties();
    try (InputStream in =
        Objects.requireNonNull(
            CodeVersion.class.getResourceAsStream("build.properties"), "build.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return of(
        properties.getProperty("release", UNKNOWN), properties.getProperty("commit", UNKNOWN));
  }

  /** What a build wrote down, in which a word that nobody put in stands as it was. */
  static CodeVersion of(String release, String commit) {
    boolean known = !commit.isBlank() && !commit.equals(UNKNOWN) && !commit.startsWith("${");
    return new CodeVersion(release, known ? Optional.of(commit) : Optional.empty());
  }

  /** {@code Ballast 0.1.0, commit 0123456789ab}; without the commit where it is not known. */
  @Override
  public String toString() {
    return "Ballast " + release + commit.map(known -> ", commit " + known).orElse("");
  }
}
