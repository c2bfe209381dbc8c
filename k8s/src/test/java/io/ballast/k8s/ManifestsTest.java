package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a schema cannot see: that selectors find their pods, names their ports, patches their
 * targets.
 */
class ManifestsTest {
  private static final List<String> SERVERS =
      List.of("policy-server", "reward-server", "safety-server", "orchestrator");

  static Stream<Manifests> everything() {
    return Stream.concat(
        Stream.of(Manifests.base()), Manifests.overlays().stream().map(Manifests::overlay));
  }

  @Test
  void thereAreTheFourServersAndThreeOverlays() {
    assertThat(Manifests.base().ofKind("Deployment"))
        .extracting(Manifests::name)
        .containsExactlyElementsOf(SERVERS);
    assertThat(Manifests.overlays()).containsExactly("cpu", "gpu", "local");
  }

  @ParameterizedTest
  @MethodSource("everything")
  void everyFileIsListed(Manifests manifests) throws IOException {
    Set<String> listed = new HashSet<>(Set.of("kustomization.yaml"));
    manifests.kustomization().path("resources").forEach(r -> listed.add(r.asText()));
    try (Stream<Path> files = Files.list(manifests.folder())) {
      assertThat(files.map(file -> file.getFileName().toString())).allMatch(listed::contains);
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void selectorsFindTheirPods(Manifests manifests) {
    for (JsonNode workload : manifests.workloads()) {
      Map<String, String> selector =
          Manifests.texts(workload.path("spec").path("selector").path("matchLabels"));
      assertThat(selector).as(Manifests.name(workload)).isNotEmpty();
      assertThat(Manifests.podLabels(workload)).containsAllEntriesOf(selector);
    }
    for (JsonNode service : manifests.ofKind("Service")) {
      assertThat(selected(manifests, service.path("spec").path("selector")))
          .as("pods of service " + Manifests.name(service))
          .hasSize(1);
    }
    for (JsonNode budget : manifests.ofKind("PodDisruptionBudget")) {
      assertThat(selected(manifests, budget.path("spec").path("selector").path("matchLabels")))
          .as("pods of the budget " + Manifests.name(budget))
          .hasSize(1);
    }
    for (JsonNode scaler : manifests.ofKind("HorizontalPodAutoscaler")) {
      JsonNode target = scaler.path("spec").path("scaleTargetRef");
      assertThat(manifests.named(target.path("kind").asText(), target.path("name").asText()))
          .as("what " + Manifests.name(scaler) + " scales")
          .hasSize(1);
    }
  }

  private static List<JsonNode> selected(Manifests manifests, JsonNode labels) {
    Map<String, String> wanted = Manifests.texts(labels);
    return wanted.isEmpty()
        ? List.of()
        : manifests.workloads().stream()
            .filter(w -> Manifests.podLabels(w).entrySet().containsAll(wanted.entrySet()))
            .toList();
  }

  @ParameterizedTest
  @MethodSource("everything")
  void portsAreNamedByThosePodsThatHaveThem(Manifests manifests) {
    for (JsonNode workload : manifests.workloads()) {
      Set<String> ports = portNames(workload);
      for (JsonNode container : Manifests.pod(workload).path("containers")) {
        for (String probe : List.of("startupProbe", "readinessProbe", "livenessProbe")) {
          for (String how : List.of("httpGet", "tcpSocket")) {
            JsonNode port = container.path(probe).path(how).path("port");
            if (!port.isMissingNode()) {
              assertThat(ports).as(Manifests.name(workload) + " " + probe).contains(port.asText());
            }
          }
        }
      }
    }
    for (JsonNode service : manifests.ofKind("Service")) {
      JsonNode workload = selected(manifests, service.path("spec").path("selector")).getFirst();
      for (JsonNode port : service.path("spec").path("ports")) {
        assertThat(portNames(workload))
            .as("service " + Manifests.name(service))
            .contains(port.path("targetPort").asText());
      }
    }
    for (JsonNode policy : manifests.ofKind("NetworkPolicy")) {
      List<JsonNode> pods =
          selected(manifests, policy.path("spec").path("podSelector").path("matchLabels"));
      for (JsonNode rule : policy.path("spec").path("ingress")) {
        for (JsonNode port : rule.path("ports")) {
          assertThat(portNames(pods.getFirst()))
              .as("network policy " + Manifests.name(policy))
              .contains(port.path("port").asText());
        }
        for (JsonNode from : rule.path("from")) {
          String name =
              from.path("podSelector").path("matchLabels").path("app.kubernetes.io/name").asText();
          if (!name.isEmpty()) {
            assertThat(manifests.workloads())
                .as("who network policy " + Manifests.name(policy) + " lets in")
                .extracting(Manifests::name)
                .contains(name);
          }
        }
      }
    }
  }

  private static Set<String> portNames(JsonNode workload) {
    Set<String> names = new HashSet<>();
    for (JsonNode container : Manifests.pod(workload).path("containers")) {
      container.path("ports").forEach(port -> names.add(port.path("name").asText()));
    }
    return names;
  }

  @ParameterizedTest
  @MethodSource("everything")
  void nothingIsReachedThatNoPolicyLetsIn(Manifests manifests) {
    assertThat(manifests.ofKind("NetworkPolicy"))
        .anySatisfy(
            policy -> {
              assertThat(policy.path("spec").path("podSelector").isEmpty()).isTrue();
              assertThat(policy.path("spec").path("ingress").isMissingNode()).isTrue();
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

  @ParameterizedTest
  @MethodSource("everything")
  void podsAreRestrictedAndBounded(Manifests manifests) {
    for (JsonNode workload : manifests.workloads()) {
      String name = Manifests.name(workload);
      JsonNode pod = Manifests.pod(workload);
      assertThat(pod.path("securityContext").path("runAsNonRoot").asBoolean()).as(name).isTrue();
      assertThat(pod.path("securityContext").path("seccompProfile").path("type").asText())
          .as(name)
          .isEqualTo("RuntimeDefault");
      assertThat(pod.path("automountServiceAccountToken").asBoolean(true)).as(name).isFalse();
      for (JsonNode container : pod.path("containers")) {
        JsonNode security = container.path("securityContext");
        assertThat(security.path("allowPrivilegeEscalation").asBoolean(true)).as(name).isFalse();
        assertThat(security.path("readOnlyRootFilesystem").asBoolean()).as(name).isTrue();
        assertThat(security.path("capabilities").path("drop").path(0).asText())
            .as(name)
            .isEqualTo("ALL");
        assertThat(container.path("resources").path("requests").has("cpu")).as(name).isTrue();
        assertThat(container.path("resources").path("requests").has("memory")).as(name).isTrue();
        assertThat(container.path("resources").path("limits").has("memory")).as(name).isTrue();
        assertThat(container.has("livenessProbe")).as(name).isTrue();
        assertThat(container.has("readinessProbe")).as(name).isTrue();
        assertThat(mounts(container)).as(name).isSubsetOf(volumes(workload));
      }
    }
  }

  private static Set<String> mounts(JsonNode container) {
    Set<String> names = new HashSet<>();
    container.path("volumeMounts").forEach(mount -> names.add(mount.path("name").asText()));
    return names;
  }

  private static Set<String> volumes(JsonNode workload) {
    Set<String> names = new HashSet<>();
    Manifests.pod(workload).path("volumes").forEach(v -> names.add(v.path("name").asText()));
    workload
        .path("spec")
        .path("volumeClaimTemplates")
        .forEach(claim -> names.add(Manifests.name(claim)));
    return names;
  }

  @ParameterizedTest
  @MethodSource("everything")
  void claimsExist(Manifests manifests) {
    for (JsonNode workload : manifests.workloads()) {
      for (JsonNode volume : Manifests.pod(workload).path("volumes")) {
        JsonNode claim = volume.path("persistentVolumeClaim").path("claimName");
        if (!claim.isMissingNode()) {
          assertThat(manifests.named("PersistentVolumeClaim", claim.asText()))
              .as(Manifests.name(workload) + ": " + claim.asText())
              .hasSize(1);
        }
      }
    }
  }

  @Test
  void aDrainedNodeLeavesOneOfEachThatHasTwo() {
    Manifests base = Manifests.base();
    for (JsonNode server : base.ofKind("Deployment")) {
      int replicas = server.path("spec").path("replicas").asInt();
      List<JsonNode> budget = base.named("PodDisruptionBudget", Manifests.name(server));
      assertThat(budget).as(Manifests.name(server)).hasSize(replicas > 1 ? 1 : 0);
      budget.forEach(
          b -> assertThat(b.path("spec").path("minAvailable").asInt()).isLessThan(replicas));
    }
  }

  @Test
  void thoseThatWriteAVolumeOfOnePodAreReplacedNotRolled() {
    for (JsonNode server : Manifests.base().ofKind("Deployment")) {
      boolean ownData =
          Manifests.pod(server).path("volumes").findValuesAsText("claimName").stream()
              .anyMatch(claim -> !claim.equals("models"));
      assertThat(server.path("spec").path("strategy").path("type").asText("RollingUpdate"))
          .as(Manifests.name(server))
          .isEqualTo(ownData ? "Recreate" : "RollingUpdate");
      for (JsonNode mount : Manifests.pod(server).path("containers").path(0).path("volumeMounts")) {
        if (mount.path("name").asText().equals("models")) {
          assertThat(mount.path("readOnly").asBoolean(false))
              .as(Manifests.name(server) + " may write models")
              .isEqualTo(!ownData);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void patchesFindWhatTheyChange(Manifests manifests) {
    for (JsonNode patch : manifests.kustomization().path("patches")) {
      JsonNode target = patch.path("target");
      List<JsonNode> found =
          manifests.ofKind(target.path("kind").asText()).stream()
              .filter(
                  r ->
                      !target.has("name") || Manifests.name(r).equals(target.path("name").asText()))
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

  private static List<JsonNode> operations(JsonNode patch) {
    try {
      List<JsonNode> operations = new ArrayList<>();
      new YAMLMapper().readTree(patch.path("patch").asText()).forEach(operations::add);
      return operations;
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
