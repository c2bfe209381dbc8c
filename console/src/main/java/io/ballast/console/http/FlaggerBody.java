package io.ballast.console.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.JsonFlaw;
import java.io.IOException;
import java.util.Map;

/**
 * What Flagger posts to a webhook: {@code name}, {@code namespace}, {@code phase}, {@code checksum}
 * and the {@code metadata} of the Canary's webhook, all text. Only the metadata is read here.
 *
 * @param model metadata {@code model}
 * @param version metadata {@code version}
 * @param alias metadata {@code alias}; empty: any
 * @param token metadata {@code token}, since Flagger sends no headers of one's own; empty: none
 */
record FlaggerBody(String model, String version, String alias, String token) {
  private static final ObjectReader JSON = JsonMapper.builder().build().readerFor(JsonNode.class);

  /**
   * Reads a body, JSON in UTF-8.
   *
   * @throws MeshException MALFORMED_REQUEST, naming what is wrong
   */
  static FlaggerBody read(byte[] bytes) {
    JsonNode body;
    try {
      body = JSON.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw malformed("body", "no JSON: " + JsonFlaw.of(e));
    } catch (IOException e) {
      throw malformed("body", "no JSON: " + e.getMessage());
    }
    JsonNode metadata = body == null ? null : body.get("metadata");
    if (metadata == null || !metadata.isObject()) {
      throw malformed(
          "metadata", "missing (expected: an object with model and version, and alias if wanted)");
    }
    return new FlaggerBody(
        required(metadata, "model"),
        required(metadata, "version"),
        text(metadata, "alias"),
        text(metadata, "token"));
  }

  private static String required(JsonNode metadata, String name) {
    String value = text(metadata, name);
    if (value.isEmpty()) {
      throw malformed("metadata." + name, "missing (expected: text)");
    }
    return value;
  }

  private static String text(JsonNode metadata, String name) {
    JsonNode value = metadata.get(name);
    if (value == null || value.isNull()) {
      return "";
    }
    if (!value.isTextual()) {
      throw malformed("metadata." + name, value + " (expected: text)");
    }
    return value.textValue();
  }

  private static MeshException malformed(String field, String what) {
    return new MeshException(Fault.MALFORMED_REQUEST, field + ": " + what, Map.of("field", field));
  }
}
