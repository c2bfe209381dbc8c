package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.RpcAccess;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a schema cannot see: that selectors find their pods, names their ports, patches their
 * targets.
 */
class ManifestsTest {
  private static final List<String> SERVERS =
      List.of("policy-server", "reward-server", "safety-server", "orchestrator");

  /** What those carry that call and are no server. */
  private static final List<String> CALLER_LABELS =
      List.of("ballast.io/client", "ballast.io/http-client", "ballast.io/scraper");

  /** What Kubernetes says of the mesh's namespace by itself. */
  private static final Map<String, String> OWN_NAMESPACE =
      Map.of("kubernetes.io/metadata.name", "ballast");

  /** Claims that whoever uses a component has to bring. */
  private static final Set<String> BROUGHT_CLAIMS = Set.of("llm");

  static Stream<Manifests> everything() {
    return Stream.concat(
        Stream.of(Manifests.base(), Manifests.everything()),
        Manifests.overlays().stream().map(Manifests::overlay));
  }

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
  }

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

  @Test
  void vllmHasANameAndWritesWhereItMay() {
    JsonNode vllm = Manifests.component("vllm").named("Deployment", "vllm").getFirst();
    JsonNode container = Manifests.pod(vllm).path("containers").path(0);
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
