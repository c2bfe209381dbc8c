package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.digest.Sha256;
import io.ballast.reward.component.Composite;
import io.ballast.reward.component.CompositeFlaw;
import io.ballast.reward.component.LearnedComponent;
import io.ballast.reward.testing.Composites;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is published is whole, pinned, and served as it was written. */
class CompositePublisherTest {
  private static final String TASTE = "'kind': 'learned', 'model': 'taste', 'version': '3'";

  @TempDir Path root;
  @TempDir Path shipped;

  private String weights = "";

  @BeforeEach
  void anEnsembleIsThere() throws IOException {
    new ModelStore(shipped)
        .publish(
            "taste",
            "3",
            folder -> Files.writeString(folder.resolve(ModelManifest.WEIGHTS), "w"),
            Map.of());
    weights = Sha256.of(shipped.resolve("taste/3").resolve(ModelManifest.WEIGHTS));
  }

  @Test
  void aChecksumThatIsAbsentIsThatOfTheFolder() throws IOException {
    CompositePublisher.Published published = publish("{'taste': {" + TASTE + "}}");

    Composite found = new CompositeFolders(List.of(root, shipped)).look().getFirst();
    assertThat(found.id().model()).isEqualTo("mix");
    assertThat(found.id().weightsSha256()).isEqualTo(published.sha256());
    assertThat(found.recipe().component("taste"))
        .isInstanceOfSatisfying(
            LearnedComponent.class,
            learned -> assertThat(learned.ensemble().weightsSha256()).isEqualTo(weights));
    assertThatThrownBy(() -> publish("{'taste': {" + TASTE + "}}"))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void anEnsembleOfBroughtClassifiersIsPinnedByAllThatItSays() throws IOException {
    Path brought =
        new ModelStore(shipped)
            .publish(
                "taste",
                "5",
                folder -> Files.writeString(folder.resolve(BroughtManifest.FILE), "{}"),
                Map.of())
            .folder();

    publish("{'taste': {" + TASTE.replace("3", "5") + "}}");

    assertThat(
            new CompositeFolders(List.of(root, shipped))
                .look()
                .getFirst()
                .recipe()
                .component("taste"))
        .isInstanceOfSatisfying(
            LearnedComponent.class,
            learned ->
                assertThat(learned.ensemble().weightsSha256())
                    .isEqualTo(ModelManifest.read(brought).orElseThrow().contentSha256()));
  }

  @Test
  void oneThatIsAnotherOrCannotBeKnownIsRefusedAndNothingAppears() {
    assertThatThrownBy(
            () -> publish("{'taste': {" + TASTE + ", 'weights_sha256': '" + "0".repeat(64) + "'}}"))
        .isInstanceOf(CompositeFlaw.class)
        .hasMessageStartingWith("$.components.taste.weights_sha256: \"0000")
        .hasMessageContaining("(expected: that of taste/3 here, \"" + weights);
    assertThatThrownBy(() -> publish("{'taste': {" + TASTE.replace("3", "4") + "}}"))
        .hasMessage(
            "$.components.taste.weights_sha256: absent, and there is no ensemble 'taste/4' in the model"
                + " folders here to take it from");
    assertThatThrownBy(() -> publish("{'taste': {" + TASTE.replace("'3'", "'../3'") + "}}"))
        .hasMessage("$.components.taste.model: 'taste/../3': no name");
    assertThatThrownBy(() -> publish("{'taste': {" + TASTE + ", 'agregation': 'mean'}}"))
        .hasMessageStartingWith("$.components.taste.agregation: unknown");
    assertThat(root).isEmptyDirectory();
  }

  @Test
  void aCompositeIsNoComponent() throws IOException {
    publish("{'taste': {" + TASTE + "}}");
    for (String checksum : List.of("", ", 'weights_sha256': '" + "0".repeat(64) + "'")) {
      assertThatThrownBy(
              () ->
                  publish(
                      "{'taste': {'kind': 'learned', 'model': 'mix', 'version': '1'"
                          + checksum
                          + "}}"))
          .isInstanceOf(CompositeFlaw.class)
          .hasMessage(
              "$.components.taste.model: 'mix/1' is a composite, and composites do not nest"
                  + " (expected: an ensemble)");
    }
  }

  private CompositePublisher.Published publish(String components) throws IOException {
    return new CompositePublisher(List.of(root, shipped))
        .publish("mix", "1", Composites.json(components, "'taste'"), Map.of());
  }
}
