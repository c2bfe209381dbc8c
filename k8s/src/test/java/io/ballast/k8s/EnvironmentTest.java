package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.config.OrchestratorProperties;
import io.ballast.policy.config.PolicyProperties;
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
    for (String folder : List.of("base", "overlays", "components")) {
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
    Map<String, String> variables = Manifests.component("vllm").configuration();
    PolicyProperties properties =
        new SmallRyeConfigBuilder()
            .addDiscoveredConverters()
            .withMapping(PolicyProperties.class)
            .withSources(new EnvConfigSource(variables, 300))
            .build()
            .getConfigMapping(PolicyProperties.class);

    assertThat(properties.remotes())
        .containsOnlyKeys("llm")
        .allSatisfy(
            (name, remote) -> {
              assertThat(remote.url()).isEqualTo("http://vllm:8000");
              assertThat(remote.folder()).isEqualTo("/llm");
            });
  }
}
