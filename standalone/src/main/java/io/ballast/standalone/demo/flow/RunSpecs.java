package io.ballast.standalone.demo.flow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.standalone.demo.mesh.RunName;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the specs of the two runs from one template, {@code demo/run.yaml}, so that they differ
 * only in what they must.
 */
public final class RunSpecs {
  private static final String TEMPLATE = "/demo/run.yaml";
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Below the data folder of a mesh, where runs may read. */
  private static final String FOLDER = "prompts/demo/";

  private final Optional<Path> dataFolder;

  /**
   * @param dataFolder of the mesh, where prompts are put as files; empty: they stand in the spec
   */
  public RunSpecs(Optional<Path> dataFolder) {
    this.dataFolder = dataFolder;
  }

  /**
   * Returns the spec of {@code run}.
   *
   * @param version that it starts from
   * @param prompts to learn from
   * @param testPrompts held out, of this run's test alone, in groups
   */
  String write(
      RunName run,
      DemoPlan plan,
      String version,
      long seed,
      List<String> prompts,
      GroupedPrompts testPrompts) {
    boolean constrained = run == RunName.CONSTRAINED;
    Map<String, String> values =
        Map.of(
            "name", "demo-" + run.key().replace('_', '-'),
            "model", plan.model(),
            "version", version,
            "iterations", Integer.toString(plan.iterations()),
            "seed", Long.toString(seed),
            "constrained", Boolean.toString(constrained),
            "promotion", constrained ? "AUTOMATIC" : "NEVER",
            "prompts", place("learning", GroupedPrompts.alone(prompts)),
            "test_prompts", place(run.key() + "-safety", testPrompts));
    String spec = template();
    for (Map.Entry<String, String> value : values.entrySet()) {
      spec = spec.replace("${" + value.getKey() + "}", value.getValue());
    }
    return spec;
  }

  /** Returns where the prompts are, as a YAML flow mapping. */
  private String place(String name, GroupedPrompts given) {
    boolean grouped = !given.groups().isEmpty();
    try {
      if (dataFolder.isEmpty()) {
        String groups = grouped ? ", groups: " + JSON.writeValueAsString(given.groups()) : "";
        return "{inline: " + JSON.writeValueAsString(given.prompts()) + groups + "}";
      }
      String file = FOLDER + name + ".jsonl";
      StringBuilder lines = new StringBuilder();
      for (int i = 0; i < given.size(); i++) {
        Map<String, String> line = new LinkedHashMap<>();
        line.put("prompt", given.prompts().get(i));
        if (grouped) {
          line.put("group", given.groups().get(i));
        }
        lines.append(JSON.writeValueAsString(line)).append('\n');
      }
      Path path = dataFolder.get().resolve(file);
      OwnerOnly.createFolders(dataFolder.get().resolve(FOLDER));
      Files.writeString(path, lines, StandardCharsets.UTF_8);
      return "{file: " + file + "}";
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String template() {
    try (InputStream in = RunSpecs.class.getResourceAsStream(TEMPLATE)) {
      if (in == null) {
        throw new IllegalStateException(TEMPLATE + ": not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
