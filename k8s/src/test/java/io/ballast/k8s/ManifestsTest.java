package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a schema cannot see of the files: each is listed, and patches find their targets. */
class ManifestsTest extends ManifestsCase {
  static Stream<Manifests> folders() {
    return Stream.concat(everything(), Manifests.components().stream().map(Manifests::component));
  }

  @Test
  void thereAreTheFourServersAndThreeOverlays() {
    assertThat(Manifests.base().ofKind("Deployment"))
        .extracting(Manifests::name)
        .containsExactlyElementsOf(SERVERS);
    assertThat(Manifests.overlays()).containsExactly("cpu", "gpu", "local");
  }

  @Test
  void everyComponentIsChecked() {
    List<String> checked = new ArrayList<>(List.of("../../../components/triton"));
    Manifests.everything()
        .kustomization()
        .path("components")
        .forEach(component -> checked.add(component.asText()));

    assertThat(checked)
        .containsExactlyInAnyOrderElementsOf(
            Manifests.components().stream().map(name -> "../../../components/" + name).toList());
  }

  /** Without it a machine that lacks Go checks nothing, says so and is green. */
  @ParameterizedTest
  @ValueSource(strings = {"run", "long"})
  void noLaneIsGreenWithoutTheSchemas(String lane) throws IOException {
    List<String> lines = Files.readAllLines(Path.of("..", ".ci", lane));

    assertThat(lines).contains("export BALLAST_KUBERNETES=required");
    assertThat(lines.subList(0, lines.indexOf("export BALLAST_KUBERNETES=required")))
        .noneMatch(line -> line.contains("./mesh check"));
  }

  @ParameterizedTest
  @MethodSource("folders")
  void everyFileIsListed(Manifests manifests) throws IOException {
    Set<String> listed = new HashSet<>(Set.of("kustomization.yaml"));
    manifests.kustomization().path("resources").forEach(r -> listed.add(r.asText()));
    for (JsonNode generator : manifests.kustomization().path("configMapGenerator")) {
      generator.path("files").forEach(file -> listed.add(file.asText()));
    }
    try (Stream<Path> files = Files.list(manifests.folder())) {
      assertThat(files.map(file -> file.getFileName().toString())).allMatch(listed::contains);
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void patchesFindWhatTheyChange(Manifests manifests) {
    for (JsonNode patch : manifests.patches()) {
      JsonNode target = patch.has("target") ? patch.path("target") : named(patch);
      List<JsonNode> found =
          manifests.ofKind(target.path("kind").asText()).stream()
              .filter(
                  r ->
                      !target.has("name")
                          || Manifests.name(r).matches(target.path("name").asText()))
              .toList();
      assertThat(found).as("targets of " + patch).isNotEmpty();
      for (JsonNode operation : operations(patch)) {
        String path = operation.path("path").asText();
        boolean add = operation.path("op").asText().equals("add");
        String wanted = add ? path.substring(0, path.lastIndexOf('/')) : path;
        for (JsonNode resource : found) {
          assertThat(resource.at(wanted).isMissingNode())
              .as(manifests.folder() + ": " + Manifests.name(resource) + " has no " + wanted)
              .isFalse();
        }
      }
    }
  }

  /** What a patch that is a part of a resource says of which one. */
  private static ObjectNode named(JsonNode patch) {
    JsonNode part = content(patch);
    return JsonNodeFactory.instance
        .objectNode()
        .put("kind", part.path("kind").asText())
        .put("name", Manifests.name(part));
  }

  private static List<JsonNode> operations(JsonNode patch) {
    List<JsonNode> operations = new ArrayList<>();
    JsonNode content = content(patch);
    if (content.isArray()) {
      content.forEach(operations::add);
    }
    return operations;
  }

  private static JsonNode content(JsonNode patch) {
    try {
      return new YAMLMapper().readTree(patch.path("patch").asText());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatIsScaledHasNoNumberOfItsOwn() {
    Manifests cpu = Manifests.overlay("cpu");
    Set<String> unnumbered = new HashSet<>();
    for (JsonNode patch : cpu.kustomization().path("patches")) {
      for (JsonNode operation : operations(patch)) {
        if (operation.path("op").asText().equals("remove")
            && operation.path("path").asText().equals("/spec/replicas")) {
          unnumbered.add(patch.path("target").path("name").asText());
        }
      }
    }
    assertThat(cpu.ofKind("HorizontalPodAutoscaler"))
        .extracting(scaler -> scaler.path("spec").path("scaleTargetRef").path("name").asText())
        .containsExactlyInAnyOrderElementsOf(unnumbered);
  }
}
