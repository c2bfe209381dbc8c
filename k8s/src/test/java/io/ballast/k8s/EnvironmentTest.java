package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.orchestrator.config.OrchestratorProperties;
import io.ballast.policy.config.PolicyProperties;
import io.ballast.policy.config.PolicyProperties.RemoteProperties;
import io.ballast.policy.core.version.RemoteVersion;
import io.ballast.reward.config.RewardProperties;
import io.ballast.safety.config.SafetyProperties;
import io.ballast.standalone.config.MeshProperties;
import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigMappings.ConfigClass;
import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every {@code BALLAST_*} variable that the manifests name is a property of the process: one that
 * is not would be ignored without a word.
 */
class EnvironmentTest {
  private static final Pattern VARIABLE = Pattern.compile("\\bBALLAST_[A-Za-z0-9_]+");

  private static final List<Class<?>> PROPERTIES =
      List.of(
          MeshProperties.class,
          PolicyProperties.class,
          RewardProperties.class,
          SafetyProperties.class,
          OrchestratorProperties.class);

  @Test
  void everyVariableIsAProperty() throws IOException {
    Map<String, Set<String>> named = named();
    List<Pattern> properties = properties();

    assertThat(named).containsKeys("BALLAST_HOST", "BALLAST_PEERS_REWARD", "BALLAST_DATABASE_URL");
    assertThat(properties).extracting(Pattern::pattern).contains("BALLAST_POLICY_TEMPERATURE");
    named.keySet().removeIf(name -> properties.stream().anyMatch(p -> p.matcher(name).matches()));
    assertThat(named).as("variables that are no property, with their files").isEmpty();
  }

  /** The files that name a variable, by its name. */
  private static Map<String, Set<String>> named() throws IOException {
    Map<String, Set<String>> named = new TreeMap<>();
    for (String folder : List.of("base", "overlays", "components", "checks/compositions")) {
      try (Stream<Path> files = Files.walk(Path.of(folder))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          VARIABLE
              .matcher(Files.readString(file))
              .results()
              .map(MatchResult::group)
              .forEach(
                  name -> named.computeIfAbsent(name, key -> new TreeSet<>()).add(file.toString()));
        }
      }
    }
    return named;
  }

  /** The names under which the process finds its properties in the environment. */
  private static List<Pattern> properties() {
    return PROPERTIES.stream()
        .map(ConfigClass::configClass)
        .flatMap(mapping -> ConfigMappings.getProperties(mapping).keySet().stream())
        .map(name -> name.replaceAll("[^A-Za-z0-9*]", "_").toUpperCase(Locale.ROOT))
        .map(name -> Pattern.compile(name.replace("*", "[A-Z0-9]+")))
        .toList();
  }

  @Test
  void vllmsVersionIsReadFromTheEnvironment() {
    assertThat(remotes(Manifests.component("vllm")))
        .containsOnlyKeys("llm")
        .allSatisfy(
            (name, remote) -> {
              assertThat(remote.kind()).isEqualTo(RemoteVersion.Kind.OPENAI);
              assertThat(remote.url()).isEqualTo("http://vllm:8000");
              assertThat(remote.folder()).isEqualTo("/llm");
            });
  }

  @ParameterizedTest
  @CsvSource({"everything, VLLM, llm", "tensorrt-llm, TENSORRT_LLM, tensorrt_llm"})
  void tritonsVersionIsReadFromTheEnvironment(
      String composition, RemoteVersion.Kind kind, String servedModel) {
    Manifests manifests = Manifests.composition(composition);
    JsonNode port = manifests.named("Service", "triton-llm").getFirst().at("/spec/ports/0");

    assertThat(port.path("targetPort").asText()).isEqualTo("grpc");
    assertThat(remotes(manifests))
        .hasEntrySatisfying(
            "triton",
            triton -> {
              assertThat(triton.kind()).isEqualTo(kind);
              assertThat(triton.servedModel()).contains(servedModel);
              assertThat(triton.folder()).isEqualTo("/llm");
              assertThat(triton.drainStreams()).as("Triton dies where streams are left").isTrue();
              assertThat(triton.url()).isEqualTo("triton-llm:" + port.path("port").asText());
            });
  }

  /** A certificate holds for a place: two places of one version would take it from each other. */
  @Test
  void componentsThatServeOnesPolicyGiveItVersionsOfTheirOwn() {
    Map<String, RemoteProperties> remotes = remotes(Manifests.everything());

    assertThat(remotes).containsOnlyKeys("llm", "triton");
    assertThat(remotes.values())
        .extracting(remote -> remote.model() + "/" + remote.version())
        .containsExactlyInAnyOrder("llm/1", "llm/triton-1");
  }

  private static Map<String, RemoteProperties> remotes(Manifests manifests) {
    return new SmallRyeConfigBuilder()
        .addDiscoveredConverters()
        .withMapping(PolicyProperties.class)
        .withSources(new EnvConfigSource(manifests.configuration(), 300))
        .build()
        .getConfigMapping(PolicyProperties.class)
        .remotes();
  }
}
