package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A document that the schema takes is 1, another, or none, is 0. */
class JsonSchemaComponentTest {
  private static final String PERSON =
      "{'kind': 'json_schema', 'schema': {'type': 'object', 'required': ['age'], 'properties':"
          + " {'age': {'type': 'integer', 'minimum': 0}, 'name': {'type': 'string', 'pattern':"
          + " '^(a|aa)+$'}}, 'additionalProperties': false}}";

  @Test
  void theDocumentIsJudgedWhole() throws CannotJudge {
    OneComponent schema = new OneComponent(PERSON);

    assertThat(schema.value("{\"age\": 3}")).isEqualTo(1);
    assertThat(schema.value("{\"age\": -1}")).isEqualTo(0);
    assertThat(schema.value("{\"age\": 3, \"x\": 1}")).isEqualTo(0);
    assertThat(schema.value("{\"age\": 3} and more")).isEqualTo(0);
    assertThat(schema.value("{\"age\": 3, \"age\": 4}")).isEqualTo(0);
    assertThat(schema.value("not JSON")).isEqualTo(0);
    assertThat(schema.value(" ")).isEqualTo(0);
    assertThat(schema.judge(OneComponent.item("{}", Map.of())).detail()).contains("age");
  }

  @Test
  void patternsDoNotRunAway() {
    OneComponent schema = new OneComponent(PERSON);
    String text = "{\"age\": 1, \"name\": \"" + "a".repeat(20_000) + "!\"}";

    assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> assertThat(schema.value(text)).isEqualTo(0));
  }

  @Test
  void numbersThatArithmeticWouldChokeOnAreRefused() {
    OneComponent schema =
        new OneComponent("{'kind': 'json_schema', 'schema': {'multipleOf': 0.1}}");

    assertThatThrownBy(() -> schema.value("[1, 1e999999999]"))
        .isInstanceOf(CannotJudge.class)
        .hasMessage("items[0].completion: a number with an exponent over 400");
  }

  @Test
  void aSchemaThatIsNoneOrLooksElsewhereIsNamedByItsPath() {
    assertFlaw("5", "$.components.it.schema: 5 (expected: a JSON schema)");
    assertFlaw("{'type': 'objekt'}", "$.components.it.schema: $.type: ");
    assertFlaw("{'pattern': '(x'}", "$.components.it.schema: ");
    assertFlaw("{'$ref': 'http://127.0.0.1:1/x.json'}", "$.components.it.schema: ");
    assertFlaw("{'$ref': 'file:///etc/passwd'}", "$.components.it.schema: ");
    assertFlaw("{'$ref': 'classpath:logging.properties'}", "$.components.it.schema: ");
  }

  private static void assertFlaw(String schema, String message) {
    assertThatThrownBy(() -> new OneComponent("{'kind': 'json_schema', 'schema': " + schema + "}"))
        .isInstanceOf(CompositeFlaw.class)
        .hasMessageStartingWith(message);
  }
}
