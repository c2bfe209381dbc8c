package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.RpcAccess;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whoever asks for a server finds it at the address that it has, and asks for what it may. */
class RoutesTest extends ManifestsCase {
  /** Of applications and trainers, too, and no way in from outside: README.md says why. */
  private static final Set<String> KEPT_INSIDE =
      Set.of(
          "ballast.orchestrator.v1.RunService",
          "ballast.policy.v1.VersionService",
          "ballast.reward.v1.RewardTrainingService",
          "grpc.reflection.v1.ServerReflection",
          "inference.GRPCInferenceService");

  @ParameterizedTest
  @MethodSource("everything")
  void peersAreAskedAtTheAddressesOfTheirPods(Manifests manifests) {
    Set<String> asked = new HashSet<>();
    manifests
        .configuration()
        .forEach(
            (name, value) -> {
              if (name.startsWith("BALLAST_PEERS_")) {
                String[] address = value.split(":", 2);
                JsonNode service = manifests.named("Service", address[0]).getFirst();
                assertThat(service.path("spec").path("clusterIP").asText()).isEqualTo("None");
                JsonNode pods =
                    selected(manifests, service.path("spec").path("selector")).getFirst();
                assertThat(Manifests.pod(pods).at("/containers/0/ports/0/containerPort").asText())
                    .as(name)
                    .isEqualTo(address[1]);
                asked.add(Manifests.name(pods));
              }
            });
    assertThat(asked).containsExactlyInAnyOrderElementsOf(SERVERS);
  }

  /** One that is not named gets no work. */
  @Test
  void everyTritonIsNamedToTheServersThatAskIt() {
    Manifests triton = Manifests.component("triton");
    JsonNode set = triton.named("StatefulSet", "triton").getFirst();
    String pods = set.path("spec").path("serviceName").asText();
    List<String> ports = new ArrayList<>();
    for (JsonNode port : triton.named("Service", pods).getFirst().at("/spec/ports")) {
      if (port.path("name").asText().equals("grpc")) {
        ports.add(port.path("port").asText());
      }
    }
    assertThat(ports).hasSize(1);
    List<String> targets = new ArrayList<>();
    for (int i = 0; i < set.path("spec").path("replicas").asInt(); i++) {
      targets.add("triton-%d.%s:%s".formatted(i, pods, ports.getFirst()));
    }

    for (String server : List.of("REWARD", "SAFETY")) {
      String named =
          triton.configuration().getOrDefault("BALLAST_%s_TRITON_TARGETS".formatted(server), "");
      assertThat(named.split(",")).as(server).containsExactlyElementsOf(targets);
    }
  }

  /** By annotations where no operator is, by monitors where one is: at one port and path. */
  @Test
  void prometheusReadsTheSamePodsWithItsOperatorAndWithout() {
    Manifests everything = Manifests.everything();
    Set<String> read = new TreeSet<>();
    for (JsonNode workload : everything.workloads()) {
      Map<String, String> annotations =
          Manifests.texts(workload.at("/spec/template/metadata/annotations"));
      if (annotations.getOrDefault("prometheus.io/scrape", "").equals("true")) {
        JsonNode endpoint = scraped(everything, workload);
        assertThat(endpoint.path("path").asText())
            .as(Manifests.name(workload))
            .isEqualTo(annotations.get("prometheus.io/path"));
        assertThat(containerPort(workload, endpoint.path("port").asText()))
            .as(Manifests.name(workload))
            .isEqualTo(annotations.get("prometheus.io/port"));
        read.add(Manifests.name(workload));
      }
    }
    assertThat(read).containsAll(SERVERS).contains("triton", "triton-llm", "vllm");
    assertThat(everything.ofKind("Cluster"))
        .extracting(Manifests::name)
        .containsExactly(
            everything
                .named("PodMonitor", "postgres")
                .getFirst()
                .at("/spec/selector/matchLabels")
                .path("cnpg.io/cluster")
                .asText());
  }

