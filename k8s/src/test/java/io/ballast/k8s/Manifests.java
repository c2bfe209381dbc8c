package io.ballast.k8s;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * One kustomization as it is written, not rendered: its own file and the resources that it lists,
 * those of other kustomizations and of its components included.
 */
final class Manifests {
  private static final YAMLMapper YAML = new YAMLMapper();

  private final Path folder;
  private final JsonNode kustomization;
  private final List<JsonNode> resources = new ArrayList<>();
  private final List<JsonNode> patches = new ArrayList<>();
  private final Map<String, String> configuration = new LinkedHashMap<>();

  private Manifests(Path folder) {
    this.folder = folder;
    this.kustomization = documents(folder.resolve("kustomization.yaml")).getFirst();
    for (JsonNode entry : kustomization.path("resources")) {
      Path path = folder.resolve(entry.asText()).normalize();
      if (Files.isDirectory(path)) {
        add(new Manifests(path));
      } else {
        resources.addAll(documents(path));
      }
    }
    for (JsonNode component : kustomization.path("components")) {
      add(new Manifests(folder.resolve(component.asText()).normalize()));
    }
    kustomization.path("patches").forEach(patches::add);
    for (JsonNode generator : kustomization.path("configMapGenerator")) {
      for (JsonNode literal : generator.path("literals")) {
        String[] parts = literal.asText().split("=", 2);
        configuration.put(parts[0], parts[1]);
      }
    }
  }

  private void add(Manifests other) {
    resources.addAll(other.resources);
    patches.addAll(other.patches);
    configuration.putAll(other.configuration);
  }

  static Manifests base() {
    return new Manifests(Path.of("base"));
  }

  static Manifests overlay(String name) {
    return new Manifests(Path.of("overlays", name));
  }

  static Manifests component(String name) {
    return new Manifests(Path.of("components", name));
  }

  /** All that there is, at once. */
  static Manifests everything() {
    return composition("everything");
  }

  static Manifests composition(String name) {
    return new Manifests(Path.of("checks", "compositions", name));
  }

  static List<String> compositions() {
    return folders("checks/compositions");
  }

  static List<String> overlays() {
    return folders("overlays");
  }

  static List<String> components() {
    return folders("components");
  }

  private static List<String> folders(String parent) {
    try (Stream<Path> folders = Files.list(Path.of(parent))) {
      return folders.map(path -> path.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<JsonNode> documents(Path file) {
    try (MappingIterator<JsonNode> documents =
        YAML.readerFor(JsonNode.class).readValues(file.toFile())) {
      return documents.readAll();
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e.getMessage(), e);
    }
  }

  Path folder() {
    return folder;
  }

  JsonNode kustomization() {
    return kustomization;
  }

  List<JsonNode> resources() {
    return resources;
  }

  List<JsonNode> ofKind(String kind) {
    return resources.stream().filter(r -> r.path("kind").asText().equals(kind)).toList();
  }

  List<JsonNode> named(String kind, String name) {
    return ofKind(kind).stream().filter(r -> name(r).equals(name)).toList();
  }

  /** Deployments and stateful sets. */
  List<JsonNode> workloads() {
    return Stream.of("Deployment", "StatefulSet").flatMap(kind -> ofKind(kind).stream()).toList();
  }

  /** The literals of the generated configuration, by name. */
  Map<String, String> configuration() {
    return configuration;
  }

  /**
   * Patches of the kustomization and of those that it is made of, in the order of their working.
   */
  List<JsonNode> patches() {
    return patches;
  }

  static String name(JsonNode resource) {
    return resource.path("metadata").path("name").asText();
  }

  static JsonNode pod(JsonNode workload) {
    return workload.path("spec").path("template").path("spec");
  }

  static Map<String, String> podLabels(JsonNode workload) {
    return texts(workload.path("spec").path("template").path("metadata").path("labels"));
  }

  static Map<String, String> texts(JsonNode object) {
    Map<String, String> texts = new LinkedHashMap<>();
    object.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
    return texts;
  }
}
