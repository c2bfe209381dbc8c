package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Network policies let each server be called by those that call it, and by nobody else. */
class ArrowsTest extends ManifestsCase {
  /** What those carry that call and are no server. */
  private static final List<String> CALLER_LABELS =
      List.of("ballast.io/client", "ballast.io/http-client", "ballast.io/scraper");

  private static final Path PAGE = Path.of("..", "docs", "architecture.md");

  /** A row of the page's table of who calls whom. */
  private static final Pattern ROW =
      Pattern.compile("\\| `(?<caller>[a-z-]+)` \\| `(?<called>[a-z-]+)` \\|.*");

  /** What Kubernetes says of the mesh's namespace by itself. */
  private static final Map<String, String> OWN_NAMESPACE =
      Map.of("kubernetes.io/metadata.name", "ballast");

  @ParameterizedTest
  @MethodSource("everything")
  void everyArrowHasTwoEnds(Manifests manifests) {
    List<Caller> callers = new ArrayList<>();
    for (JsonNode workload : manifests.workloads()) {
      callers.add(Caller.within(Manifests.name(workload), Manifests.podLabels(workload)));
    }
    for (String label : CALLER_LABELS) {
      callers.add(Caller.within(label, Map.of(label, "true")));
    }
    Set<String> admitted = admitted(manifests, callers);
    Set<String> allowed = allowed(manifests, callers);

    assertThat(admitted).contains("policy-server → reward-server grpc");
    assertThat(admitted)
        .filteredOn(arrow -> arrow.startsWith("ballast.io/client "))
        .containsExactlyInAnyOrderElementsOf(
            SERVERS.stream().map("ballast.io/client → %s grpc"::formatted).toList());
    assertThat(admitted)
        .filteredOn(arrow -> arrow.startsWith("ballast.io/http-client "))
        .containsExactly("ballast.io/http-client → reward-server http");
    assertThat(admitted)
        .containsAll(SERVERS.stream().map("ballast.io/scraper → %s http"::formatted).toList());
    assertThat(allowed).containsExactlyInAnyOrderElementsOf(admitted);
  }