  /** Where the one monitor reads a workload's pods. */
  private static JsonNode scraped(Manifests manifests, JsonNode workload) {
    List<JsonNode> endpoints = new ArrayList<>();
    for (JsonNode monitor : manifests.ofKind("PodMonitor")) {
      Map<String, String> wanted = Manifests.texts(monitor.at("/spec/selector/matchLabels"));
      if (Manifests.podLabels(workload).entrySet().containsAll(wanted.entrySet())) {
        monitor.at("/spec/podMetricsEndpoints").forEach(endpoints::add);
      }
    }
    for (JsonNode monitor : manifests.ofKind("ServiceMonitor")) {
      for (JsonNode name : monitor.at("/spec/selector/matchExpressions/0/values")) {
        if (name.asText().equals(Manifests.name(workload))) {
          monitor.at("/spec/endpoints").forEach(endpoints::add);
        }
      }
    }
    assertThat(endpoints).as("who reads " + Manifests.name(workload)).hasSize(1);
    return endpoints.getFirst();
  }

  private static String containerPort(JsonNode workload, String name) {
    for (JsonNode port : Manifests.pod(workload).at("/containers/0/ports")) {
      if (port.path("name").asText().equals(name)) {
        return port.path("containerPort").asText();
      }
    }
    return "none is called " + name;
  }

  @Test
  void theCertificateHasTheNameOfEveryAddress() {
    Manifests everything = Manifests.everything();
    Set<String> names = new HashSet<>();
    everything
        .named("Certificate", "ballast")
        .getFirst()
        .at("/spec/dnsNames")
        .forEach(name -> names.add(name.asText()));

    everything
        .configuration()
        .forEach(
            (name, value) -> {
              if (name.startsWith("BALLAST_PEERS_")) {
                assertThat(names).as(name).contains(value.split(":", 2)[0]);
              }
            });
    assertThat(names).containsAll(SERVERS);
  }

