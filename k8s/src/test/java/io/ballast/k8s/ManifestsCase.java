package io.ballast.k8s;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** What tests of the manifests look through. */
abstract class ManifestsCase {
  static final List<String> SERVERS =
      List.of("policy-server", "reward-server", "safety-server", "orchestrator");

  static Stream<Manifests> everything() {
    return Stream.of(
            Stream.of(Manifests.base()),
            Manifests.compositions().stream().map(Manifests::composition),
            Manifests.overlays().stream().map(Manifests::overlay))
        .flatMap(manifests -> manifests);
  }

  static List<JsonNode> selected(Manifests manifests, JsonNode labels) {
    Map<String, String> wanted = Manifests.texts(labels);
    return wanted.isEmpty()
        ? List.of()
        : manifests.workloads().stream()
            .filter(w -> Manifests.podLabels(w).entrySet().containsAll(wanted.entrySet()))
            .toList();
  }

  static Set<String> portNames(JsonNode workload) {
    Set<String> names = new HashSet<>();
    for (JsonNode container : Manifests.pod(workload).path("containers")) {
      container.path("ports").forEach(port -> names.add(port.path("name").asText()));
    }
    return names;
  }
}
