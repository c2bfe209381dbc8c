package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.JsonFlaw;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.RunSpecReader;
import io.ballast.orchestrator.core.spec.SpecReading;
import io.ballast.orchestrator.core.spec.StandingSpec;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * Reads a run's spec: JSON if it begins with a brace, YAML otherwise. No key may be there twice.
 * What cannot be read is told by its place, without what it says: a spec holds prompts.
 */
public final class SpecParser implements SpecReading {
  private static final int MAX_ALIASES = 10;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** What the parser of YAML may say is wrong, up to where it quotes. A key is no text. */
  private static final Pattern WORDS =
      Pattern.compile(
          String.join(
              "|",
              "found duplicate key [A-Za-z0-9._+-]{1,40}\\z",
              "found (duplicate|unacceptable) key",
              "found undefined (alias|tag handle)",
              "found unexpected (end of stream|document separator)",
              "found unknown escape character",
              "found character '[^']{1,8}' that cannot start any token",
              "found empty value",
              "but found another document",
              "(mapping keys|mapping values|sequence entries) are not allowed here",
              "could not find expected ':'",
              "expected [A-Za-z0-9 <>,.'!-]{1,80}?(, but found '<[a-z ]+>'|(?=, but found))",
              "could not determine a constructor for the tag",
              "Global tag is not allowed",
              "Number of aliases for non-scalar nodes exceeds the specified max=[0-9]+",
              "Nesting Depth exceeded max [0-9]+",
              "Recursive key for mapping is detected",
              "Unexpected timestamp",
              "unacceptable code point '[^']{1,8}'"));

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
    return SpecDifferences.withoutTexts(List.of(one, other)).stream()
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
      JsonLocation at = e.getLocation(); // none where a limit was passed, such as of nesting
      throw unreadable(
          "JSON", JsonFlaw.of(e), at == null ? "" : place(at.getLineNr(), at.getColumnNr()));
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
      Mark at = e.getProblemMark();
      throw unreadable(
          "YAML",
          words(String.valueOf(e.getProblem())),
          at == null ? "" : place(at.getLine() + 1, at.getColumn() + 1));
    } catch (ReaderException e) {
      throw unreadable(
          "YAML",
          words(String.valueOf(e.getMessage())),
          " (character %d)".formatted(e.getPosition() + 1));
    } catch (YAMLException e) {
      throw unreadable("YAML", words(String.valueOf(e.getMessage())), "");
    } catch (IllegalArgumentException e) {
      throw unreadable("YAML", "a value is not of its tag", ""); // such as !!int and !!binary
    }
  }

  private static String words(String said) {
    Matcher words = WORDS.matcher(said);
    return words.lookingAt() ? words.group() : "";
  }

  private static String place(int line, int column) {
    return " (line %d, column %d)".formatted(line, column);
  }

  private static MeshException unreadable(String form, String words, String place) {
    return Faults.malformed("spec", "no " + form + (words.isEmpty() ? "" : ": " + words) + place);
  }
}
