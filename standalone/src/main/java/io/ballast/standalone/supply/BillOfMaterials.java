package io.ballast.standalone.supply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Reads a bill of materials in CycloneDX's JSON. */
public final class BillOfMaterials {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String OURS = "io.ballast";

  private BillOfMaterials() {}

  /**
   * Returns the libraries of others, by name.
   *
   * @throws IOException if the file cannot be read, or is no bill of materials
   */
  public static List<Library> read(Path file) throws IOException {
    JsonNode bom = JSON.readTree(file.toFile());
    if (!bom.path("bomFormat").asText().equals("CycloneDX") || !bom.path("components").isArray()) {
      throw new IOException(file + ": not a bill of materials of CycloneDX");
    }
    List<Library> libraries = new ArrayList<>();
    for (JsonNode component : bom.path("components")) {
      String group = component.path("group").asText();
      if (!group.equals(OURS)) {
        libraries.add(
            new Library(
                group + ":" + component.path("name").asText(),
                component.path("version").asText(),
                licences(component)));
      }
    }
    libraries.sort(Comparator.comparing(Library::name).thenComparing(Library::version));
    return libraries;
  }

  private static List<String> licences(JsonNode component) {
    List<String> licences = new ArrayList<>();
    for (JsonNode choice : component.path("licenses")) {
      Stream.of(
              choice.path("license").path("id"),
              choice.path("license").path("name"),
              choice.path("expression"))
          .map(JsonNode::asText)
          .filter(text -> !text.isEmpty())
          .findFirst()
          .ifPresent(licences::add);
    }
    return licences;
  }
}
