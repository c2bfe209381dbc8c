package io.ballast.reward.component;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import com.networknt.schema.resource.DisallowSchemaLoader;
import io.ballast.inference.text.CallerJson;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.reward.core.ComponentOutcome;
import java.util.Comparator;
import java.util.Set;

/**
 * Whether the completion is a JSON document that a schema (draft 2020-12) takes: 1 if it is, 0 if
 * it is none, or another. Nothing is fetched: a schema refers only to itself. Its patterns are
 * RE2's, so that none runs away.
 */
public final class JsonSchemaComponent implements ItemComponent {
  private static final JsonSchemaFactory FACTORY =
      JsonSchemaFactory.getInstance(
          VersionFlag.V202012,
          builder ->
              builder.schemaLoaders(
                  loaders ->
                      loaders.values(all -> all.add(0, DisallowSchemaLoader.getInstance()))));

  private static final SchemaValidatorsConfig RULES =
      SchemaValidatorsConfig.builder()
          .failFast(false)
          .regularExpressionFactory(
              pattern -> {
                Pattern compiled = Pattern.compile(pattern);
                return text -> compiled.matcher(text).find();
              })
          .build();

  /** What a schema itself must look like; it comes with the library. */
  private static final JsonSchema OF_SCHEMAS =
      JsonSchemaFactory.getInstance(VersionFlag.V202012)
          .getSchema(SchemaLocation.of(SchemaId.V202012));

  /** Arithmetic on numbers with larger exponents would take for ever. */
  private static final int MAX_EXPONENT = 400;

  private static final int SHOWN_CHARACTERS = 200;

  private final JsonSchema schema;

  private JsonSchemaComponent(JsonSchema schema) {
    this.schema = schema;
  }

  static JsonSchemaComponent read(Settings settings) {
    JsonNode node = settings.node("schema");
    String path = settings.path("schema");
    if (!node.isObject()) {
      throw new CompositeFlaw(path, Settings.shown(node) + " (expected: a JSON schema)");
    }
    OF_SCHEMAS.validate(node).stream()
        .min(Comparator.comparing(ValidationMessage::getMessage))
        .ifPresent(
            flaw -> {
              throw new CompositeFlaw(path, flaw.getMessage());
            });
    try {
      JsonSchema schema = FACTORY.getSchema(node, RULES);
      schema.initializeValidators();
      return new JsonSchemaComponent(schema);
    } catch (JsonSchemaException | PatternSyntaxException e) {
      throw new CompositeFlaw(path, String.valueOf(e.getMessage()));
    } catch (StackOverflowError e) {
      throw new CompositeFlaw(path, "refers to itself without end");
    }
  }

  @Override
  public ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge {
    String text = candidate.completion();
    JsonNode document;
    try {
      document = CallerJson.read(text);
    } catch (IllegalArgumentException e) {
      return no(String.valueOf(e.getMessage()));
    }
    if (document.isMissingNode()) {
      return no("empty");
    }
    requireUsual(document, candidate.item().path() + ".completion");
    Set<ValidationMessage> flaws = schema.validate(document);
    return flaws.isEmpty()
        ? new ComponentOutcome.Value(1, "valid")
        : no(flaws.stream().map(ValidationMessage::getMessage).sorted().findFirst().orElseThrow());
  }

  private static ComponentOutcome.Value no(String why) {
    return new ComponentOutcome.Value(0, Texts.asLine(why, SHOWN_CHARACTERS));
  }

  private static void requireUsual(JsonNode node, String path) throws CannotJudge {
    if (node.isBigDecimal() && Math.abs((long) node.decimalValue().scale()) > MAX_EXPONENT) {
      throw new CannotJudge(
          ItemFault.Reason.INVALID_INPUT,
          "%s: a number with an exponent over %d".formatted(path, MAX_EXPONENT));
    }
    for (JsonNode child : node) {
      requireUsual(child, path);
    }
  }
}
