package io.ballast.standalone.demo.position;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.workshop.corpus.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sources that are missing are fetched; what stands in the way is named. */
class CorpusSourcesTest {
  private static final String POM =
      """
      <execution><id>preference</id><artifactItem><groupId>g</groupId><artifactId>a</artifactId><version>1</version>
        <classifier>sources</classifier></artifactItem></execution>
      <execution><id>heldout</id><artifactItem><groupId>g</groupId><artifactId>b</artifactId><version>2.0</version><classifier>sources</classifier></artifactItem>
      </execution>
      """;

  @TempDir Path checkout;

  @Test
  void theSourcesArePresentOnceEveryArtefactIs() throws IOException {
    writePom();
    CorpusSources sources = new CorpusSources(checkout, Path.of("mvn"));
    assertThat(sources.present()).isFalse();
    touch("heldout/b-2.0-sources.jar");
    assertThat(sources.present()).isFalse();
    touch("preference/a-1-sources.jar");
    assertThat(sources.present()).isTrue();
  }

  @Test
  void theRealPomNamesBothSplits() throws IOException {
    String pom = Files.readString(Path.of("..", "workshop", "corpus-pom.xml"));
    assertThat(CorpusSources.artefacts(pom, Split.HELDOUT))
        .contains("commons-csv-1.12.0-sources.jar")
        .hasSizeGreaterThanOrEqualTo(4);
    assertThat(CorpusSources.artefacts(pom, Split.PREFERENCE))
        .doesNotContainAnyElementsOf(CorpusSources.artefacts(pom, Split.HELDOUT))
        .isNotEmpty();
  }

  @Test
  void anotherFolderThanTheCheckoutIsNamed() {
    assertThatThrownBy(() -> new CorpusSources(checkout, Path.of("mvn")).present())
        .hasMessageContaining("corpus-pom.xml: no such file (run from the folder of the checkout)");
  }

  @Test
  void aMissingMavenIsNamed() throws IOException {
    writePom();
    Path maven = checkout.resolve("no-mvn");
    assertThatThrownBy(() -> new CorpusSources(checkout, maven).fetch())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no-mvn: cannot be run (install Maven");
  }

  @Test
  void aFailingMavenIsQuoted() throws IOException {
    writePom();
    Path maven = checkout.resolve("mvn");
    Files.writeString(maven, "#!/bin/sh\necho '[ERROR] no route to the repository'\nexit 1\n");
    assertThat(maven.toFile().setExecutable(true)).isTrue();
    assertThatThrownBy(() -> new CorpusSources(checkout, maven).fetch())
        .hasMessageContaining("[ERROR] no route to the repository")
        .hasMessageContaining("by hand: mvn -f");
  }

  private void writePom() throws IOException {
    Files.createDirectories(checkout.resolve("workshop"));
    Files.writeString(checkout.resolve("workshop/corpus-pom.xml"), POM);
  }

  private void touch(String jar) throws IOException {
    Path path = checkout.resolve("workshop/target/corpus").resolve(jar);
    Files.createDirectories(path.getParent());
    Files.writeString(path, "");
  }
}