  @Test
  void routesLeadToWhatApplicationsAndTrainersMayCallAndToNothingElse() {
    Map<String, Set<String>> routes = new TreeMap<>();
    Manifests everything = Manifests.everything();
    for (JsonNode route : everything.ofKind("GRPCRoute")) {
      Set<String> methods = new TreeSet<>();
      for (JsonNode rule : route.path("spec").path("rules")) {
        for (JsonNode match : rule.path("matches")) {
          assertThat(match.at("/method/type").asText("Exact")).isEqualTo("Exact");
          methods.add(
              match.at("/method/service").asText() + "/" + match.at("/method/method").asText());
        }
        for (JsonNode backend : rule.path("backendRefs")) {
          assertThat(
                  everything
                      .named("Service", backend.path("name").asText())
                      .getFirst()
                      .at("/spec/ports/0/port"))
              .isEqualTo(backend.path("port"));
        }
      }
      routes.put(Manifests.name(route), methods);
    }
    assertThat(routes)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "policy-server",
                callable(
                    Set.of(Right.APPLICATION, Right.TRAINER),
                    PolicyServiceGrpc.SERVICE_NAME,
                    FeedbackServiceGrpc.SERVICE_NAME),
                "reward-server",
                callable(Set.of(Right.APPLICATION, Right.TRAINER), RewardServiceGrpc.SERVICE_NAME),
                "safety-server",
                callable(
                    Set.of(Right.APPLICATION),
                    SafetyServiceGrpc.SERVICE_NAME,
                    DisplayGateServiceGrpc.SERVICE_NAME),
                "orchestrator",
                callable(Set.of(Right.TRAINER), LearnerServiceGrpc.SERVICE_NAME)));
    assertThat(routes.getOrDefault("safety-server", Set.of()))
        .contains("ballast.safety.v1.SafetyService/Cost")
        .noneMatch(method -> method.matches(".*/(Revoke|Redeem)Certificate|.*/StartSafetyTest"));
    assertThat(routes.getOrDefault("policy-server", Set.of()))
        .contains("ballast.policy.v1.PolicyService/Suggest")
        .noneMatch(method -> method.endsWith("/DeleteUserData"));
  }

  /** Nothing that they may call is left out of the manifests without a word. */
  @Test
  void everyServiceOfApplicationsAndTrainersIsRoutedOrKeptInsideForAReason() throws IOException {
    Set<String> routed = new TreeSet<>();
    for (JsonNode route : Manifests.everything().ofKind("GRPCRoute")) {
      route
          .path("spec")
          .path("rules")
          .findValues("method")
          .forEach(method -> routed.add(method.path("service").asText()));
    }
    Set<String> theirs = new TreeSet<>();
    RpcAccess.rows()
        .forEach(
            (method, leading) -> {
              if (leading.contains(Right.APPLICATION) || leading.contains(Right.TRAINER)) {
                theirs.add(method.substring(0, method.indexOf('/')));
              }
            });

    Set<String> all = new TreeSet<>(KEPT_INSIDE);
    all.addAll(routed);
    assertThat(all).isEqualTo(theirs);
    assertThat(routed).doesNotContainAnyElementsOf(KEPT_INSIDE);
    String readme = Files.readString(Path.of("README.md"));
    String fromOutside =
        readme.substring(
            readme.indexOf("\n## From outside\n"), readme.indexOf("\n## Argo Rollouts"));
    assertThat(KEPT_INSIDE)
        .allSatisfy(
            service ->
                assertThat(fromOutside).contains(service.substring(service.lastIndexOf('.') + 1)));
  }

  /** The RPCs of some services that lead to one of {@code rights}. */
  private static Set<String> callable(Set<Right> rights, String... services) {
    Set<String> methods = new TreeSet<>();
    RpcAccess.rows()
        .forEach(
            (method, leading) -> {
              boolean ofThese = Stream.of(services).anyMatch(s -> method.startsWith(s + "/"));
              if (ofThese && leading.stream().anyMatch(rights::contains)) {
                methods.add(method);
              }
            });
    return methods;
  }

  @Test
  void whatIsOpenToTheOutsideAsksCallersWhoTheyAre() {
    assertThat(Manifests.base().configuration()).containsEntry("BALLAST_SECURITY_OPEN", "true");
    assertThat(Manifests.component("gateway").configuration())
        .containsEntry("BALLAST_SECURITY_OPEN", "false");
    assertThat(Manifests.everything().configuration())
        .containsEntry("BALLAST_SECURITY_OPEN", "false");
  }

  @Test
  void gatesAskTheSafetyServerAtAPortThatItHas() throws IOException {
    Pattern address = Pattern.compile("http://([a-z-]+)\\.ballast:(\\d+)(/hooks/[a-z/]+)");
    Set<String> asked = new TreeSet<>();
    try (Stream<Path> files = Files.list(Path.of("gates"))) {
      for (Path file : files.toList()) {
        address.matcher(Files.readString(file)).results().forEach(r -> asked.add(r.group()));
      }
    }
    assertThat(asked)
        .containsExactly(
            "http://safety-server.ballast:9180/hooks/argo",
            "http://safety-server.ballast:9180/hooks/flagger/confirm",
            "http://safety-server.ballast:9180/hooks/flagger/rollback");
    assertThat(
            Manifests.base()
                .named("Service", "safety-server")
                .getFirst()
                .at("/spec/ports")
                .findValuesAsText("port"))
        .contains("9180");
  }

  @Test
  void theTokenOfAGateIsTheMeshsAndAMeshWithoutOneNeedsNoSecret() {
    ObjectNode shown = gate("argo-rollouts.yaml");
    ObjectNode open = gate("argo-rollouts-open.yaml");
    JsonNode server = Manifests.base().named("Deployment", "safety-server").getFirst();
    ObjectNode ofServers =
        Manifests.pod(server).at("/containers/0/env").findParents("secretKeyRef").stream()
            .map(source -> (ObjectNode) source.path("secretKeyRef").deepCopy())
            .filter(key -> key.path("name").asText().equals("ballast-token"))
            .findFirst()
            .orElseThrow();
    assertThat(ofServers.remove("optional").asBoolean()).isTrue();

    assertThat(shown.at("/spec/args/3/valueFrom/secretKeyRef")).isEqualTo(ofServers);
    assertThat(open.findValue("secretKeyRef")).isNull();
    assertThat(open.toString()).doesNotContain("token");

    // but for the token and the name they are the same
    ((ArrayNode) shown.at("/spec/args")).remove(3);
    ((ObjectNode) shown.at("/spec/metrics/0/provider/web")).remove("headers");
    ((ObjectNode) shown.path("metadata")).put("name", "ballast-safety-open");
    assertThat(open).isEqualTo(shown);
  }

  private static ObjectNode gate(String file) {
    return (ObjectNode) Manifests.documents(Path.of("gates", file)).getFirst();
  }
}
