package io.ballast.reward.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.text.CallerJson;
import io.ballast.kit.digest.Sha256;
import io.ballast.reward.component.ComponentKind;
import io.ballast.reward.component.CompositeFlaw;
import io.ballast.reward.component.Recipe;
import io.ballast.reward.component.RecipeReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes versions of composites: the file is checked whole, what its learned components stand on is
 * pinned by checksum, and the folder appears at once or not at all.
 */
public final class CompositePublisher {
  private static final String SHA256 = "weights_sha256";

  private final List<Path> roots;

  /**
   * @param roots model folders; the first is written to
   */
  public CompositePublisher(List<Path> roots) {
    this.roots = List.copyOf(roots);
  }

  /**
   * A composite that is there now.
   *
   * @param sha256 what it is pinned by
   */
  public record Published(StoredModel folder, Recipe recipe, String sha256) {}

  /**
   * Publishes {@code json}. Where a learned component lacks its checksum, it is that of the folder
   * here; where it has one, the folder here must have the same.
   *
   * @param notes kept in the manifest
   * @throws CompositeFlaw naming what is wrong by its JSON path
   * @throws java.nio.file.FileAlreadyExistsException if the version is there: versions do not
   *     change
   */
  public Published publish(String name, String version, String json, Map<String, String> notes)
      throws IOException {
    String pinned = pinned(json);
    Recipe recipe = RecipeReader.read(pinned);
    StoredModel folder =
        new ModelStore(roots.getFirst())
            .publish(
                name,
                version,
                into -> Files.writeString(into.resolve(CompositeFolders.FILE), pinned),
                notes);
    return new Published(folder, recipe, Sha256.of(folder.folder().resolve(CompositeFolders.FILE)));
  }

  private String pinned(String json) {
    JsonNode root;
    try {
      root = CallerJson.read(json);
    } catch (IllegalArgumentException e) {
      throw new CompositeFlaw("$", String.valueOf(e.getMessage()));
    }
    root.path("components")
        .properties()
        .forEach(
            property -> {
              if (property.getValue() instanceof ObjectNode component
                  && component.path("kind").asText().equals(ComponentKind.LEARNED.word())) {
                pin(component, "$.components." + property.getKey());
              }
            });
    return root.toPrettyString() + "\n";
  }

  private void pin(ObjectNode component, String path) {
    String model = component.path("model").asText();
    String version = component.path("version").asText();
    Optional<String> here = weights(model, version, path);
    if (!component.has(SHA256)) {
      component.put(
          SHA256,
          here.orElseThrow(
              () ->
                  new CompositeFlaw(
                      path + "." + SHA256,
                      "absent, and there is no ensemble '%s/%s' in the model folders here to take it from"
                          .formatted(model, version))));
    } else if (here.isPresent() && !here.get().equals(component.path(SHA256).asText())) {
      throw new CompositeFlaw(
          path + "." + SHA256,
          "\"%s\" (expected: that of %s/%s here, \"%s\")"
              .formatted(component.path(SHA256).asText(), model, version, here.get()));
    }
  }

  private Optional<String> weights(String model, String version, String path) {
    Optional<StoredModel> folder;
    try {
      folder = ModelStore.find(roots, model, version);
    } catch (IllegalArgumentException e) {
      throw new CompositeFlaw(path + ".model", "'%s/%s': no name".formatted(model, version));
    }
    if (folder.isPresent()
        && Files.isRegularFile(folder.get().folder().resolve(CompositeFolders.FILE))) {
      throw new CompositeFlaw(
          path + ".model",
          "'%s/%s' is a composite, and composites do not nest (expected: an ensemble)"
              .formatted(model, version));
    }
    return folder.flatMap(CompositePublisher::weights);
  }

  /**
   * What the server that has this folder calls its weights: of brought classifiers, all it says.
   */
  private static Optional<String> weights(StoredModel folder) {
    Optional<ModelManifest> files = ModelManifest.read(folder.folder());
    return BroughtManifest.isIn(folder.folder())
        ? files.map(ModelManifest::contentSha256)
        : files.flatMap(ModelManifest::weightsSha256);
  }
}
