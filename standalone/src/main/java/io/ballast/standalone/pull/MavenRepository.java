package io.ballast.standalone.pull;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Maven repository: {@code <repository>/<group, with slashes>/<artifact>/<version>/
 * <artifact>-<version>.jar}, its checksum in a file of the same name and {@code .sha512}, {@code
 * .sha256} or {@code .sha1} behind it.
 */
public final class MavenRepository extends RemoteFiles {
  private static final Pattern COORDINATE =
      Pattern.compile(
          "([A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*):([A-Za-z0-9_-][\\w.-]*):([A-Za-z0-9_-][\\w.-]*)");

  private static final int CHECKSUM_BYTES = 4_096;

  /** How Maven names checksums, and how Java does; the best first. */
  private static final List<List<String>> CHECKSUMS =
      List.of(List.of("sha512", "SHA-512"), List.of("sha256", "SHA-256"), List.of("sha1", "SHA-1"));

  /**
   * Names a repository.
   *
   * @param repository its address
   * @param patience how long it may say nothing, before its answer and within it
   */
  public MavenRepository(URI repository, Duration patience) {
    super(repository, "", patience);
  }

  /**
   * Which jar is meant.
   *
   * @param group such as {@code org.example}
   */
  public record Coordinate(String group, String artifact, String version) {
    /** Whether a text has a coordinate's form, {@code group:artifact:version}. */
    public static boolean is(String text) {
      return COORDINATE.matcher(text).matches();
    }

    /** Reads {@code group:artifact:version}. */
    public static Coordinate of(String text) {
      Matcher parts = COORDINATE.matcher(text);
      if (!parts.matches()) {
        throw new IllegalArgumentException(text + " (expected: group:artifact:version)");
      }
      return new Coordinate(parts.group(1), parts.group(2), parts.group(3));
    }

    /** The jar's own name. */
    String jar() {
      return artifact + "-" + version + ".jar";
    }

    /** Where the jar lies in a repository. */
    String path() {
      return String.join("/", group.replace('.', '/'), artifact, version, jar());
    }

    @Override
    public String toString() {
      return String.join(":", group, artifact, version);
    }
  }

  /**
   * Brings a jar.
   *
   * @param target where to; what an earlier try left beside it is used
   * @throws PullException NOT_FOUND, NO_CHECKSUM, CHECKSUM, TOO_LONG, or as {@link #fetch}
   */
  void bring(Coordinate coordinate, Path target, PullProgress progress)
      throws IOException, InterruptedException {
    if (!fetch(coordinate.path(), target, progress)) {
      throw new PullException(
          "NOT_FOUND", "the Maven repository has no " + coordinate + "; see --maven");
    }
  }

  @Override
  String kind() {
    return "Maven repository";
  }

  @Override
  String addressMend() {
    return "--maven, BALLAST_MAVEN";
  }

  @Override
  String accessMend() {
    return "have Maven fetch it, and pull the jar from its local repository";
  }

  @Override
  String path(String file) {
    return encodedPath(file);
  }

  @Override
  void verify(String file, String etag, Path came, PullProgress progress)
      throws IOException, InterruptedException {
    for (List<String> kind : CHECKSUMS) {
      Optional<byte[]> sum = small(file + "." + kind.getFirst(), CHECKSUM_BYTES);
      if (sum.isPresent()) {
        // some write the file's name behind it
        String text = new String(sum.get(), StandardCharsets.UTF_8);
        String promised = text.strip().split("\\s", 2)[0].toLowerCase(Locale.ROOT);
        String found = digest(kind.getLast(), came, "");
        if (!found.equals(promised)) {
          Files.delete(came);
          throw new PullException(
              "CHECKSUM",
              "%s: %s %s, the repository promised %s; it was thrown away"
                  .formatted(file, kind.getLast(), found, promised));
        }
        return;
      }
    }
    throw new PullException(
        "NO_CHECKSUM", file + ": the repository tells no checksum of it, so that it is not taken");
  }
}
