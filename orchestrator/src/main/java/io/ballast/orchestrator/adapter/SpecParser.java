package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.RunSpecReader;
import io.ballast.orchestrator.core.spec.SpecReading;
import io.ballast.orchestrator.core.spec.StandingSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * Reads a run's spec: JSON if it begins with a brace, YAML otherwise. No key may be there twice.
 */
public final class SpecParser implements SpecReading {
  private static final int MAX_ALIASES = 10;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  @Override
  public RunSpec apply(String spec) {
    return RunSpecReader.read(tree(spec));
  }

  @Override
  public RunSpec learned(String spec) {
    return RunSpecReader.learned(tree(spec));
  }

  @Override
  public StandingSpec standing(String spec) {
    return RunSpecReader.standing(tree(spec));
  }

  @Override
  public List<String> differences(String one, String other) {
    return SpecDifferences.of(List.of(one, other)).stream()
        .map(
            row ->
                "%s: %s (%s there)"
                    .formatted(row.key(), row.values().getFirst(), row.values().getLast()))
        .toList();
  }

  /** Returns what a spec says, as it was written: maps, lists, texts, numbers and booleans. */
  public static @Nullable Object tree(String spec) {
    return spec.stripLeading().startsWith("{") ? json(spec) : yaml(spec);
  }

  private static @Nullable Object json(String spec) {
    try {
      return JSON.readValue(spec, Object.class);
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? ""
              : " (line %d, column %d)"
                  .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
      throw Faults.malformed("spec", "no JSON: " + e.getOriginalMessage() + where);
    }
  }

  private static @Nullable Object yaml(String spec) {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    options.setAllowRecursiveKeys(false);
    options.setMaxAliasesForCollections(MAX_ALIASES);
    try {
      return new Yaml(new SafeConstructor(options)).load(spec);
    } catch (MarkedYAMLException e) {
      String where =
          e.getProblemMark() == null
              ? ""
              : " (line %d, column %d)"
                  .formatted(e.getProblemMark().getLine() + 1, e.getProblemMark().getColumn() + 1);
      throw Faults.malformed("spec", "no YAML: " + e.getProblem() + where);
    } catch (YAMLException e) {
      throw Faults.malformed("spec", "no YAML: " + e.getMessage());
    }
  }
}
