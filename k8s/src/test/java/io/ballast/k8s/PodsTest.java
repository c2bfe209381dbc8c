package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pods are found, bounded and restricted, have what they write on, and outlive a drained node. */
class PodsTest extends ManifestsCase {
  /** Claims that whoever uses a component has to bring. */
  private static final Set<String> BROUGHT_CLAIMS = Set.of("llm");

  /** For all of a stop but the drain, as {@code ./mesh up} reckons too. */
  private static final Duration STOP = Duration.ofSeconds(20);

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
    for (String kind : List.of("HorizontalPodAutoscaler", "ScaledObject")) {
      for (JsonNode scaler : manifests.ofKind(kind)) {
        JsonNode target = scaler.path("spec").path("scaleTargetRef");
        assertThat(
                manifests.named(
                    target.path("kind").asText("Deployment"), target.path("name").asText()))
            .as("what " + Manifests.name(scaler) + " scales")
            .hasSize(1);
      }
    }
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
  }

  @Test
  void whoAsksForPostgresNamesAUser() throws IOException {
    List<String> asked = new ArrayList<>();
    for (String folder : List.of("base", "overlays", "components", "gates")) {
      try (Stream<Path> files = Files.walk(Path.of(folder))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Files.readAllLines(file).stream()
              .filter(line -> line.contains("pg_isready"))
              .forEach(asked::add);
        }
      }
    }
    assertThat(asked)
        .as("pg_isready, which makes no attempt where its uid has no name and none is given")
        .hasSizeGreaterThanOrEqualTo(3)
        .allMatch(line -> line.matches(".*pg_isready.*--username(=|, )[a-z]+.*"));
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
      for (JsonNode container : containers(workload)) {
        JsonNode security = container.path("securityContext");
        assertThat(security.path("allowPrivilegeEscalation").asBoolean(true)).as(name).isFalse();
        assertThat(security.path("readOnlyRootFilesystem").asBoolean()).as(name).isTrue();
        assertThat(security.path("capabilities").path("drop").path(0).asText())
            .as(name)
            .isEqualTo("ALL");
        assertThat(container.path("resources").path("requests").has("cpu")).as(name).isTrue();
        assertThat(container.path("resources").path("requests").has("memory")).as(name).isTrue();
        assertThat(container.path("resources").path("limits").has("memory")).as(name).isTrue();
        assertThat(mounts(container)).as(name).isSubsetOf(volumes(workload));
      }
      for (JsonNode container : pod.path("containers")) {
        assertThat(container.has("livenessProbe")).as(name).isTrue();
        assertThat(container.has("readinessProbe")).as(name).isTrue();
      }
    }
  }

  /** Else calls under way are cut off, and what a server writes at its end is lost. */
  @ParameterizedTest
  @MethodSource("everything")
  void whoIsAskedToGoHasTheTimeToBeForgottenToDrainAndToStop(Manifests manifests) {
    assertThat(manifests.patches().toString())
        .as("what is patched, which this test does not see")
        .doesNotContain("terminationGracePeriodSeconds", "preStop", "BALLAST_DRAIN");
    Duration drain = Duration.parse(manifests.configuration().getOrDefault("BALLAST_DRAIN", ""));
    for (String server : SERVERS) {
      JsonNode pod = Manifests.pod(manifests.named("Deployment", server).getFirst());
      JsonNode container = pod.path("containers").path(0);
      assertThat(container.path("env").findValuesAsText("name"))
          .as(server + " has the drain of all")
          .doesNotContain("BALLAST_DRAIN");
      long forgotten = container.at("/lifecycle/preStop/sleep/seconds").asLong();
      assertThat(forgotten).as(server + " is forgotten by the endpoints").isPositive();
      assertThat(pod.path("terminationGracePeriodSeconds").asLong())
          .as(server)
          .isGreaterThanOrEqualTo(drain.plusSeconds(forgotten).plus(STOP).toSeconds());
    }
  }

  /** What stands on a command line wins over the environment, and would be there for good. */
  @Test
  void theHeapIsSaidByTheEnvironmentAndFitsIntoThePod() throws IOException {
    String said = Manifests.base().configuration().getOrDefault("JDK_JAVA_OPTIONS", "");
    List<String> ofALaptop =
        Files.readAllLines(Path.of("..", "standalone", "jvm.options")).stream()
            .filter(line -> line.matches("-Xm[sx].*"))
            .toList();
    assertThat(said.split(" ")).containsExactlyElementsOf(ofALaptop);
    assertThat(Files.readString(Path.of("pom.xml"))).doesNotContain("<arg>-Xm");

    MatchResult heap = Pattern.compile("-Xmx(\\d+)m").matcher(said).results().toList().getFirst();
    for (JsonNode server : Manifests.base().ofKind("Deployment")) {
      String limit = Manifests.pod(server).at("/containers/0/resources/limits/memory").asText();
      assertThat(limit).as(Manifests.name(server)).endsWith("Gi");
      assertThat(Integer.parseInt(limit.substring(0, limit.length() - 2)) * 1024)
          .as(Manifests.name(server) + " has room beside the heap")
          .isGreaterThanOrEqualTo(2 * Integer.parseInt(heap.group(1)));
    }
  }

  /** Pages find lines by a logger's whole name and by a request's ids, which text does not have. */
  @ParameterizedTest
  @MethodSource("everything")
  void logsOfPodsAreJson(Manifests manifests) throws IOException {
    String property = "quarkus.log.console.json.enabled";
    assertThat(
            Files.readString(
                Path.of("..", "standalone", "src/main/resources", "application.properties")))
        .as("what the built program calls it, and has off")
        .contains("\n" + property + "=false\n");
    assertThat(manifests.configuration())
        .containsEntry(property.replace('.', '_').toUpperCase(Locale.ROOT), "true")
        .containsEntry("QUARKUS_LOG_FILE_ENABLED", "false");
  }

  @ParameterizedTest
  @ValueSource(strings = {"vllm", "triton-llm"})
  void whatDrawsOnAGpuHasANameAndWritesWhereItMay(String component) {
    JsonNode drawing = Manifests.component(component).named("Deployment", component).getFirst();
    JsonNode container = Manifests.pod(drawing).path("containers").path(0);
    Map<String, String> environment = new TreeMap<>();
    container
        .path("env")
        .forEach(
            entry -> environment.put(entry.path("name").asText(), entry.path("value").asText()));
    List<String> writable = new ArrayList<>();
    for (JsonNode mount : container.path("volumeMounts")) {
      if (!mount.path("readOnly").asBoolean(false)) {
        writable.add(mount.path("mountPath").asText());
      }
    }
    assertThat(environment).containsKeys("USER", "HOME");
    for (String folder : List.of("HOME", "VLLM_CACHE_ROOT", "TORCHINDUCTOR_CACHE_DIR")) {
      assertThat(environment).containsKey(folder);
      assertThat(writable)
          .as(folder)
          .anyMatch(mount -> Path.of(environment.getOrDefault(folder, "")).startsWith(mount));
    }
  }

  /** Nothing else would load it, and nothing would say so before the pod starts. */
  @Test
  void tritonLoadsTheModelThatItsRepositoryHasAndThatIsAskedFor() throws IOException {
    Manifests triton = Manifests.component("triton-llm");
    String model =
        triton.configuration().getOrDefault("BALLAST_POLICY_REMOTES_TRITON_SERVED_MODEL", "");
    JsonNode workload = triton.named("Deployment", "triton-llm").getFirst();
    JsonNode container = Manifests.pod(workload).path("containers").path(0);
    List<String> repository = new ArrayList<>();
    for (JsonNode item : Manifests.pod(workload).at("/volumes/0/configMap/items")) {
      assertThat(Path.of("components", "triton-llm", item.path("key").asText())).isRegularFile();
      repository.add(item.path("path").asText());
    }

    assertThat(container.path("command"))
        .extracting(JsonNode::asText)
        .contains("--model-control-mode=explicit", "--load-model=" + model)
        .filteredOn(word -> word.startsWith("--load-model="))
        .hasSize(1);
    for (String probe : List.of("startupProbe", "readinessProbe", "livenessProbe")) {
      assertThat(container.at("/" + probe + "/httpGet/path").asText())
          .as(probe)
          .isEqualTo("/v2/models/%s/ready", model);
    }
    assertThat(repository)
        .containsExactlyInAnyOrder(model + "/config.pbtxt", model + "/1/model.json");
    JsonNode engine =
        new JsonMapper().readTree(Path.of("components", "triton-llm", "model.json").toFile());
    assertThat(container.path("volumeMounts").findValuesAsText("mountPath"))
        .as("where the weights are")
        .contains(engine.path("model").asText());
  }

  /** Those that run and those that run before them. */
  private static List<JsonNode> containers(JsonNode workload) {
    List<JsonNode> containers = new ArrayList<>();
    Manifests.pod(workload).path("initContainers").forEach(containers::add);
    Manifests.pod(workload).path("containers").forEach(containers::add);
    return containers;
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

  /** A node that starts anew runs them in the same pod again, with its volumes as they were. */
  @ParameterizedTest
  @MethodSource("everything")
  void whatRunsBeforeAPodMayRunAgain(Manifests manifests) {
    for (JsonNode workload : manifests.workloads()) {
      for (JsonNode container : Manifests.pod(workload).path("initContainers")) {
        List<String> command = new ArrayList<>();
        container.path("command").forEach(word -> command.add(word.asText()));
        if (command.contains("export")) {
          assertThat(command).as(Manifests.name(workload)).contains("--keep");
        } else {
          assertThat(command.toString()).as("writes nothing").contains("pg_isready");
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void claimsExist(Manifests manifests) {
    for (JsonNode workload : manifests.workloads()) {
      for (JsonNode volume : Manifests.pod(workload).path("volumes")) {
        JsonNode claim = volume.path("persistentVolumeClaim").path("claimName");
        if (!claim.isMissingNode() && !BROUGHT_CLAIMS.contains(claim.asText())) {
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

  @ParameterizedTest
  @MethodSource("everything")
  void whatHasReplicasHasABudget(Manifests manifests) {
    for (JsonNode workload : manifests.workloads()) {
      if (workload.path("spec").path("replicas").asInt() > 1) {
        assertThat(manifests.named("PodDisruptionBudget", Manifests.name(workload)))
            .as(Manifests.name(workload))
            .hasSize(1);
        assertThat(Manifests.pod(workload).path("topologySpreadConstraints"))
            .as(Manifests.name(workload))
            .isNotEmpty();
      }
    }
  }

  @Test
  void whatServersGrowByIsAMetricOfTheirsAndTestedOnRecordedSeries() throws IOException {
    Pattern metric = Pattern.compile("ballast_[a-z_]+");
    String readme = Files.readString(Path.of("..", "service-kit", "README.md"));
    String tests = Files.readString(Path.of("monitoring", "tests", "growth.yaml"));
    for (JsonNode scaler : Manifests.component("keda").ofKind("ScaledObject")) {
      int read = 0;
      for (JsonNode trigger : scaler.at("/spec/triggers")) {
        String query = trigger.at("/metadata/query").asText();
        if (!query.isEmpty()) {
          read++;
          assertThat(tests).contains("expr: " + query + "\n");
          assertThat(query)
              .contains("server=\"" + Manifests.name(scaler).replace("-server", "") + "\"");
          assertThat(metric.matcher(query).results())
              .isNotEmpty()
              .extracting(found -> found.group().replaceAll("_seconds_(sum|count)$", ""))
              .allSatisfy(name -> assertThat(readme).contains("`" + name.replace('_', '.') + "`"));
        }
      }
      assertThat(read).as(Manifests.name(scaler)).isEqualTo(2);
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
}