  /** One too many has two ends as well, if somebody writes both. */
  @ParameterizedTest
  @MethodSource("everything")
  void serversCallEachOtherAsTheArchitectureSays(Manifests manifests) throws IOException {
    List<String> documented = new ArrayList<>();
    for (String line : Files.readAllLines(PAGE)) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        documented.add("%s → %s grpc".formatted(row.group("caller"), row.group("called")));
      }
    }
    List<Caller> servers = new ArrayList<>();
    for (String server : SERVERS) {
      JsonNode workload = manifests.named("Deployment", server).getFirst();
      servers.add(Caller.within(server, Manifests.podLabels(workload)));
    }

    assertThat(admitted(manifests, servers))
        .filteredOn(arrow -> SERVERS.stream().anyMatch(to -> arrow.contains(" → " + to + " ")))
        .isNotEmpty()
        .containsExactlyInAnyOrderElementsOf(documented);
  }

  @Test
  void whatRunsModelsIsAskedByThoseWhoseModelsTheyAreAlone() {
    Manifests everything = Manifests.everything();
    List<Caller> callers = new ArrayList<>();
    for (JsonNode workload : everything.workloads()) {
      callers.add(Caller.within(Manifests.name(workload), Manifests.podLabels(workload)));
    }
    for (String label : CALLER_LABELS) {
      callers.add(Caller.within(label, Map.of(label, "true")));
    }

    assertThat(admitted(everything, callers))
        .filteredOn(arrow -> arrow.matches(".* → (triton|triton-llm|vllm) .*"))
        .containsExactlyInAnyOrder(
            "reward-server → triton grpc",
            "safety-server → triton grpc",
            "ballast.io/scraper → triton metrics",
            "policy-server → triton-llm grpc",
            "ballast.io/scraper → triton-llm metrics",
            "policy-server → vllm http",
            "ballast.io/scraper → vllm http");
  }

  @ParameterizedTest
  @MethodSource("everything")
  void callersOfOtherNamespacesAreLetInWhereThoseCarryTheLabelToo(Manifests manifests) {
    for (String label : List.of("ballast.io/client", "ballast.io/http-client")) {
      Map<String, String> labels = Map.of(label, "true");
      Caller known = new Caller("known", labels, Optional.of(labels));
      Caller labelledItself = new Caller("labelled itself", labels, Optional.of(Map.of()));
      Caller neighbour = new Caller("neighbour", Map.of(), Optional.of(labels));

      assertThat(admitted(manifests, List.of(known, labelledItself, neighbour)))
          .as(label)
          .containsExactlyInAnyOrderElementsOf(
              label.equals("ballast.io/client")
                  ? SERVERS.stream().map("known → %s grpc"::formatted).toList()
                  : List.of("known → reward-server http"));
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void scrapersOfOtherNamespacesAreKnownByTheirNamespace(Manifests manifests) {
    Map<String, String> labels = Map.of("ballast.io/scraper", "true");
    Caller prometheus = new Caller("prometheus", Map.of(), Optional.of(labels));
    Caller stranger = new Caller("stranger", labels, Optional.of(Map.of()));

    assertThat(admitted(manifests, List.of(prometheus, stranger)))
        .containsAll(SERVERS.stream().map("prometheus → %s http"::formatted).toList())
        .allMatch(arrow -> arrow.startsWith("prometheus "));
  }

  /**
   * A pod that calls.
   *
   * @param namespace the labels of the namespace that it is in; empty: that of the mesh
   */
  private record Caller(
      String name, Map<String, String> labels, Optional<Map<String, String>> namespace) {
    static Caller within(String name, Map<String, String> labels) {
      return new Caller(name, labels, Optional.empty());
    }

    /** Whether an entry of {@code from} or {@code to} is about it, as Kubernetes reads both. */
    boolean isMeantBy(JsonNode peer) {
      JsonNode namespaces = peer.path("namespaceSelector");
      boolean there =
          namespaces.isMissingNode()
              ? namespace.isEmpty()
              : matches(namespaces, namespace.orElse(OWN_NAMESPACE));
      return there && (!peer.has("podSelector") || matches(peer.path("podSelector"), labels));
    }
  }

  /** Who may call which workload at which port, as policies of those that are called say it. */
  private static Set<String> admitted(Manifests manifests, List<Caller> callers) {
    Set<String> arrows = new TreeSet<>();
    for (JsonNode policy : manifests.ofKind("NetworkPolicy")) {
      for (JsonNode workload : selectedBy(manifests, policy.path("spec").path("podSelector"))) {
        for (JsonNode rule : policy.path("spec").path("ingress")) {
          for (JsonNode peer : rule.path("from")) {
            callers.stream()
                .filter(caller -> caller.isMeantBy(peer))
                .forEach(caller -> arrows.addAll(arrows(caller, workload, rule)));
          }
        }
      }
    }
    return arrows;
  }

  /** Whom callers in the mesh's namespace may call at which port, as policies of theirs say it. */
  private static Set<String> allowed(Manifests manifests, List<Caller> callers) {
    Set<String> arrows = new TreeSet<>();
    for (JsonNode policy : manifests.ofKind("NetworkPolicy")) {
      for (Caller caller : callers) {
        if (matches(policy.path("spec").path("podSelector"), caller.labels())) {
          for (JsonNode rule : policy.path("spec").path("egress")) {
            for (JsonNode peer : rule.path("to")) {
              manifests.workloads().stream()
                  .filter(
                      workload ->
                          Caller.within(Manifests.name(workload), Manifests.podLabels(workload))
                              .isMeantBy(peer))
                  .forEach(workload -> arrows.addAll(arrows(caller, workload, rule)));
            }
          }
        }
      }
    }
    return arrows;
  }

  private static Set<String> arrows(Caller caller, JsonNode called, JsonNode rule) {
    Set<String> arrows = new TreeSet<>();
    for (JsonNode port : rule.path("ports")) {
      assertThat(portNames(called)).contains(port.path("port").asText());
      arrows.add(
          "%s → %s %s"
              .formatted(caller.name(), Manifests.name(called), port.path("port").asText()));
    }
    return arrows;
  }

  /** Whether a selector finds what has these labels; an empty one finds all. */
  private static boolean matches(JsonNode selector, Map<String, String> labels) {
    Map<String, String> wanted = Manifests.texts(selector.path("matchLabels"));
    if (!labels.entrySet().containsAll(wanted.entrySet())) {
      return false;
    }
    for (JsonNode expression : selector.path("matchExpressions")) {
      assertThat(expression.path("operator").asText()).isEqualTo("In");
      String own = labels.get(expression.path("key").asText());
      boolean found = false;
      for (JsonNode value : expression.path("values")) {
        found |= value.asText().equals(own);
      }
      if (!found) {
        return false;
      }
    }
    return true;
  }

  private static List<JsonNode> selectedBy(Manifests manifests, JsonNode selector) {
    return manifests.workloads().stream()
        .filter(workload -> matches(selector, Manifests.podLabels(workload)))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("everything")
  void nothingIsReachedThatNoPolicyLetsIn(Manifests manifests) {
    assertThat(manifests.ofKind("NetworkPolicy"))
        .anySatisfy(
            policy -> {
              assertThat(policy.path("spec").path("podSelector").isEmpty()).isTrue();
              assertThat(policy.path("spec").path("ingress").isMissingNode()).isTrue();
              assertThat(policy.path("spec").path("egress").isMissingNode()).isTrue();
              assertThat(policy.path("spec").path("policyTypes"))
                  .extracting(JsonNode::asText)
                  .containsExactly("Ingress", "Egress");
            });
    for (JsonNode workload : manifests.workloads()) {
      assertThat(manifests.named("NetworkPolicy", Manifests.name(workload)))
          .as("policy of " + Manifests.name(workload))
          .hasSize(1);
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void callersOfGrpcReachNoPortOfHttp(Manifests manifests) {
    Set<String> callers = new HashSet<>();
    Set<String> trainers = new HashSet<>();
    for (JsonNode policy : manifests.ofKind("NetworkPolicy")) {
      for (JsonNode rule : policy.path("spec").path("ingress")) {
        for (JsonNode from : rule.path("from")) {
          JsonNode labels = from.path("podSelector").path("matchLabels");
          for (JsonNode port : rule.path("ports")) {
            if (labels.has("ballast.io/client")) {
              callers.add(port.path("port").asText());
            }
            if (labels.has("ballast.io/http-client")) {
              trainers.add(Manifests.name(policy) + " " + port.path("port").asText());
            }
          }
        }
      }
    }
    assertThat(callers).containsExactly("grpc");
    assertThat(trainers).containsExactly("reward-server http");
  }
}
